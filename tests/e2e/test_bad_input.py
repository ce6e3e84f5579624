"""Bad input: each with a clear sentence in the job, nothing stored, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import requests
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEGLSLossless, generate_uid

from tests.e2e import results
from tests.e2e.node import Node
from tests.e2e.series import PushedSeries, phantom_series

AGAIN = "send the series again from its source."
SPOILED = 1
"""The number of the slice that is spoiled, so that the sentence names a known instance."""


@dataclass(frozen=True)
class Case:
    """`spoil` changes the slice's data set; the sentence may name its {uid}."""

    name: str
    spoil: Callable[[Dataset], None]
    sentence: str


def without(*keywords: str) -> Callable[[Dataset], None]:
    def spoil(dataset: Dataset) -> None:
        for keyword in keywords:
            delattr(dataset, keyword)

    return spoil


def setting(**values: object) -> Callable[[Dataset], None]:
    def spoil(dataset: Dataset) -> None:
        for keyword, value in values.items():
            setattr(dataset, keyword, value)

    return spoil


def flipped_sign(dataset: Dataset) -> None:
    """Says signed where the pixels are unsigned, or the reverse, of values that use all 16 bits."""
    signed = dataset.PixelRepresentation == 1
    stored = dataset.pixel_array.astype(np.int64)
    dataset.BitsStored, dataset.HighBit = 16, 15
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0 if signed else -32768
    dataset.PixelData = (stored if signed else stored + 32768 - 1024).astype("<u2").tobytes()
    dataset.PixelRepresentation = int(not signed)


CASES = [
    Case(
        "no pixel data",
        without("PixelData"),
        "The instance {uid} holds no pixel data; there is nothing a model could run on.",
    ),
    Case(
        "rows that do not match the data",
        setting(Rows=60),
        "The instance {uid} states 60 rows and 128 columns of 16 bits, which take 15360 bytes, but holds 32768 bytes "
        f"of pixel data; {AGAIN}",
    ),
    Case(
        "eight gigabytes by the header",
        setting(Rows=65535, Columns=65535),
        "The instance {uid} states 65535 rows and 65535 columns of 16 bits, which take 8589672450 bytes, but holds "
        f"32768 bytes of pixel data; {AGAIN}",
    ),
    Case(
        "no geometry",
        without("ImagePositionPatient", "ImageOrientationPatient"),
        "The instance {uid} lacks ImagePositionPatient and ImageOrientationPatient, so its place in the patient is "
        f"unknown; {AGAIN}",
    ),
    Case(
        "pixel spacing of zero",
        setting(PixelSpacing=[0, 0]),
        f"The instance {{uid}} states a PixelSpacing of 0 and 0 mm, which no image has; {AGAIN}",
    ),
    Case(
        "negative pixel spacing",
        setting(PixelSpacing=[-1, 1]),
        f"The instance {{uid}} states a PixelSpacing of -1 and 1 mm, which no image has; {AGAIN}",
    ),
    Case(
        "mixed frames of reference",
        setting(FrameOfReferenceUID=generate_uid(entropy_srcs=["elsewhere"])),
        "The slices lie in different frames of reference, so their places can't be compared; "
        "send the slices of one acquisition as a series.",
    ),
    Case(
        "absurd rescale slope",
        setting(RescaleSlope="1e9", RescaleIntercept="-1024"),
        "The instance {uid} states a RescaleSlope of 1e+09 and a RescaleIntercept of -1024, which no scanner uses; "
        f"{AGAIN}",
    ),
    Case(
        "no rescale values",
        without("RescaleSlope", "RescaleIntercept"),
        "The instance {uid} lacks RescaleSlope or RescaleIntercept, so its values can't be turned into Hounsfield "
        f"units; {AGAIN}",
    ),
]


def with_transfer_syntax(file: bytes, syntax: str) -> bytes:
    """The same file that states another transfer syntax in its meta header, which pydicom would not write."""
    at = file.index(b"\x02\x00\x10\x00UI")
    length = int.from_bytes(file[at + 6 : at + 8], "little")
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    group_length = int.from_bytes(file[140:144], "little") + len(value) - length
    return b"".join(
        [
            file[:140] + group_length.to_bytes(4, "little") + file[144 : at + 6],
            len(value).to_bytes(2, "little") + value + file[at + 8 + length :],
        ]
    )


def upload(node: Node, series: PushedSeries) -> None:
    for path in series.files:
        node.upload(path.read_bytes())


@pytest.fixture(scope="module")
def spoiled(node: Node, tmp_path_factory: pytest.TempPathFactory) -> dict[str, PushedSeries]:
    """All of them at once, so that their quiet times pass together."""
    folder = tmp_path_factory.mktemp("spoiled")
    made = {}
    for case in CASES:
        made[case.name] = phantom_series(folder / case.name, f"bad input/{case.name}", slices=4).edited(
            lambda number, dataset, spoil=case.spoil: spoil(dataset) if number == SPOILED else None
        )
        upload(node, made[case.name])
    return made


def ended(node: Node, series: PushedSeries, state: str = "skipped") -> str:
    """The job's sentence; the archive holds all that was sent and no result."""
    job = node.job(series.series_uid)
    assert (job["state"], job["results"]) == (state, []), job["reason"]
    assert len(node.get(f"/studies/{node.orthanc_id(series.study_uid)}/instances")) == len(series.files)
    return str(job["reason"])


def said(node: Node, series: PushedSeries) -> set[str]:
    """The texts in the report on the series."""
    node.job(series.series_uid, "done")
    report = results.retrieve(node.dicomweb(), series.study_uid)["SR"]
    return {str(element.value) for element in report.iterall() if element.keyword == "TextValue"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_spoiled_slice_is_named(node: Node, spoiled: dict[str, PushedSeries], case: Case) -> None:
    series = spoiled[case.name]
    uid = dcmread(series.files[SPOILED], stop_before_pixels=True).SOPInstanceUID

    assert ended(node, series) == case.sentence.format(uid=uid)


@pytest.mark.parametrize(
    ("syntax", "sentence"),
    [
        (
            "1.2.840.10008.1.2.4.205",
            "The instance {uid} states the transfer syntax JPIP HTJ2K Referenced Deflate, but its pixel data is not "
            "laid out so; send the series again.",
        ),
        (
            "1.2.826.0.1.3680043.2.1143.9",
            "A file of the series is written in the transfer syntax 1.2.826.0.1.3680043.2.1143.9, which this node "
            "does not know; send the series in another one.",
        ),
    ],
)
def test_an_unknown_transfer_syntax_is_named(
    node: Node, series: Callable[..., PushedSeries], syntax: str, sentence: str
) -> None:
    sent = series(slices=3)
    path = sent.files[SPOILED]
    uid = dcmread(path, stop_before_pixels=True).SOPInstanceUID
    path.write_bytes(with_transfer_syntax(path.read_bytes(), syntax))
    upload(node, sent)

    assert ended(node, sent) == sentence.format(uid=uid)


def test_a_truncated_file_is_refused_at_the_door(node: Node, series: Callable[..., PushedSeries]) -> None:
    sent = series(slices=3)

    with pytest.raises(requests.HTTPError, match="400"):
        node.upload(sent.files[0].read_bytes()[:-5000])

    assert node.orthanc_id(sent.series_uid) is None


def test_compressed_pixels_that_end_too_early_are_named(node: Node, series: Callable[..., PushedSeries]) -> None:
    sent = series(slices=3, transfer_syntax=JPEGLSLossless)
    path = sent.files[SPOILED]
    dataset = dcmread(path)
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = encapsulate([frame[: len(frame) // 4 * 2]])
    dataset.save_as(path)
    upload(node, sent)

    assert ended(node, sent) == (
        f"The instance {dataset.SOPInstanceUID} is cut off within its compressed pixel data; send the series again."
    )


def test_a_gap_in_the_series_is_named(node: Node, series: Callable[..., PushedSeries]) -> None:
    whole = series(slices=6)
    sent = PushedSeries(whole.study_uid, whole.series_uid, (*whole.files[:2], *whole.files[3:]))
    upload(node, sent)

    assert ended(node, sent).startswith("1 slice is missing in the series, the first between ")


def test_pixels_of_the_wrong_sign_are_refused(node: Node, series: Callable[..., PushedSeries]) -> None:
    sent = series(slices=3).edited(lambda number, dataset: flipped_sign(dataset) if number == SPOILED else None)
    upload(node, sent)
    uid = dcmread(sent.files[SPOILED], stop_before_pixels=True).SOPInstanceUID

    assert ended(node, sent).startswith(f"The instance {uid} would hold values from ")


def test_a_mix_of_signed_and_unsigned_slices_is_read_by_their_headers(
    node: Node, series: Callable[..., PushedSeries]
) -> None:
    def as_other_type(number: int, dataset: Dataset) -> None:
        if number % 2:
            hounsfield = dataset.pixel_array.astype(np.int64) + int(dataset.RescaleIntercept)
            dataset.BitsStored, dataset.HighBit = 16, 15
            signed = dataset.PixelRepresentation == 1
            dataset.PixelRepresentation, dataset.RescaleIntercept = int(not signed), -1024 if signed else 0
            dataset.PixelData = (hounsfield + (1024 if signed else 0)).astype("<u2" if signed else "<i2").tobytes()

    sent = series(slices=4).edited(as_other_type)
    upload(node, sent)

    assert "The series mixes signed and unsigned pixels; each slice was read as its own header says." in said(
        node, sent
    )


def test_one_slice_is_measured_with_its_own_thickness(node: Node, series: Callable[..., PushedSeries]) -> None:
    sent = series(slices=3, spacing_z_mm=5.0).part(slice(1, 2))
    upload(node, sent)

    thickness_mm = float(dcmread(sent.files[0], stop_before_pixels=True).SliceThickness)
    caution = f"The series holds one slice; its thickness of {thickness_mm:g} mm was taken for the third dimension."
    assert caution in said(node, sent)

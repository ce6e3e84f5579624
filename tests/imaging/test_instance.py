"""Files in: every transfer syntax gives the same image, and damage gives a sentence instead of an accident."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.instance import decode
from tests.builders.series import Scan, absurd_size, enhanced, part10, slices, stating, truncated, without

LOSSLESS = [
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEGLSLossless,
    JPEG2000Lossless,
]
# What hospitals send and the builders can't write; the real files hold all but HTJ2K.
DECODABLE = {
    "JPEG baseline": "1.2.840.10008.1.2.4.50",
    "JPEG extended": "1.2.840.10008.1.2.4.51",
    "JPEG lossless": "1.2.840.10008.1.2.4.57",
    "JPEG lossless, first order": "1.2.840.10008.1.2.4.70",
    "JPEG-LS near-lossless": "1.2.840.10008.1.2.4.81",
    "JPEG 2000": "1.2.840.10008.1.2.4.91",
    "HTJ2K lossless": "1.2.840.10008.1.2.4.201",
    "HTJ2K lossless RPCL": "1.2.840.10008.1.2.4.202",
    "HTJ2K": "1.2.840.10008.1.2.4.203",
}


def one(scan: Scan) -> Dataset:
    return slices(scan)[0]


def refusal(data: bytes) -> str:
    with pytest.raises(Unsuitable) as refused:
        decode(data)
    assert refused.value.stage == "decode"
    return refused.value.sentence


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda syntax: syntax.name)
def test_every_lossless_transfer_syntax_gives_the_same_image(syntax: UID, signed: bool) -> None:
    scan = Scan(rows=40, columns=36, signed=signed, intercept=0.0 if signed else -1024.0)
    plain = decode(part10(one(scan), ExplicitVRLittleEndian))
    other = decode(part10(one(scan), syntax))
    assert np.array_equal(plain.frames[0], scan.stored(0))
    assert np.array_equal(other.frames, plain.frames)
    assert other.frames.dtype == plain.frames.dtype
    assert other.pixel_digest == plain.pixel_digest


@pytest.mark.parametrize("syntax", DECODABLE.values(), ids=DECODABLE.keys())
def test_decoders_are_installed(syntax: str) -> None:
    assert get_decoder(syntax).is_available


def test_bits_beyond_the_stored_ones_do_not_count() -> None:
    dataset = one(Scan(bits_stored=12, signed=True, intercept=0.0))
    clean = decode(part10(dataset))
    dataset.PixelData = (np.frombuffer(dataset.PixelData, "<u2") & 0x0FFF).tobytes()
    assert np.array_equal(decode(part10(dataset)).frames, clean.frames)


def test_the_digest_tells_other_pixels_and_other_shapes_apart() -> None:
    dataset = one(Scan(rows=16, columns=12))
    first = decode(part10(dataset))
    dataset.Rows, dataset.Columns = 12, 16
    turned = decode(part10(dataset))
    dataset.PixelData = bytes(len(dataset.PixelData))
    black = decode(part10(dataset))
    assert len({first.pixel_digest, turned.pixel_digest, black.pixel_digest}) == 3


def test_the_header_has_no_pixels_and_the_frames_can_not_be_written() -> None:
    instance = decode(part10(one(Scan())))
    assert "PixelData" not in instance.header
    assert instance.header.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert not instance.frames.flags.writeable


def test_multi_frame_instances_have_their_frames_first() -> None:
    assert decode(part10(enhanced(Scan(slices=4, rows=10, columns=8)))).frames.shape == (4, 10, 8)


def test_colour_comes_as_rgb() -> None:
    dataset = stating(SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=1)[0]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    planes = np.arange(3 * 16 * 12, dtype=np.uint8).reshape(3, 16, 12)
    dataset.PixelData = planes.tobytes()
    assert np.array_equal(decode(part10(dataset)).frames[0], planes.transpose(1, 2, 0))


def test_what_is_no_dicom_file() -> None:
    assert refusal(b"") == "A file of the series is not a DICOM file; send the series again."
    assert refusal(b"x" * 5000) == "A file of the series is not a DICOM file; send the series again."


def test_a_truncated_file() -> None:
    uid = Scan(slices=1, rows=32, columns=32, name="truncated").uid("instance", Scan().orientation, 0)
    data = truncated(0.7)
    there = 2048 - (len(truncated(1.0)) - len(data))
    assert refusal(data) == (
        f"The instance {uid} is cut off: {there} of 2048 bytes of its pixel data are there; send the series again."
    )


@pytest.mark.parametrize(
    ("syntax", "sentence"),
    [
        (JPEGLSLossless, "is cut off within its compressed pixel data; send the series again."),
        (
            JPEG2000Lossless,
            "can't be decoded: its pixel data (JPEG 2000 Image Compression (Lossless Only)) is damaged, or not what "
            "its header states; send the series again.",
        ),
        (
            RLELossless,
            "can't be decoded: its pixel data (RLE Lossless) is damaged, or not what its header states; "
            "send the series again.",
        ),
    ],
)
def test_a_compressed_frame_that_ends_too_early(syntax: UID, sentence: str) -> None:
    dataset = dcmread(BytesIO(part10(one(Scan(rows=40, columns=36)), syntax)))
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = encapsulate([frame[: len(frame) // 4 * 2]])
    file = BytesIO()
    dataset.save_as(file)

    assert refusal(file.getvalue()) == f"The instance {dataset.SOPInstanceUID} {sentence}"


def test_a_truncated_compressed_file() -> None:
    dataset = one(Scan(rows=40, columns=36))
    data = part10(dataset, RLELossless)
    assert refusal(data[:-40]) == (
        f"The instance {dataset.SOPInstanceUID} is cut off within its compressed pixel data; send the series again."
    )


def test_a_file_that_ends_within_its_header() -> None:
    whole = part10(one(Scan()))
    assert refusal(whole[: whole.index(b"Built^Series") + 5]).endswith("send the series again.")


def test_an_item_that_a_miscounted_sequence_leaves_over_belongs_to_nothing() -> None:
    sound = part10(slices(Scan())[0])
    pixels_at = sound.rindex(b"\xe0\x7f\x10\x00")

    found = decode(sound[:pixels_at] + b"\xfe\xff\x00\xe0\x04\x00\x00\x00" + b"left" + sound[pixels_at:])

    assert list(found.header) == list(decode(sound).header)
    assert np.array_equal(found.frames, decode(sound).frames)


def test_no_pixel_data() -> None:
    dataset = without("PixelData")[0]
    assert refusal(part10(dataset)) == (
        f"The instance {dataset.SOPInstanceUID} holds no pixel data; there is nothing a model could run on."
    )


def test_floating_point_pixels() -> None:
    dataset = without("PixelData")[0]
    dataset.FloatPixelData = bytes(4 * 16 * 12)
    assert refusal(part10(dataset)) == (
        f"The instance {dataset.SOPInstanceUID} holds floating-point pixels, which this node does not read."
    )


@pytest.mark.parametrize("rows", [15, 17])
def test_a_size_that_does_not_match_the_data(rows: int) -> None:
    dataset = stating(Rows=rows)[0]
    assert refusal(part10(dataset)) == (
        f"The instance {dataset.SOPInstanceUID} states {rows} rows and 12 columns of 16 bits, which take {rows * 24} "
        "bytes, but holds 384 bytes of pixel data; send the series again from its source."
    )


def test_an_absurd_size_allocates_nothing() -> None:
    uid = stating(Rows=65535, Columns=65535)[0].SOPInstanceUID
    assert refusal(absurd_size()) == (
        f"The instance {uid} states 65535 rows and 65535 columns of 16 bits, which take 8589672450 bytes, but holds "
        "384 bytes of pixel data; send the series again from its source."
    )


def test_an_absurd_size_of_a_compressed_image_allocates_nothing() -> None:
    data = part10(one(Scan()), RLELossless)
    rows = data.index(b"\x28\x00\x10\x00US\x02\x00") + 8
    absurd = data[:rows] + b"\xff\xff" + data[rows + 2 : rows + 10] + b"\xff\xff" + data[rows + 12 :]
    assert "states 65535 rows and 65535 columns of 16 bits, which take 8589672450 bytes" in refusal(absurd)


def test_a_compressed_frame_of_another_size_than_the_header_states() -> None:
    dataset = one(Scan(rows=40, columns=36))
    data = part10(dataset, JPEG2000Lossless)
    rows = data.index(b"\x28\x00\x10\x00US\x02\x00") + 8
    assert refusal(data[:rows] + b"\x29\x00" + data[rows + 2 :]) == (
        f"The instance {dataset.SOPInstanceUID} states 41 rows and 36 columns, but its compressed pixel data 40 and "
        "36; send the series again from its source."
    )


def test_damaged_compressed_pixels() -> None:
    dataset = one(Scan(rows=40, columns=36))
    data = bytearray(part10(dataset, RLELossless))
    data[-600:-8] = b"\x81\x00" * 296
    assert refusal(bytes(data)) == (
        f"The instance {dataset.SOPInstanceUID} can't be decoded: its pixel data (RLE Lossless) is damaged, "
        "or not what its header states; send the series again."
    )


def test_a_transfer_syntax_that_nobody_knows() -> None:
    data = part10(one(Scan())).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0")
    assert refusal(data) == (
        "A file of the series is written in the transfer syntax 1.2.840.10008.1.2.9, which this node does not know; "
        "send the series in another one."
    )


def test_a_transfer_syntax_that_can_not_be_decoded() -> None:
    dataset = one(Scan(rows=40, columns=36))
    data = part10(dataset, RLELossless).replace(b"\x14\x001.2.840.10008.1.2.5\0", b"\x16\x001.2.840.10008.1.2.4.53")
    assert refusal(data) == (
        f"The instance {dataset.SOPInstanceUID} is compressed as JPEG Spectral Selection, Non-Hierarchical "
        "(Process 6 and 8), which this node can't decode; send the series uncompressed."
    )


def test_data_that_is_not_in_the_transfer_syntax_it_states() -> None:
    data = part10(one(Scan())).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.2\0")
    assert refusal(data) == (
        "A file of the series lacks SOPClassUID, SOPInstanceUID, SeriesInstanceUID or StudyInstanceUID: it is damaged, "
        "or not written in the transfer syntax that it states; send the series again."
    )


@pytest.mark.parametrize(
    ("odd", "sentence"),
    [
        ({"BitsStored": 17}, "states 17 bits stored in 16 bits with pixel representation 0, which no image has."),
        ({"BitsAllocated": 12}, "states 16 bits stored in 12 bits with pixel representation 0, which no image has."),
        (
            {"BitsStored": 12, "HighBit": 15},
            "keeps its 12 bits below bit 15, which this node does not read: the highest bit must be 11.",
        ),
        ({"SamplesPerPixel": 4}, "states 4 samples per pixel, where 1 or 3 are known."),
        ({"NumberOfFrames": 0}, "states 0 frames of 16 rows and 12 columns."),
        ({"Rows": 0}, "states 1 frames of 0 rows and 12 columns."),
    ],
)
def test_odd_layouts(odd: dict[str, int], sentence: str) -> None:
    dataset = stating(**odd)[0]
    assert refusal(part10(dataset)) == f"The instance {dataset.SOPInstanceUID} {sentence}"


def test_a_missing_layout() -> None:
    dataset = without("Columns")[0]
    assert refusal(part10(dataset)) == (
        f"The instance {dataset.SOPInstanceUID} does not state Columns; send the series again from its source."
    )


def test_no_sentence_says_who_the_patient_is() -> None:
    assert "Built" not in refusal(part10(stating(Rows=99)[0]))


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=60, deadline=None)
@given(kept=st.floats(0, 1), syntax=st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless]))
def test_a_file_cut_anywhere_is_whole_or_refused(kept: float, syntax: UID) -> None:
    whole = part10(one(Scan()), syntax)
    digest = decode(whole).pixel_digest
    try:
        assert decode(whole[: int(len(whole) * kept)]).pixel_digest == digest
    except Unsuitable as refused:
        assert "\n" not in refused.sentence


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=100, deadline=None)
@given(
    at=st.integers(132, 1800),
    byte=st.integers(0, 255),
    syntax=st.sampled_from([ExplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless]),
)
@example(at=273, byte=10, syntax=ExplicitVRLittleEndian)  # a line feed in the transfer syntax
def test_a_flipped_byte_never_raises_anything_but_a_refusal(at: int, byte: int, syntax: UID) -> None:
    data = bytearray(part10(one(Scan(rows=40, columns=36)), syntax))
    data[at % len(data)] = byte
    try:
        assert decode(bytes(data)).frames.size
    except Unsuitable as refused:
        assert "\n" not in refused.sentence


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")  # odd character sets and colour spaces of real files
def test_real_files_decode_or_say_why(real_dicom: Path) -> None:
    refused = {}
    for path in sorted([*(real_dicom / "real").rglob("*.dcm"), *(real_dicom / "compressed").rglob("*.dcm")]):
        try:
            assert decode(path.read_bytes()).frames.size
        except Unsuitable as error:
            refused[path.name] = error.sentence
    assert refused.keys() == {
        "CTImage.dcm_JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm",
        "CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm",
        "JPEGLSNearLossless_08.dcm",  # no UIDs
        "JPEGLSNearLossless_16.dcm",
        "MR_small_padded.dcm",  # two rows more than it states
        "SC_rgb_jls_lossy_line.dcm",
        "SC_rgb_jls_lossy_sample.dcm",
    }


def test_real_codecs_agree(real_dicom: Path) -> None:
    digests = [
        [decode(path.read_bytes()).pixel_digest for path in sorted((real_dicom / "compressed" / folder).glob("*.dcm"))]
        for folder in (
            "mr_same_series_compressed_j2k",
            "mr_same_series_compressed_jpeg",
            "mr_same_series_compressed_jpegls",
            "mr_same_series_compressed_rle",
        )
    ]
    assert len(digests[0]) == 4
    assert all(codec == digests[0] for codec in digests)

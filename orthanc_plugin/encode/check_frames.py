"""Results with frames in, nothing out: Broken with a sentence where one lies elsewhere than its source or says other.

No validator sees a segmentation that is mirrored or shifted, so each frame is held against the image that it names, and
its pixels against what was found there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from orthanc_plugin.encode.check import demand
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.place import Groups, laid_over, place_in, place_of
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import Segment, ValueMap

BACKGROUND = 0
CERTAIN = ("BINARY", "LABELMAP")
# What a fractional segmentation stores for a probability of one.
MOST = 255


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame that lies where its image lies; `index` is the slice or image of the making, `number` counts from one."""

    number: int
    index: int
    groups: Groups
    pixels: NDArray[np.generic]


def segmentations(results: Sequence[Dataset], making: Making) -> None:
    """Together they hold every outline, each at its place; none repeats one or shares its series with another."""
    series = {str(result.SeriesInstanceUID) for result in results}
    demand(len(series) == len(results), "Two segmentations are in one series, of which viewers show one.")
    seen: list[tuple[int, int]] = []
    for result in results:
        seen += segmentation(result, making)
    kind = _kind(results[0]) if results else ""
    there = {(segment.number, n) for segment in making.findings.segments for n in _slices(segment, kind)}
    whole = set(seen) == there and len(seen) == len(there)
    demand(whole, "The segmentation lacks frames of an outline, or repeats them.")


def segmentation(result: Dataset, making: Making) -> list[tuple[int, int]]:
    """Each frame holds the outline of its segment on its image; what it holds, as numbers of segment and slice."""
    described, kind = _described(result, making.findings.segments), _kind(result)
    seen: list[tuple[int, int]] = []
    for frame in frames(result, making.imaged, "segmentation"):
        for number, marked in _marked(frame, kind):
            here = f"Frame {frame.number} of the segmentation"
            demand(number in described, f"{here} is of a segment that was not found.")
            same = np.array_equal(marked, _expected(described[number], frame, kind))
            demand(same, f"{here} holds another outline than the model gave for its image.")
            seen.append((described[number].number, frame.index))
    shown = {number for number, _ in seen}
    demand(
        all(segment.number in shown for segment in described.values()),
        "The segmentation describes a segment that is on none of its frames.",
    )
    return seen


def parametric_map(result: Dataset, found: ValueMap, making: Making) -> list[int]:
    """Each frame holds the map's values on its image; the slices that it covers."""
    covered = []
    for frame in frames(result, making.imaged, "map"):
        rows, columns = frame.pixels.shape
        if frame.index in found.slices:
            expected = found.values_nyx[found.slices.index(frame.index), :rows, :columns]
            same = np.array_equal(frame.pixels, expected)
        else:
            same = bool((frame.pixels == result.FloatPixelPaddingValue).all())
        demand(same, f"Frame {frame.number} of the map holds other values than the model gave for its image.")
        covered.append(frame.index)
    return covered


def maps(results: Sequence[Dataset], making: Making) -> None:
    """Each result is of one map, and together they cover every slice of each."""
    series = {str(result.SeriesInstanceUID) for result in results}
    demand(len(series) == len(results), "Two maps are in one series, of which viewers show one.")
    left = list(results)
    for found in making.findings.maps:
        missing = set(found.slices)
        while missing:
            demand(bool(left), f"The map {found.label} lacks slices.")
            covered = parametric_map(left.pop(0), found, making)
            demand(bool(missing & set(covered)), f"The map {found.label} is repeated.")
            missing -= set(covered)
    demand(not left, "There is a map that the model did not give.")


def frames(result: Dataset, imaged: Imaged, what: str) -> Iterator[Frame]:
    """Of a result that is `what` it is called; each lies where its image lies."""
    indices = {(source.sop_instance_uid, source.frame_number): n for n, source in enumerate(imaged.sources)}
    headers = {str(header.SOPInstanceUID): header for header in imaged.headers}
    declared = _declared(result, imaged, what)
    pixels = _pixels(result)
    for number, groups in enumerate(_groups(result), start=1):
        here = f"Frame {number} of the {what}"
        name = _only_source(groups, here)
        demand(name in indices and name[0] in declared, f"{here} names an image that is not among its sources.")
        index, header = indices[name], headers[name[0]]
        demand(pixels.shape[1:] == imaged.shape_yx(index), f"The {what} has another matrix.")
        if isinstance(imaged, Volume):
            _demand_on_grid(imaged, index, header)
        if same_space(result, header, ("FrameOfReferenceUID",)):  # else in a space of its own
            place, there = place_in(groups), place_of(header, name[1])
            same = place is not None and there is not None and place.same(there)
            demand(same, f"{here} lies elsewhere than the image that it names.")
        yield Frame(number, index, groups, pixels[number - 1])


def same_space(result: Dataset, header: Dataset, keywords: Sequence[str]) -> bool:
    return all(str(result.get(keyword) or "") == str(header.get(keyword) or "") for keyword in keywords)


def _declared(result: Dataset, imaged: Imaged, what: str) -> set[str]:
    """The instances that the result names as a whole: viewers find its series by them."""
    header = imaged.headers[0]
    placed = ("FrameOfReferenceUID",) if isinstance(imaged, Volume) else ()
    same = same_space(result, header, ("PatientID", "StudyInstanceUID", *placed))
    demand(same, f"The {what} is of another patient, study or space.")
    series = result.get("ReferencedSeriesSequence", [])
    named = [str(item.SeriesInstanceUID) for item in series]
    uids = {str(image.ReferencedSOPInstanceUID) for item in series for image in item.ReferencedInstanceSequence}
    # Single images may come from several series; of each what lies on it names its own.
    own = [each for each in imaged.headers if str(each.SOPInstanceUID) in uids] or [header]
    same = named == [str(own[0].SeriesInstanceUID)] and all(str(each.SeriesInstanceUID) in named for each in own)
    demand(same, f"The {what} does not name the series that it lies on.")
    return uids


def _kind(result: Dataset) -> str:
    """What its pixels mean."""
    return str(result.get("SegmentationFractionalType") or result.SegmentationType)


def _described(result: Dataset, segments: Sequence[Segment]) -> dict[int, Segment]:
    """By the numbers of the segmentation, which has its own where it holds but some of the segments."""
    by_uid = {str(segment.tracking_uid): segment for segment in segments}
    items = [item for item in result.SegmentSequence if int(item.SegmentNumber) != BACKGROUND]
    return {int(item.SegmentNumber): by_uid[str(item.TrackingUID)] for item in items if item.TrackingUID in by_uid}


def _marked(frame: Frame, kind: str) -> Iterator[tuple[int, NDArray[np.generic]]]:
    """The segments on a frame and where: of a label map all that it holds, else the one that it is of."""
    if kind == "LABELMAP":
        for number in np.flatnonzero(np.bincount(frame.pixels.ravel())):
            if number != BACKGROUND:
                yield int(number), np.asarray(frame.pixels == number)
        return
    [item] = frame.groups["SegmentIdentificationSequence"]
    yield int(item.ReferencedSegmentNumber), frame.pixels


def _expected(segment: Segment, frame: Frame, kind: str) -> NDArray[np.generic]:
    rows, columns = frame.pixels.shape
    mask_yx = segment.mask_zyx[frame.index, :rows, :columns]
    if kind in CERTAIN:
        return mask_yx
    if kind == "OCCUPANCY" or segment.probability_zyx is None:
        return _fraction(mask_yx)
    return _fraction(segment.probability_zyx[frame.index, :rows, :columns])


def _fraction(probability: NDArray[np.generic]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.asarray(probability, np.float32) * np.float32(MOST)), np.uint8)


def _slices(segment: Segment, kind: str) -> list[int]:
    """Where a frame of the segment must be."""
    if kind == "PROBABILITY" and segment.probability_zyx is not None:
        return [int(n) for n in np.flatnonzero(_fraction(segment.probability_zyx.max(axis=(1, 2))))]
    return [int(n) for n in np.flatnonzero(segment.mask_zyx.any(axis=(1, 2)))]


def _demand_on_grid(volume: Volume, index: int, header: Dataset) -> None:
    """The measured geometry is a regular grid, from which a slice may stray a little, but never by half a step."""
    place = place_of(header, volume.sources[index].frame_number)
    [expected] = volume.geometry.map_indices_to_reference(np.array([[index, 0, 0]]))
    off_mm = np.inf if place is None else float(np.linalg.norm(expected - place.position_mm))
    near = off_mm < volume.geometry.spacing_between_slices / 2
    demand(near, f"Slice {index + 1} of the volume lies elsewhere than its image.")


def _groups(result: Dataset) -> Iterator[Groups]:
    [shared] = result.SharedFunctionalGroupsSequence
    return (laid_over(shared, of_frame) for of_frame in result.PerFrameFunctionalGroupsSequence)


def _pixels(result: Dataset) -> NDArray[np.generic]:
    """Frames (frame, row, column); binary ones follow one another bit by bit, also within a byte (PS3.5 8.1.1)."""
    shape = (int(result.NumberOfFrames), int(result.Rows), int(result.Columns))
    if "FloatPixelData" in result:
        return np.frombuffer(result.FloatPixelData, "<f4").reshape(shape)
    if result.BitsAllocated == 1:
        bits = np.unpackbits(np.frombuffer(result.PixelData, np.uint8), count=int(np.prod(shape)), bitorder="little")
        return bits.reshape(shape).view(np.bool_)
    values = np.frombuffer(result.PixelData, f"<u{result.BitsAllocated // 8}", count=int(np.prod(shape)))
    return values.reshape(shape)


def _only_source(groups: Groups, here: str) -> tuple[str, int | None]:
    images = [
        image
        for derivation in groups.get("DerivationImageSequence", [])
        for image in derivation.get("SourceImageSequence", [])
    ]
    demand(len(images) == 1, f"{here} does not name one image.")
    frame = images[0].get("ReferencedFrameNumber")
    return str(images[0].ReferencedSOPInstanceUID), None if frame is None else int(frame)

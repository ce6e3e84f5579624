"""The planes of a series in, the same planes as one regular stack out, or the sentence why they are none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from highdicom.spatial import get_normal_vector
from numpy.typing import NDArray

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.header import number, text
from orthanc_plugin.imaging.plane import Plane

# Half a milliradian: an eighth of a millimetre at the edge of a field of 500 mm, and more than five decimals round off.
ORIENTATION_TOLERANCE = 5e-4
# In parts of the spacing: a tenth of a pixel over 500 columns, and more than rounding to four digits takes.
PIXEL_SPACING_TOLERANCE = 2e-4
# Positions along the normal that differ by less are the same one: no scanner steps that finely.
SAME_POSITION_MM = 0.01
# A stack may lean by this much in all: far below a pixel, and above what rounded directions add up to over 600 mm.
LEAN_MOST_MM = 0.2
# A slice may lie this far from the regular grid: a twentieth of the step, or what rounding all positions to 0.1 mm
# (its own and those at the ends, which the grid hangs on) adds up to.
STRAY_MOST_STEPS = 0.05
STRAY_MOST_MM = 0.11
# Slices further apart than their thickness times this leave tissue between them unseen.
UNSEEN_FACTOR = 1.1


@dataclass(frozen=True, eq=False)
class Stack:
    """Planes in the order of their position along the normal, `step_mm` apart."""

    planes: tuple[Plane, ...]
    step_mm: float
    cautions: tuple[str, ...]


def stack(planes: list[Plane]) -> Stack:
    _check_alike(planes)
    ordered, along_mm = _ordered(planes)
    distinct, kept_mm, repeated = _one_a_position(ordered, along_mm)
    step_mm = _step_mm(distinct, kept_mm)
    cautions = [
        *([f"Identical images at the same position were used once ({repeated})."] if repeated else []),
        *_thickness_cautions(distinct, step_mm),
    ]
    return Stack(tuple(distinct), step_mm, tuple(cautions))


def _refusal(plane: Plane, sentence: str) -> Unsuitable:
    return Unsuitable(sentence, stage="decode", series_uid=text(plane.instance.header, "SeriesInstanceUID"))


def _check_alike(planes: list[Plane]) -> None:
    """One matrix, one frame of reference, one orientation, one pixel spacing."""
    first = planes[0]
    sizes = sorted({plane.stored.shape for plane in planes})
    if len(sizes) > 1:
        named = " and ".join(f"{rows} x {columns}" for rows, columns in sizes[:2])
        raise _refusal(first, f"The slices differ in size ({named} pixels); send slices of one size as a series.")
    frames = {text(plane.instance.header, "FrameOfReferenceUID") for plane in planes}
    if len(frames) > 1:
        raise _refusal(
            first,
            "The slices lie in different frames of reference, so their places can't be compared; "
            "send the slices of one acquisition as a series.",
        )
    if frames == {""}:
        raise _refusal(first, "The slices state no frame of reference, so a result could not be tied to them.")
    if any(np.abs(plane.orientation - first.orientation).max() > ORIENTATION_TOLERANCE for plane in planes):
        raise _refusal(first, "The slices are oriented differently; send the slices of one orientation as a series.")
    spacings = np.array([plane.pixel_spacing_mm for plane in planes])
    if np.abs(spacings / spacings[0] - 1).max() > PIXEL_SPACING_TOLERANCE:
        raise _refusal(
            first, "The slices differ in pixel spacing; send slices that were reconstructed alike as a series."
        )


def _ordered(planes: list[Plane]) -> tuple[list[Plane], NDArray[np.float64]]:
    """Sorted along the normal, with the positions on it; ties by UID and frame, so that any order gives the same."""
    normal = get_normal_vector(planes[0].orientation.tolist())
    along = {id(plane): float(plane.position_mm @ normal) for plane in planes}
    ordered = sorted(
        planes, key=lambda plane: (along[id(plane)], text(plane.instance.header, "SOPInstanceUID"), plane.frame)
    )
    along_mm = np.array([along[id(plane)] for plane in ordered])
    _check_upright(ordered, along_mm, normal)
    return ordered, along_mm


def _check_upright(ordered: list[Plane], along_mm: NDArray[np.float64], normal: NDArray[np.float64]) -> None:
    positions = np.array([plane.position_mm for plane in ordered])
    sideways = positions - positions[0] - np.outer(along_mm - along_mm[0], normal)
    lean_mm = np.linalg.norm(sideways, axis=1)
    if lean_mm.max() <= LEAN_MOST_MM:
        return
    extent_mm = along_mm[-1] - along_mm[0]
    degrees = np.degrees(np.arctan2(lean_mm.max(), extent_mm))
    raise _refusal(
        ordered[0],
        f"The slices are shifted sideways against each other by up to {lean_mm.max():.1f} mm ({degrees:.1f} degrees, "
        "as with a tilted gantry), so they form no rectangular volume; send an untilted reconstruction.",
    )


def _one_a_position(
    ordered: list[Plane], along_mm: NDArray[np.float64]
) -> tuple[list[Plane], NDArray[np.float64], int]:
    """One plane a position, the positions, and how many planes were left out as identical."""
    starts = np.flatnonzero(np.concatenate([[True], np.diff(along_mm) > SAME_POSITION_MM]))
    groups = [ordered[start:end] for start, end in pairwise([*starts, len(ordered)])]
    images = [_distinct(group) for group in groups]
    if max(len(group) for group in images) > 1:
        raise _several_images(images, along_mm[starts])
    return [group[0] for group in images], along_mm[starts], len(ordered) - len(groups)


def _distinct(group: list[Plane]) -> list[Plane]:
    return group if len(group) == 1 else list({_content(plane): plane for plane in reversed(group)}.values())[::-1]


def _content(plane: Plane) -> tuple[float | None, float | None, bytes]:
    """Equal for images that look the same to a model, whatever they are called."""
    attributes = plane.attributes
    pixels = hashlib.sha256(np.ascontiguousarray(plane.stored).data).digest()
    return number(attributes, "RescaleSlope"), number(attributes, "RescaleIntercept"), pixels


def _several_images(images: list[list[Plane]], along_mm: NDArray[np.float64]) -> Unsuitable:
    counts = [len(group) for group in images]
    first = images[0][0]
    if len(images) == 1:
        return _refusal(
            first, f"All {counts[0]} images of the series lie at one position; a volume needs a position for each."
        )
    if min(counts) == max(counts):
        return _refusal(
            first,
            f"The series holds {counts[0]} different images at each of {len(counts)} positions (phases, echoes or "
            "time points); send each of them as a series of its own.",
        )
    at = along_mm[counts.index(max(counts))]
    return _refusal(
        first,
        f"The series holds {max(counts)} different images at the position {at:.1f} mm along the stack, but not at "
        "every position; send each slice once.",
    )


def _step_mm(ordered: list[Plane], along_mm: NDArray[np.float64]) -> float:
    if len(ordered) == 1:
        return _thickness_of_one(ordered[0])
    distances = np.diff(along_mm)
    steps = np.rint(distances / distances.min())
    step_mm = float((along_mm[-1] - along_mm[0]) / steps.sum())
    grid_mm = along_mm[0] + step_mm * np.concatenate([[0.0], np.cumsum(steps)])
    stray_mm = np.abs(along_mm - grid_mm).max()
    irregular = stray_mm > max(STRAY_MOST_STEPS * step_mm, STRAY_MOST_MM)
    missing = int(steps.sum()) - len(distances)
    if irregular or missing > len(ordered):
        raise _refusal(
            ordered[0],
            f"The distance between slices varies from {distances.min():.2f} to {distances.max():.2f} mm; "
            "send slices at equal distances as a series.",
        )
    if missing:
        gap = int(np.argmax(steps > 1))
        slices = "1 slice is" if missing == 1 else f"{missing} slices are"
        raise _refusal(
            ordered[0],
            f"{slices} missing in the series, the first between {along_mm[gap]:.1f} and {along_mm[gap + 1]:.1f} mm "
            "along the stack; send the whole series again.",
        )
    return step_mm


def _thickness_of_one(plane: Plane) -> float:
    if plane.thickness_mm is None or plane.thickness_mm <= 0:
        raise _refusal(plane, "The series holds one slice that does not state its thickness, so it encloses no volume.")
    return plane.thickness_mm


def _thickness_cautions(ordered: list[Plane], step_mm: float) -> list[str]:
    if len(ordered) == 1:
        return [f"The series holds one slice; its thickness of {step_mm:g} mm was taken for the third dimension."]
    thickness_mm = ordered[0].thickness_mm
    if thickness_mm is None or thickness_mm <= 0 or step_mm <= UNSEEN_FACTOR * thickness_mm:
        return []
    return [
        f"The slices are {thickness_mm:g} mm thick but {step_mm:g} mm apart; what lies between them was not imaged."
    ]

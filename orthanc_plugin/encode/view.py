"""Findings and one of their slices in, what is to be drawn of it out: grey or colours, outlines, heat, directions."""

from __future__ import annotations

from dataclasses import dataclass

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from orthanc_plugin.encode.lettering import Colour
from orthanc_plugin.imaging.header import DAMAGED, text, words
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import DerivedImage, Findings, ValueMap

ABDOMEN_WINDOW_HU = (-160.0, 240.0)
# Of modalities without a scale nearly all values are shown; so many of a volume's are looked at to know which (every
# n-th, n odd, so that not always the same columns are).
NEARLY_ALL_PERCENT = (1, 99)
# What takes up a tracer is a small part of a series: more of the upper end is seen, or all of the brain would be white.
EMITTED, EMITTED_PERCENT = ("PT", "NM"), (1, 99.9)
LOOKED_AT_MOST = 1_000_000
OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}

Window = tuple[float, float]
"""The values that are shown black and white."""
Around = tuple[str, str, str, str]
"""What lies to the left, right, top and bottom, empty where that is not known."""


@dataclass(frozen=True, eq=False)
class View:
    """`pixels` are (rows, columns) or (rows, columns, RGB); `heat_yx` goes from 0 to 1; `lines_xy` are (x, y)."""

    pixels: NDArray[np.uint8]
    pixel_mm: tuple[float, float] | None
    around: Around
    masks: tuple[tuple[Colour, NDArray[np.bool_]], ...]
    heat_yx: NDArray[np.float32] | None
    caption: str
    lines_xy: tuple[NDArray[np.float64], ...] = ()


def view(findings: Findings, imaged: Imaged, index: int, shown: Window | None = None) -> View:
    """`shown` spares looking for the window anew for each slice."""
    rows, columns = imaged.shape_yx(index)
    return View(
        pixels=windowed(imaged.plane(index), shown or window(imaged, index)),
        pixel_mm=imaged.pixel_mm(index),
        around=around(imaged, index),
        masks=tuple((segment.rgb, segment.mask_zyx[index, :rows, :columns]) for segment in findings.segments),
        heat_yx=_heat(findings, index, (rows, columns)),
        caption=caption(imaged, index),
        lines_xy=tuple(region.contour_xy for region in findings.regions if region.slice_index == index),
    )


def derived_view(image: DerivedImage, imaged: Imaged, index: int) -> View:
    """The derived image beside its source, with which it compares where it has the source's unit."""
    rows, columns = imaged.shape_yx(index)
    values = image.values_zyx[image.middle_of(index), :rows, :columns]
    shown = window(imaged, index) if image.unit is None else _nearly_all(values)
    return View(windowed(values, shown), imaged.pixel_mm(index), around(imaged, index), (), None, image.label)


def heat_label(findings: Findings) -> str:
    """What the red of a page means, empty where there is none."""
    shown = _shown_map(findings)
    if findings.heat_yx is not None:
        return "How probable it is there" if _heat_is_probability(findings) else "Where the model looked"
    return "" if shown is None else shown.label


def windowed(values: NDArray[np.float32], shown: Window) -> NDArray[np.uint8]:
    """Colours stay as they are."""
    if values.ndim == 3:
        return np.asarray(np.clip(values, 0, 255), np.uint8)
    black, white = shown
    return np.asarray(np.clip((values - black) * (255 / max(white - black, 1e-6)), 0, 255), np.uint8)


def window(imaged: Imaged, index: int) -> Window:
    """Of CT the scanner's own, else the abdomen's; of other volumes one for all slices, so that they compare."""
    modality = header_of(imaged, index).Modality
    if modality == "CT":
        return _stated(functional_group(imaged, index, "FrameVOILUTSequence")) or ABDOMEN_WINDOW_HU
    if not isinstance(imaged, Volume):
        return _nearly_all(imaged.plane(index))
    looked_at = imaged.voxels_zyx.reshape(-1)[:: imaged.voxels_zyx.size // LOOKED_AT_MOST | 1]
    return _nearly_all(looked_at, EMITTED_PERCENT if modality in EMITTED else NEARLY_ALL_PERCENT)


def _stated(voi: Dataset) -> Window | None:
    """The first of the windows that are stated."""
    try:
        centre, wide = (np.atleast_1d(np.asarray(voi.get(f"Window{part}"), float))[0] for part in ("Center", "Width"))
    except DAMAGED:
        return None
    if not (np.isfinite(centre) and np.isfinite(wide) and wide > 1):
        return None
    return float(centre - wide / 2), float(centre + wide / 2)


def _nearly_all(values: NDArray[np.float32], percent: tuple[float, float] = NEARLY_ALL_PERCENT) -> Window:
    black, white = (float(edge) for edge in np.percentile(values, percent))
    return black, white


def _shown_map(findings: Findings) -> ValueMap | None:
    """Of a model that says nothing else by pixel; beside outlines a page would be too full."""
    if findings.segments or findings.heat_yx is not None:
        return None
    # The heat map of a class that is absent is not shown, what else was drawn is.
    hidden = {each.map_label for each in findings.classes}
    return next((each for each in findings.maps if each.label not in hidden), None)


def _heat_is_probability(findings: Findings) -> bool:
    """The heat map's values are the first of the maps."""
    return any(each.quantity == codes.DCM.Probability for each in findings.maps[:1])


def _heat(findings: Findings, index: int, shape_yx: tuple[int, int]) -> NDArray[np.float32] | None:
    """What was looked at on the key slice, or a map on each of its slices."""
    if findings.heat_yx is not None:
        if index != findings.key_slice:
            return None
        return np.clip(findings.heat_yx, 0, 1)
    shown = _shown_map(findings)
    if shown is None or index not in shown.slices:
        return None
    rows, columns = shape_yx
    return _share(shown.values_nyx[shown.slices.index(index), :rows, :columns], shown.values_nyx)


def _share(heat: NDArray[np.float32], whole: NDArray[np.float32]) -> NDArray[np.float32]:
    """From 0 to 1 between the least and the largest value of the whole."""
    least, spread = np.float32(whole.min()), float(np.ptp(whole))
    return (heat - least) / np.float32(spread) if spread > 0 else np.zeros_like(heat)


def caption(imaged: Imaged, index: int) -> str:
    """How a reader finds the slice among the source's images."""
    source, header = imaged.sources[index], header_of(imaged, index)
    number = source.frame_number or text(header, "InstanceNumber") or index + 1
    series = text(header, "SeriesNumber")
    return f"Image {number}" + (f" of series {series}" if series else "")


def header_of(imaged: Imaged, index: int) -> Dataset:
    uid, there = imaged.sources[index].sop_instance_uid, imaged.headers[min(index, len(imaged.headers) - 1)]
    if there.SOPInstanceUID == uid:  # as of all single-frame sources
        return there
    return next(header for header in imaged.headers if header.SOPInstanceUID == uid)


def functional_group(imaged: Imaged, index: int, keyword: str) -> Dataset:
    """The functional group of a frame, of its own or shared by all; the header itself of what has none."""
    header, frame = header_of(imaged, index), imaged.sources[index].frame_number
    if frame is None or "PerFrameFunctionalGroupsSequence" not in header:
        return header
    shared = header.get("SharedFunctionalGroupsSequence") or [Dataset()]
    for groups in (header.PerFrameFunctionalGroupsSequence[frame - 1], shared[0]):
        if groups.get(keyword):
            found: Dataset = groups[keyword].value[0]
            return found
    return Dataset()


def sides(geometry: hd.VolumeGeometry) -> Around:
    """Rows of the image run to the right, its columns down."""
    _, down, right = (direction.value for direction in geometry.get_closest_patient_orientation())
    return OPPOSITE[right], right, OPPOSITE[down], down


def around(imaged: Imaged, index: int) -> Around:
    """As `sides`; of a single image what its header says of rows and columns."""
    if isinstance(imaged, Volume):
        return sides(imaged.geometry)
    stated = words(header_of(imaged, index), "PatientOrientation")
    right, down = (part[:1] for part in stated) if len(stated) == 2 else ("", "")
    return OPPOSITE.get(right, ""), right, OPPOSITE.get(down, ""), down

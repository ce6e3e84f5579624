"""Findings in, their heat maps and probabilities as parametric maps on the source's own frames out."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import highdicom as hd
import numpy as np
from highdicom.pm import ParametricMap, RealWorldValueMapping
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from orthanc_plugin.encode.context import LO_LENGTH, coding_schemes, described, series_attributes, settle, state_side
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.sources import Sources, name_frames, named, represent, sources
from orthanc_plugin.measure.findings import ValueMap

SH_LENGTH = 16
# Viewers lay a map over a series slice by slice and stumble over one that has fewer; a larger one has but its own.
WHOLE_MOST_BYTES = 64 << 20

log = logging.getLogger(__name__)


def maps(making: Making) -> tuple[Dataset, ...]:
    """One for each map and volume, or instance of single images; each in a series of its own."""
    return tuple(_maps(making))


def _maps(making: Making) -> Iterator[Dataset]:
    for number, found in enumerate(making.findings.maps):
        for on in sources(making):
            if set(on.indices) & set(found.slices):
                result = _map(making, found, on, " ".join(part for part in (str(number or ""), on.part) if part))
                # The order is told, since each is in a series of its own: viewers may show the first alone.
                result.InstanceNumber = number + 1
                if len(making.findings.maps) > 1:
                    result.SeriesDescription = described(found.label, making.origin)
                yield result


def _map(making: Making, found: ValueMap, on: Sources, part: str) -> Dataset:
    """Values as they are, in 32 bits; the real world mapping says what they are and in which unit.

    A map must have a place: that of a single image is in a space of its own, not in the patient's.
    """
    origin, identity = making.origin, making.identity
    covered = on.only(covered_indices(found, on))
    if len(covered.indices) < len(on.indices):
        log.warning("%s: the map %s is too large for all slices, so OHIF does not show it", origin.name, found.label)
    values = values_on(found, covered)
    result = ParametricMap(
        source_images=covered.images,
        pixel_array=values,
        real_world_value_mappings=[_meaning(found, values)],
        voi_lut_transformations=[_window(values)],
        contains_recognizable_visual_features=False,
        content_label="MAP",
        content_description=origin.notice[:LO_LENGTH] or None,
        content_qualification="PRODUCT" if origin.clinical_use else "RESEARCH",
        coding_schemes=coding_schemes(),
        **series_attributes("PM", on.header, identity, origin, part),
    )
    dimensions = identity.dimension_organization_uid(f"PM {part}" if part else "PM")
    for item in (*result.DimensionOrganizationSequence, *result.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions
    name_frames(result, covered)
    _order_frames(result, covered)
    represent(result, covered, making.findings.telling)
    result.FloatPixelPaddingValue = result.FloatPixelPaddingRangeLimit = padding(found)
    settle(result, on.header, making.imaged, origin)
    state_side(result, on.header)
    return result


def covered_indices(found: ValueMap, on: Sources) -> tuple[int, ...]:
    """All frames of the sources, where that is small enough, else those that the map is of."""
    rows, columns = on.shape_yx
    if len(on.indices) * rows * columns * np.dtype(np.float32).itemsize <= WHOLE_MOST_BYTES:
        return on.indices
    return tuple(index for index in on.indices if index in found.slices)


def values_on(found: ValueMap, on: Sources) -> NDArray[np.float32]:
    """Of the frames (frame, row, column), padding where the map has none."""
    rows, columns = on.shape_yx
    values = np.full((len(on.indices), rows, columns), padding(found), np.float32)
    for place, index in enumerate(on.indices):
        if index in found.slices:
            values[place] = found.values_nyx[found.slices.index(index), :rows, :columns]
    return values


def padding(found: ValueMap) -> float:
    """Beside the map there is nothing, and no value of it is less."""
    return min(0.0, float(found.values_nyx.min()))


def _order_frames(result: Dataset, on: Sources) -> None:
    """As the images lie, along the normal: viewers take one frame after the other for one image after the other."""
    groups = result.PerFrameFunctionalGroupsSequence
    images = [each.DerivationImageSequence[0].SourceImageSequence[0] for each in groups]
    places = [on.names.index(name) for name in named(images)]
    order = np.argsort(places)
    values = np.frombuffer(result.FloatPixelData, np.float32).reshape(len(places), -1)
    result.FloatPixelData = values[order].tobytes()
    result.PerFrameFunctionalGroupsSequence = [groups[int(number)] for number in order]
    for number, each in enumerate(result.PerFrameFunctionalGroupsSequence, start=1):
        each.FrameContentSequence[0].DimensionIndexValues = number


def _meaning(found: ValueMap, values: NDArray[np.float32]) -> RealWorldValueMapping:
    return RealWorldValueMapping(
        lut_label=found.label[:SH_LENGTH],
        lut_explanation=found.label[:LO_LENGTH],
        unit=found.unit,
        value_range=(float(values.min()), float(values.max())),
        slope=1,
        intercept=0,
        quantity_definition=found.quantity,
    )


def _window(values: NDArray[np.float32]) -> hd.VOILUTTransformation:
    """From the least to the largest value."""
    low, high = float(values.min()), float(values.max())
    return hd.VOILUTTransformation((low + high) / 2, max(high - low, 1e-6), voi_lut_function="LINEAR_EXACT")

"""Masks and a volume as tissues of a scan: what can be asked of them, in the units that clinicians use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.coding import Code
from pydicom.uid import UID

from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import Absence, Measurement, Segment
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.outputs import SegmentOutput

CM3 = Code("cm3", "UCUM", "cubic centimeter")


@dataclass(frozen=True, eq=False)
class Tissue:
    """One segment of the card with its mask and the pixels that it has on each slice."""

    output: SegmentOutput
    tracking_uid: UID
    mask_zyx: NDArray[np.bool_]
    pixels_z: NDArray[np.int64]
    pixel_cm2: float
    voxel_cm3: float
    probability_zyx: NDArray[np.float32] | None = None

    @property
    def code(self) -> Code:
        return self.output.property.code()

    @property
    def found(self) -> bool:
        return bool(self.pixels_z.any())

    @property
    def volume_cm3(self) -> float:
        return float(self.pixels_z.sum()) * self.voxel_cm3

    def area_cm2(self, slice_index: int) -> float:
        return float(self.pixels_z[slice_index]) * self.pixel_cm2

    def largest_slice(self) -> int:
        return int(self.pixels_z.argmax())

    def segment(self, number: int, measurements: tuple[Measurement, ...]) -> Segment:
        return Segment(
            number=number,
            label=self.output.label,
            category=self.output.category.code(),
            property=self.code,
            rgb=self.output.rgb,
            tracking_uid=self.tracking_uid,
            mask_zyx=self.mask_zyx,
            measurements=measurements,
            probability_zyx=self.probability_zyx,
        )

    def absence(self) -> Absence:
        return Absence(self.output.label, self.code, self.tracking_uid)


def tissues(
    card: Card,
    volume: Volume,
    masks_szyx: NDArray[np.bool_],
    tracking_uids: Sequence[UID],
    probabilities_szyx: NDArray[np.float32] | None = None,
) -> tuple[Tissue, ...]:
    """Masks, probabilities and `tracking_uids` are in the order of the card's segments."""
    expected = (len(card.segments), *volume.voxels_zyx.shape)
    if masks_szyx.shape != expected:
        raise Broken(
            f"The model {card.name} answered masks of the shape {masks_szyx.shape} where its card and the series "
            f"need {expected}; correct its card or its graph.",
            stage="measure",
        )
    probabilities = probabilities_szyx if probabilities_szyx is not None else [None] * len(card.segments)
    pixel_cm2 = float(np.prod(volume.geometry.pixel_spacing)) / 100
    voxel_cm3 = float(volume.geometry.voxel_volume) / 1000
    return tuple(
        Tissue(output, uid, mask, np.count_nonzero(mask, axis=(1, 2)), pixel_cm2, voxel_cm3, soft)
        for output, uid, mask, soft in zip(card.segments, tracking_uids, masks_szyx, probabilities, strict=True)
    )


@dataclass(frozen=True, eq=False)
class Scan:
    """The volume with its tissues, the level where they are compared, and the height when it can be used."""

    volume: Volume
    tissues: tuple[Tissue, ...]
    level: int | None
    height_m: float | None

    def tissue(self, code: Code) -> Tissue:
        return next(tissue for tissue in self.tissues if tissue.code == code)

    def mean_hu(self, tissue: Tissue, slice_index: int) -> float:
        return float(self.volume.voxels_zyx[slice_index][tissue.mask_zyx[slice_index]].mean(dtype=np.float64))

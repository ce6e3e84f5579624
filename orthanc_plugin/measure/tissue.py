"""Masks and a volume as tissues of a scan: what can be asked of them, in the units that clinicians use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.coding import Code
from pydicom.uid import UID

from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.routing.card import SegmentOutput


@dataclass(frozen=True, eq=False)
class Tissue:
    """One segment of the card with its mask and the pixels that it has on each slice."""

    output: SegmentOutput
    tracking_uid: UID
    mask_zyx: NDArray[np.bool_]
    pixels_z: NDArray[np.int64]
    pixel_cm2: float
    voxel_cm3: float

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

"""Lesions planted in a volume, an image of it and how it should be in; which are lost, what was invented out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from export.restoring import lesions
from export.restoring.lesions import Eye, Planted

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
_FEWEST = 4  # pixels


@dataclass(frozen=True)
class Spot:
    """A lesion by its number, on the slice that shows most of it, with the contrast that it has there."""

    number: int
    index: int
    planted: Planted


@dataclass(frozen=True, eq=False)
class Spots:
    """`numbers` says which lesion a voxel lies in, 0 in none; they are seen beside what tissue is `free` of them."""

    numbers: NDArray[np.uint8]
    free: Mask
    pixel_mm: float

    def seen(self, clean: Floats, least_share: float = 0.0) -> list[Spot]:
        """Those whose contrast is more than a share of how bright they are."""
        found = []
        for number in range(1, int(self.numbers.max()) + 1):
            sizes = (self.numbers == number).sum(axis=(1, 2))
            index = int(sizes.argmax())
            mask = self.numbers[index] == number
            contrast = lesions.contrast_of(clean[index], Planted(mask, 0.0), self.pixel_mm, self.free[index])
            if sizes[index] >= _FEWEST and abs(contrast) > least_share * abs(float(clean[index][mask].mean())):
                found.append(Spot(number, index, Planted(mask, contrast)))
        return found

    def lost(self, image: Floats, spots: Sequence[Spot]) -> int:
        return sum(
            lesions.lost(image[spot.index], spot.planted, self.pixel_mm, self.free[spot.index]) for spot in spots
        )

    def invented(self, image: Floats, clean: Floats, spots: Sequence[Spot], size_mm: float, rim_mm: float) -> int:
        """By an eye that sees half of the contrast that lesions have, farther than a rim from other tissue."""
        if not spots:
            return 0
        eye = Eye(size_mm, 0.5 * float(np.median([abs(spot.planted.contrast) for spot in spots])))
        steps = max(round(rim_mm / self.pixel_mm), 1)
        return sum(
            eye.invented(image[index], clean[index], binary_erosion(self.free[index], iterations=steps), self.pixel_mm)
            for index in range(len(image))
        )

    def differences(self, image: Floats, clean: Floats, spots: Sequence[Spot]) -> tuple[float, float]:
        """Of the mean of all voxels of each lesion, in percent: their mean, and that of their sizes."""
        if not spots:
            return float("nan"), float("nan")
        masks = [self.numbers == spot.number for spot in spots]
        apart = np.array([100 * (float(image[mask].mean()) / float(clean[mask].mean()) - 1) for mask in masks])
        return float(apart.mean()), float(abs(apart).mean())

"""What networks drew on the grid of one volume or image, moved and laid out together: masks, probabilities, numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Scalar = TypeVar("Scalar", bound=np.generic)


class Way(Protocol):
    """From one grid to another: whatever lies on the voxels (z, y, x) of the one in, the same on the other out."""

    def __call__(self, grid_zyx: NDArray[Scalar], /) -> NDArray[Scalar]: ...


@dataclass(frozen=True, eq=False)
class Drawn:
    """Arrays (z, y, x), masks and probabilities with one a segment of the card; maps and images are by their labels.

    Images with finer slices have several for each of the grid's.

    `probabilities_szyx` are those around the masks, as docs/cards.md says it; there only where they were asked for.
    """

    masks_szyx: NDArray[np.bool_] | None = None
    probabilities_szyx: Floats | None = None
    maps: Mapping[str, Floats] = field(default_factory=dict)
    images: Mapping[str, Floats] = field(default_factory=dict)

    def moved(self, way: Way) -> Drawn:
        masks, soft = self.masks_szyx, self.probabilities_szyx
        return Drawn(
            None if masks is None else np.stack([way(each) for each in masks]),
            None if soft is None else np.stack([way(each) for each in soft]),
            {label: way(each) for label, each in self.maps.items()},
            {label: way(each) for label, each in self.images.items()},
        )

    def joined(self, other: Drawn) -> Drawn:
        """Of two stages, of which one at most outlines."""
        return Drawn(
            self.masks_szyx if other.masks_szyx is None else other.masks_szyx,
            self.probabilities_szyx if other.probabilities_szyx is None else other.probabilities_szyx,
            {**self.maps, **other.maps},
            {**self.images, **other.images},
        )


def laid_out(sheets: Sequence[Drawn]) -> Drawn:
    """Single images one behind the other, as large as the largest, each in the upper left corner of its own."""
    masks = [sheet.masks_szyx for sheet in sheets if sheet.masks_szyx is not None]
    soft = [sheet.probabilities_szyx for sheet in sheets if sheet.probabilities_szyx is not None]
    return Drawn(
        _one_behind_the_other(masks) if masks else None,
        _one_behind_the_other(soft) if soft else None,
        {label: _one_behind_the_other([sheet.maps[label] for sheet in sheets]) for label in sheets[0].maps},
        {label: _one_behind_the_other([sheet.images[label] for sheet in sheets]) for label in sheets[0].images},
    )


def _one_behind_the_other(sheets: Sequence[NDArray[Scalar]]) -> NDArray[Scalar]:
    """Along the third axis from the end, of which each sheet has one."""
    rows, columns = np.max([sheet.shape[-2:] for sheet in sheets], axis=0)
    laid = np.zeros((*sheets[0].shape[:-3], len(sheets), rows, columns), sheets[0].dtype)
    for number, sheet in enumerate(sheets):
        laid[..., number, : sheet.shape[-2], : sheet.shape[-1]] = sheet[..., 0, :, :]
    return laid

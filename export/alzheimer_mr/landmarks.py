"""Where the two groups differ: aligned heads of patients and of healthy people in, the landmarks out.

At each place Hotelling's test compares the groups by three numbers of its neighbourhood: how bright it is, how much
that varies, how steep it is. Landmarks are the places where they differ most, some distance apart. They come in pairs,
left and right, as neither side is told apart by the diagnosis.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool3d

_COARSE = 2
_RIDGE = 1e-3
Table = NDArray[np.float64]


class Comparison:
    """Sums over the heads of both groups; nothing is kept of a single one."""

    def __init__(self) -> None:
        self._count = np.zeros(2)
        self._sum: list[Table | float] = [0.0, 0.0]
        self._products: Table | float = 0.0

    def add(self, aligned: Tensor, ill: bool) -> None:
        """One head [1, slices, rows, columns], and its mirror image, which counts as the same head."""
        for seen in (aligned, aligned.flip(-1)):
            numbers = described(seen).numpy().astype(np.float64)
            self._count[int(ill)] += 0.5
            self._sum[int(ill)] = self._sum[int(ill)] + 0.5 * numbers
            self._products = self._products + 0.5 * np.einsum("i...,j...->...ij", numbers, numbers)

    def statistic(self) -> Table:
        """Hotelling's T² of each place, on cubes twice as large as those that were added."""
        healthy, ill = (np.moveaxis(np.asarray(self._sum[n]) / self._count[n], 0, -1) for n in range(2))
        within = np.asarray(self._products)
        for mean, count in ((healthy, self._count[0]), (ill, self._count[1])):
            within = within - count * mean[..., :, None] * mean[..., None, :]
        within = within / max(self._count.sum() - 2, 1)
        spread = np.einsum("...ii->...i", within).reshape(-1, within.shape[-1]).mean(axis=0)
        within = within + np.diag(_RIDGE * spread + 1e-9)
        apart = ill - healthy
        turned = np.linalg.solve(within, apart[..., None])[..., 0]
        share = self._count.prod() / self._count.sum()
        return np.asarray(share * (apart * turned).sum(axis=-1))


def described(aligned: Tensor) -> Tensor:
    """[1, …] to the three numbers [3, …] of each cube."""
    mean, squares = (avg_pool3d(each[None], _COARSE)[0] for each in (aligned, aligned.square()))
    deviation = (squares - mean.square()).clamp_min(0).sqrt()
    steep = torch.zeros_like(mean)
    for axis in (1, 2, 3):
        steep = steep + torch.gradient(mean, dim=axis)[0].square()
    numbers = torch.cat([mean, deviation, (steep + 1e-6).sqrt()])
    return avg_pool3d(numbers, 3, stride=1, padding=1, count_include_pad=False)


def found(statistic: Table, count: int, apart: float, margin: int) -> NDArray[np.int64]:
    """(count, 3): slice, row, column of the middles of the aligned cubes, the most telling pair first.

    They are `apart` cubes from one another and `margin` from the edges at least; ValueError where so many do not fit.
    """
    left = statistic.copy()
    places = np.moveaxis(np.indices(left.shape), 0, -1) * _COARSE + _COARSE // 2
    whole = np.array(left.shape) * _COARSE
    outside = ((places < margin) | (places > whole - margin)).any(axis=-1)
    outside |= places[..., 2] < whole[2] / 2 + apart / 2  # of a pair that on the left is looked for
    left[outside] = -np.inf
    chosen: list[tuple[int, int, int]] = []
    while len(chosen) < count:
        at = places[np.unravel_index(int(left.argmax()), left.shape)]
        if not np.isfinite(left.max()):
            raise ValueError(f"{count} landmarks {apart:g} cubes apart do not fit into a head of {whole.tolist()}.")
        left[((places - at) ** 2).sum(axis=-1) < apart**2] = -np.inf
        z, y, x = (int(each) for each in at)
        chosen += [(z, y, x), (z, y, int(whole[2]) - x)]
    return np.array(chosen, np.int64)

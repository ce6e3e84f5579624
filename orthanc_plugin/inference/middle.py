"""A volume in, the part around its middle that one patch can hold out, and the way back for what was drawn on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.inference.preprocess import Channel, Turned
from orthanc_plugin.routing.network import Stage

Scalar = TypeVar("Scalar", bound=np.generic)
Part = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Middle:
    """`part` of a volume of `shape`: all of it where a patch of the stage can hold that."""

    shape: tuple[int, int, int]
    part: Part

    @classmethod
    def of(cls, stage: Stage, turned: Turned) -> Middle:
        slices, rows, columns = turned.voxels_zyx.shape
        wanted_mm = stage.spacing_mm or (None, None, None)
        held = zip(turned.voxels_zyx.shape, turned.spacing_mm, wanted_mm,
                   (stage.depth, stage.rows, stage.columns), strict=True)  # fmt: skip
        first, second, third = (_around(length, patch if want is None else int(patch * want / own))
                                for length, own, want, patch in held)  # fmt: skip
        return cls((slices, rows, columns), (first, second, third))

    @property
    def first_slice(self) -> int:
        return int(self.part[0].start)

    def cut(self, turned: Turned) -> Turned:
        """The geometry to turn back with stays that of the whole; first the part is put back."""
        place = turned.turned[self.part]  # type: ignore[index]  # highdicom's types know a tuple of one axis alone
        return Turned(turned.voxels_zyx[self.part], place, turned.source)

    def cut_channel(self, channel: Channel) -> Channel:
        return replace(channel, voxels_zyx=channel.voxels_zyx[self.part])

    def put_back(self, part_zyx: NDArray[Scalar], /) -> NDArray[Scalar]:
        whole = np.zeros(self.shape, part_zyx.dtype)
        whole[self.part] = part_zyx
        return whole


def _around(length: int, most: int) -> slice:
    count = min(length, max(most, 1))
    start = (length - count) // 2
    return slice(start, start + count)

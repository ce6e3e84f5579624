"""One patient's MR of the head: a seed in, four series with the tumour's parts out, as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from export.phantoms.brain import SERIES
from export.phantoms.brain.anatomy import Floats, Head, Labels, draw_head
from export.phantoms.brain.scan import Grid, Sequence, acquired, cube, draw_grids, draw_sequences, labels, seen

_ILL_SHARE = 0.85


@dataclass(frozen=True, eq=False)
class Case:
    """`moved` patients have turned their head between the series; then each has a frame of reference of its own."""

    seed: int
    shifted: bool
    head: Head
    sequences: Mapping[str, Sequence]
    grids: Mapping[str, Grid]
    moved: bool

    @property
    def ill(self) -> bool:
        return self.head.tumour is not None

    def in_cubes(self, step_mm: float) -> tuple[dict[str, Floats], Labels]:
        """All four on one grid, and the parts of the tumour."""
        grid = cube(step_mm)
        tissues = seen(self.head, grid)
        return {name: acquired(tissues, self.sequences[name], grid) for name in SERIES}, labels(tissues)

    def series(self, name: str) -> tuple[Floats, Labels]:
        """On its own grid."""
        tissues = seen(self.head, self.grids[name])
        return acquired(tissues, self.sequences[name], self.grids[name]), labels(tissues)


def draw_case(seed: int, *, shifted: bool = False, ill: bool | None = None, moved: bool | None = None) -> Case:
    streams = np.random.default_rng([seed, int(shifted), 20611]).spawn(4)
    there = bool(streams[3].random() < _ILL_SHARE) if ill is None else ill
    moves = bool(streams[3].random() < 0.3) if moved is None else moved
    return Case(
        seed=seed,
        shifted=shifted,
        head=draw_head(streams[0], shifted=shifted, tumour=there),
        sequences=draw_sequences(streams[1], seed, shifted=shifted),
        grids=draw_grids(streams[2], shifted=shifted, moves=moves),
        moved=moves,
    )

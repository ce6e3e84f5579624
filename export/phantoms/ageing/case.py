"""One old patient's T1 of the head: a seed in, the volume with its truth out, as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from export.phantoms.ageing.ageing import draw_ageing
from export.phantoms.ageing.canvas import Canvas
from export.phantoms.ageing.head import Head, draw_head
from export.phantoms.ageing.scan import Scanner, draw_scanner, sequence_of
from export.phantoms.brain.anatomy import Floats
from export.phantoms.brain.scan import Grid, acquired

_ILL_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Seen:
    """Values [slices, rows, columns] in the scanner's own numbers, the share of each voxel that is hippocampus of the
    left and the right side [2, …], and where the disease acts. Axes go up, to the back, to the left.
    """

    values: Floats
    hippocampi: Floats
    acted_on: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Case:
    seed: int
    shifted: bool
    head: Head
    scanner: Scanner

    @property
    def ill(self) -> bool:
        return self.head.ageing.ill

    @property
    def to_usual(self) -> NDArray[np.float64]:
        """(3, 4): from places x, y, z of the scanner in mm to those of the usual brain; its bends left aside."""
        shrunk = np.diag(1 / np.array(self.head.size))
        moved = np.column_stack([self.scanner.grid.rotation.T, -np.array(self.scanner.grid.shift_mm)])
        return np.asarray(shrunk @ moved, np.float64)

    def series(self) -> Seen:
        """On the scanner's own grid."""
        return self.seen(self.scanner.grid)

    def seen(self, grid: Grid, contrast: Mapping[str, float] | None = None) -> Seen:
        """`contrast` other than that of the scanner's T1 makes another series of it."""
        canvas, places = self.painted(grid, contrast or self.scanner.bright)
        levels = np.clip(np.rint(canvas.values), 0, 255).astype(np.uint8).reshape(places.shape[1:])
        values = acquired((levels,), sequence_of(self.scanner, self.seed, self.shifted, grid), grid)
        share = canvas.hippocampus.reshape(levels.shape)
        sides = np.stack([share * (canvas.x.reshape(levels.shape) * sign > 0) for sign in (1, -1)])
        return Seen(values, sides, self.head.acted_on(canvas).reshape(levels.shape))

    def painted(self, grid: Grid, bright: Mapping[str, float]) -> tuple[Canvas, Floats]:
        places = grid.places()
        canvas = self.head.canvas(places, float(np.cbrt(np.prod(grid.step_mm))))
        self.head.paint(canvas, bright)
        return canvas, places


def draw_case(seed: int, *, shifted: bool = False, ill: bool | None = None) -> Case:
    streams = np.random.default_rng([seed, int(shifted), 30221]).spawn(4)
    there = bool(streams[0].random() < _ILL_SHARE) if ill is None else ill
    ageing = draw_ageing(streams[1], ill=there)
    return Case(
        seed=seed,
        shifted=shifted,
        head=draw_head(streams[2], ageing, shifted=shifted),
        scanner=draw_scanner(streams[3], shifted=shifted),
    )


def coarser(case: Case, step_mm: float) -> Case:
    """Acquired in cubes, which is drawn and written sooner."""
    return replace(case, scanner=replace(case.scanner, grid=case.scanner.cubes(step_mm)))

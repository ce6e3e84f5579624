"""One old patient's FDG PET of the head: a seed in, the volume with its truth out, as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from export.phantoms.ageing.ageing import Ageing, draw_ageing
from export.phantoms.ageing.head import Head, draw_head
from export.phantoms.brain.anatomy import Floats, Random
from export.phantoms.brain.scan import Grid
from export.phantoms.metabolism import GROUPS, Group
from export.phantoms.metabolism.atrophy import worn
from export.phantoms.metabolism.lowering import Metabolism, draw_metabolism
from export.phantoms.metabolism.scan import Injection, Scanner, draw_injection, draw_scanner, measured
from export.phantoms.metabolism.uptake import draw_uptake, lowered_by_disease, regions, spread_out

USUAL_AGES = (60.0, 85.0)
"""The others are those of the shifted generator."""
_SHARES = (0.2, 0.3, 0.3, 0.2)


@dataclass(frozen=True, eq=False)
class Seen:
    """Values [slices, rows, columns] in Bq/ml, where Alzheimer's disease is at work, and where the brain is. Axes go
    up, to the back, to the left.
    """

    values: Floats
    acted_on: NDArray[np.bool_]
    brain: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Case:
    seed: int
    shifted: bool
    head: Head
    metabolism: Metabolism
    uptake: Mapping[str, float]
    injection: Injection
    scanner: Scanner

    @property
    def group(self) -> Group:
        return self.metabolism.group

    @property
    def age_years(self) -> float:
        return self.head.ageing.age_years

    @property
    def to_usual(self) -> NDArray[np.float64]:
        """(3, 4): from places x, y, z of the scanner in mm to those of the usual brain; its bends left aside."""
        shrunk = np.diag(1 / np.array(self.head.size))
        moved = np.column_stack([self.scanner.grid.rotation.T, -np.array(self.scanner.grid.shift_mm)])
        return np.asarray(shrunk @ moved, np.float64)

    def series(self) -> Seen:
        """On the scanner's own grid."""
        return self.seen(self.scanner.grid)

    def seen(self, grid: Grid, tracer: Mapping[str, float] | None = None) -> Seen:
        """`tracer` is another one's uptake by tissue, which no disease of this patient changes."""
        canvas = self.head.canvas(grid.places(), float(np.cbrt(np.prod(grid.step_mm))))
        self.head.paint(canvas, tracer or self.uptake)
        if tracer is None:
            spread_out(canvas, self.metabolism, self.uptake["cerebellum"])
        rng = np.random.default_rng([self.seed, int(self.shifted), 30253])
        values = measured(canvas.values.reshape(grid.shape), self.scanner, grid, rng)
        acted_on, brain = lowered_by_disease(canvas, self.metabolism), regions(canvas)["brain"]
        return Seen(values * np.float32(self.injection.bqml), acted_on.reshape(grid.shape), brain.reshape(grid.shape))


def simple_numbers(case: Case, values: Floats) -> dict[str, float]:
    """What is simple to measure on the scanner's grid where the disease begins: means as stored, in SUV, and in parts
    of the brain's mean and of the cerebellum's.
    """
    grid = case.scanner.grid
    canvas = case.head.canvas(grid.places(), float(np.cbrt(np.prod(grid.step_mm))))
    mean = {name: float(values[mask.reshape(grid.shape)].mean()) for name, mask in regions(canvas).items()}
    return {
        "mean of the disease's places, as stored": mean["hubs"],
        "mean of the disease's places, SUV": mean["hubs"] / case.injection.bqml_of_suv,
        "mean of the disease's places, of the brain's": mean["hubs"] / mean["brain"],
        "mean of the disease's places, of the cerebellum's": mean["hubs"] / mean["cerebellum"],
        "mean of the brain, of the cerebellum's": mean["brain"] / mean["cerebellum"],
    }


def draw_case(seed: int, *, shifted: bool = False, group: Group | None = None) -> Case:
    ageing, metabolism = draw_person(seed, shifted=shifted, group=group)
    *_, of_wear, of_head, of_uptake, of_scan = _streams(seed, shifted)
    return Case(
        seed=seed,
        shifted=shifted,
        head=draw_head(of_head, worn(of_wear, ageing, metabolism), shifted=shifted),
        metabolism=metabolism,
        uptake=draw_uptake(of_uptake, shifted=shifted),
        injection=draw_injection(of_scan, shifted=shifted),
        scanner=draw_scanner(of_scan, shifted=shifted),
    )


def draw_person(seed: int, *, shifted: bool = False, group: Group | None = None) -> tuple[Ageing, Metabolism]:
    """Who is scanned: how the brain has aged in health, and where its uptake is lowered."""
    of_group, of_age, of_metabolism, *_ = _streams(seed, shifted)
    drawn = GROUPS[int(of_group.choice(len(GROUPS), p=_SHARES))]
    ageing = _of_age(of_age, shifted=shifted)
    return ageing, draw_metabolism(of_metabolism, group or drawn, ageing.age_years)


def _streams(seed: int, shifted: bool) -> list[Random]:
    return np.random.default_rng([seed, int(shifted), 30259]).spawn(7)


def _of_age(rng: Random, *, shifted: bool) -> Ageing:
    """The shifted generator's people are younger or older than the others."""
    youngest, oldest = USUAL_AGES
    while True:
        ageing = draw_ageing(rng, ill=False)
        if (youngest <= ageing.age_years <= oldest) is not shifted:
            return ageing


def coarser(case: Case, step_mm: float) -> Case:
    """Acquired in cubes, which is drawn and written sooner."""
    return replace(case, scanner=replace(case.scanner, grid=case.scanner.cubes(step_mm)))

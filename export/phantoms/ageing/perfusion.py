"""An old head's perfusion by labelled blood: slices in, values or DICOM files out, as few pairs give them or many.

A voxel is so large that cortex, white matter and fluid share it: the head is painted finer, and averaged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from export.phantoms.ageing.canvas import Canvas, Vector
from export.phantoms.ageing.case import Case, draw_case
from export.phantoms.ageing.dicom import write_values
from export.phantoms.brain.anatomy import Floats, Random
from export.phantoms.brain.scan import Grid

SAID = "3D pCASL perfusion weighted"
PLANTED = 5
PERFUSION: Mapping[str, float] = {
    "air": 0, "fat": 1, "muscle": 4, "bone": 0, "marrow": 2, "csf": 0, "grey": 100, "hippocampus": 84, "white": 27,
    "deep": 88, "stem": 40, "plexus": 70, "spot": 12,
}  # fmt: skip
"""Grey matter nearly four times as much as white."""
_FINER = 2
_BESIDE = 2  # slices, which the readout's blur reaches over
_APART_MM = 30.0
_TO_SIGMA = 1 / 2.355
_NUMBER = 100  # of noise that is like none of a training's
_USUAL_PAIRS = 30.0


@dataclass(frozen=True)
class Area:
    """Of so many `times` the usual perfusion."""

    middle: Vector
    radius_mm: float
    times: float


@dataclass(frozen=True)
class Labelling:
    """How an ASL is taken: its voxels, how far the readout blurs along the slices, in one pair the `noise` of a voxel
    of 3 mm, in parts of grey matter, of which the share `breathing` is wide; how uneven the blood comes.
    """

    pixel_mm: float
    slice_mm: float
    blur_mm: float
    noise: float
    breathing: float
    uneven: float
    scale: float


@dataclass(frozen=True)
class Pairs:
    """So many, averaged; none is endlessly many. `number` tells their noise from that of others."""

    count: float
    number: int

    @classmethod
    def usual(cls, number: int) -> "Pairs":
        return cls(_USUAL_PAIRS, number)


@dataclass(frozen=True, eq=False)
class Slab:
    """Some slices of a head, as endlessly many pairs would show them, with more beside them; `numbers` says which area
    a voxel of the slices themselves lies in, 0 in none, and `tissues` how bright it was painted, of a hundred.
    """

    case: Case
    by: Labelling
    wide: Grid
    seen: Floats
    numbers: NDArray[np.uint8]
    tissues: Floats

    def taken(self, how: Pairs) -> Floats:
        """In the scanner's numbers, which may be negative where there is hardly any blood."""
        seen = self.seen
        if how.count:
            rng = np.random.default_rng([self.case.seed, int(self.case.shifted), how.number, 73])
            seen = seen + _noise(rng, self.by, self.wide) / np.float32(how.count) ** 0.5
        return np.asarray(seen[_BESIDE:-_BESIDE] * np.float32(self.by.scale), np.float32)


def draw_labelling(rng: Random, *, shifted: bool) -> Labelling:
    """`shifted` is another scanner: other voxels, more noise, more blur."""
    more = 1.4 if shifted else 1.0
    return Labelling(
        pixel_mm=float(rng.uniform(2.4, 2.9) if shifted else rng.uniform(2.9, 3.75)),
        slice_mm=float(rng.choice([3.5, 6.0] if shifted else [4.0, 4.5, 5.0])),
        blur_mm=float(rng.uniform(3.0, 8.0) * more),
        noise=float(rng.uniform(0.5, 1.1) * more),
        breathing=float(rng.uniform(0.1, 0.3)),
        uneven=float(rng.uniform(0.05, 0.2) * more),
        scale=float(rng.lognormal(0, 0.5)),
    )


def labelling_of(seed: int, *, shifted: bool) -> Labelling:
    return draw_labelling(np.random.default_rng([seed, int(shifted), 79]), shifted=shifted)


def pairs_of(seed: int, *, shifted: bool) -> Pairs:
    """Few of them."""
    rng = np.random.default_rng([seed, int(shifted), 83])
    return Pairs(float(rng.integers(2, 9)), _NUMBER)


def grid_of(case: Case, by: Labelling) -> Grid:
    """Over the head, where the case's T1 lies."""
    own = case.scanner.grid
    steps = (by.slice_mm, by.pixel_mm, by.pixel_mm)
    shape = [max(round(count * was / now), 1) for count, was, now in zip(own.shape, own.step_mm, steps, strict=True)]
    rows = max(shape[1:])
    return replace(own, shape=(shape[0], rows, rows), step_mm=steps, thickness_mm=by.slice_mm)


def draw_areas(rng: Random) -> tuple[Area, ...]:
    """About one height, none beside another: some with too little blood, some with too much."""
    found: list[Area] = []
    height = float(rng.uniform(2, 28))
    while len(found) < PLANTED:
        place = np.array([rng.uniform(-46, 46), rng.uniform(-58, 54), height + rng.uniform(-5, 5)])
        if all(np.linalg.norm(place - np.array(each.middle)) > _APART_MM for each in found):
            middle = (float(place[0]), float(place[1]), float(place[2]))
            times = float(rng.uniform(0.2, 0.6) if rng.random() < 0.5 else rng.uniform(1.6, 2.4))
            found.append(Area(middle, float(rng.uniform(7, 14)), times))
    return tuple(found)


def about(case: Case, by: Labelling, area: Area, slices: int) -> Grid:
    grid = grid_of(case, by)
    return grid.slab(grid.height_mm(np.array(area.middle) * np.array(case.head.size)), slices)


def slab(case: Case, by: Labelling, grid: Grid, areas: tuple[Area, ...] = ()) -> Slab:
    wide = replace(grid, shape=(grid.shape[0] + 2 * _BESIDE, *grid.shape[1:]))
    slices, rows, columns = (count * _FINER for count in wide.shape)
    fine = wide.of_shape((slices, rows, columns))
    canvas, _ = case.painted(fine, PERFUSION)
    tissues = _averaged(canvas.values.reshape(fine.shape))
    numbers = np.zeros(canvas.x.shape, np.uint8)
    for number, area in enumerate(areas, start=1):
        share = np.clip(0.5 + canvas.ball(area.middle, (area.radius_mm,) * 3) / np.float32(canvas.voxel_mm), 0, 1)
        canvas.values *= 1 + share * np.float32(area.times - 1)
        numbers[share > 0.5] = number
    blood = _averaged((canvas.values * _arriving(case, by, canvas)).reshape(fine.shape))
    seen = gaussian_filter(blood, [by.blur_mm * _TO_SIGMA / wide.step_mm[0], 0, 0])
    inner = slice(_BESIDE, -_BESIDE)
    middle = numbers.reshape(fine.shape)[::_FINER, ::_FINER, ::_FINER]
    return Slab(case, by, wide, np.asarray(seen, np.float32), middle[inner], tissues[inner])


def _averaged(fine: Floats) -> Floats:
    slices, rows, columns = (count // _FINER for count in fine.shape)
    parts = fine.reshape(slices, _FINER, rows, _FINER, columns, _FINER)
    return np.asarray(parts.mean(axis=(1, 3, 5)), np.float32)


def _arriving(case: Case, by: Labelling, canvas: Canvas) -> Floats:
    """More in front or behind, on one side or the other, as the arteries of people bring it."""
    rng = np.random.default_rng([case.seed, int(case.shifted), 89])
    slopes, phases = rng.normal(0, 1, 3), rng.uniform(0, 6, 3)
    waves = sum(
        np.float32(slope) * np.sin(axis / 38 + np.float32(phase))
        for slope, phase, axis in zip(slopes, phases, (canvas.x, canvas.y, canvas.z), strict=True)
    )
    return np.asarray(np.exp(np.float32(by.uneven) * waves), np.float32)


def _noise(rng: Random, by: Labelling, grid: Grid) -> Floats:
    """Of one pair: the coil's in each voxel, and what breath and pulse leave, which is wide."""
    size = 100 * by.noise / (float(np.prod(grid.step_mm)) / 27) ** 0.5
    own = rng.standard_normal(grid.shape, np.float32)
    wide = gaussian_filter(rng.standard_normal(grid.shape, np.float32), [9 * _TO_SIGMA / step for step in grid.step_mm])
    wide /= np.float32(wide.std())
    share = by.breathing**0.5
    return np.asarray(np.float32(size) * ((1 - by.breathing) ** 0.5 * own + np.float32(share) * wide), np.float32)


def on_grid(case: Case, grid: Grid) -> Case:
    """As it is written."""
    return replace(case, scanner=replace(case.scanner, grid=grid))


def write_perfusion(seed: int, folder: Path, *, slices: int = 24, uid_seed: str | int | None = None) -> list[Path]:
    """A series of few pairs."""
    case, by = draw_case(seed), labelling_of(seed, shifted=False)
    grid = grid_of(case, by).slab(5.0, slices)
    values = slab(case, by, grid).taken(pairs_of(seed, shifted=False))
    key = uid_seed if uid_seed is not None else f"perfusion-{seed}"
    return write_values(on_grid(case, grid), values, folder, uid_seed=key, said=SAID, axial=True)

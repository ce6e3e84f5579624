"""A phantom in, what the node makes of it by a model folder, and how good that is beside its source, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.asl_denoise.export import FOLDER
from export.asl_denoise.train import TASK
from export.phantoms.ageing.case import draw_case
from export.phantoms.ageing.dicom import stored_step, write_values
from export.phantoms.ageing.perfusion import (
    PERFUSION,
    SAID,
    Pairs,
    Slab,
    about,
    draw_areas,
    labelling_of,
    on_grid,
    pairs_of,
    slab,
)
from export.phantoms.brain.anatomy import Floats
from export.phantoms.brain.scan import Grid
from export.restoring.asking import Answer, asked
from export.restoring.gaussian import best_gaussian
from export.restoring.pairs import brightness_of
from export.restoring.quality import psnr, ssim
from export.restoring.spots import Spot, Spots
from export.restoring.trial import Quality, Trial

USUAL, GAUSSIAN, SOURCE, OURS = "thirty pairs averaged", "the best Gaussian", "the same pairs averaged", "asl-denoise"
WAYS = (USUAL, GAUSSIAN, SOURCE, OURS)
SLICES = 9
MEAN, APART = "mean of planted areas: mean difference, %", "the same, mean size of the difference, %"
_OTHER_NOISE = 101
_SIZE_MM, _RIM_MM = 10.0, 4.0
_LEAST_SHARE = 0.2
_BRAIN = 0.5 * PERFUSION["white"]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Drawn:
    """In the numbers that are stored."""

    slab: Slab
    grid: Grid
    few: Pairs
    clean: Floats
    usual: Floats
    noisy: Floats

    @property
    def brain(self) -> Mask:
        return np.asarray(self.slab.tissues > _BRAIN)

    @property
    def spots(self) -> Spots:
        return Spots(self.slab.numbers, self.brain & (self.slab.numbers == 0), self.grid.step_mm[1])


def draw(seed: int, shifted: bool, slices: int = SLICES) -> Drawn:
    """About areas of too little blood or too much, which lie about one height."""
    case, by = draw_case(seed, shifted=shifted), labelling_of(seed, shifted=shifted)
    few = pairs_of(seed, shifted=shifted)
    areas = draw_areas(np.random.default_rng([seed, int(shifted), 101]))
    grid = about(case, by, areas[0], slices)
    seen = slab(case, by, grid, areas)
    taken = [seen.taken(how) for how in (Pairs(0, 0), Pairs.usual(_OTHER_NOISE), few)]
    step = stored_step(taken[-1])
    clean, usual, noisy = (np.rint(each / step).astype(np.float32) for each in taken)
    return Drawn(seen, grid, few, clean, usual, noisy)


def try_patient(seed: int, shifted: bool, folder: Path = FOLDER, slices: int = SLICES) -> Trial:
    drawn = draw(seed, shifted, slices)
    ours, cautions = ask(drawn, folder)
    smoothed = best_gaussian(drawn.noisy, drawn.clean, drawn.grid.step_mm, drawn.brain)
    images = {USUAL: drawn.usual, GAUSSIAN: smoothed, SOURCE: drawn.noisy, OURS: ours}
    planted = drawn.spots.seen(drawn.clean, _LEAST_SHARE)
    return Trial(
        seed=seed,
        shifted=shifted,
        slices=slices,
        planted=len(planted),
        by_way={way: quality(drawn, image, planted) for way, image in images.items()},
        cautions=cautions,
    )


def ask(drawn: Drawn, folder: Path = FOLDER) -> Answer:
    """What it gives as an image, from the feet up, and what it cautions about."""
    case = on_grid(drawn.slab.case, drawn.grid)
    write = partial(write_values, case, drawn.noisy, uid_seed=f"trial-{case.seed}", said=SAID, axial=True)
    return asked(folder, write)


def quality(drawn: Drawn, image: Floats, planted: Sequence[Spot]) -> Quality:
    """Decibels are of the brain alone: what lies around has no blood."""
    inside, spots = drawn.brain, drawn.spots
    peak = TASK.peak * brightness_of(drawn.noisy)
    mean, size = spots.differences(image, drawn.clean, planted)
    return Quality(
        psnr=psnr(image[inside], drawn.clean[inside], peak),
        ssim=ssim(image, drawn.clean, peak),
        lost=spots.lost(image, planted),
        invented=spots.invented(image, drawn.clean, planted, _SIZE_MM, _RIM_MM),
        numbers={MEAN: mean, APART: size},
    )

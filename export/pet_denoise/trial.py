"""A phantom in, what the node makes of it by a model folder, and how good that is beside its source, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.pet_denoise.export import FOLDER
from export.pet_denoise.train import TASK
from export.phantoms.brain.anatomy import Floats
from export.phantoms.brain.scan import Grid
from export.phantoms.metabolism.again import SAID, Counts, Slab, about, counts_of, draw_foci, on_slab, slab
from export.phantoms.metabolism.case import draw_case
from export.phantoms.metabolism.dicom import write_values
from export.restoring.asking import Answer, asked
from export.restoring.gaussian import best_gaussian
from export.restoring.pairs import brightness_of
from export.restoring.quality import psnr, ssim
from export.restoring.spots import Spot, Spots
from export.restoring.trial import Quality, Trial

SOURCE, USUAL, GAUSSIAN, OURS = "few counts", "usual counts", "the best Gaussian", "pet-denoise"
WAYS = (SOURCE, USUAL, GAUSSIAN, OURS)
SLICES = 11
MEAN, APART = "SUV mean of planted lesions: mean difference, %", "the same, mean size of the difference, %"
_OTHER_NOISE = 101
_SIZE_MM, _RIM_MM = 8.0, 4.0
_LEAST_SHARE = 0.1
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Drawn:
    """In Bq/ml, as they are written."""

    slab: Slab
    grid: Grid
    few: Counts
    clean: Floats
    usual: Floats
    noisy: Floats

    @property
    def head(self) -> Mask:
        return np.asarray(self.clean > 0.1 * np.percentile(self.clean, 99))

    @property
    def spots(self) -> Spots:
        """In the brain."""
        return Spots(self.slab.numbers, self.slab.brain & (self.slab.numbers == 0), self.grid.step_mm[1])


def draw(seed: int, shifted: bool, slices: int = SLICES) -> Drawn:
    """About spots of much uptake, which lie about one height."""
    case, few = draw_case(seed, shifted=shifted), counts_of(seed, shifted=shifted)
    foci = draw_foci(np.random.default_rng([seed, int(shifted), 71]))
    grid = about(case, foci[0], slices)
    seen = slab(case, grid, foci)
    clean, normal, noisy = (seen.taken(how) for how in (Counts(0, 0), Counts(1, _OTHER_NOISE), few))
    return Drawn(seen, grid, few, clean, normal, noisy)


def try_patient(seed: int, shifted: bool, folder: Path = FOLDER, slices: int = SLICES) -> Trial:
    drawn = draw(seed, shifted, slices)
    ours, cautions = ask(drawn, folder)
    smoothed = best_gaussian(drawn.noisy, drawn.clean, drawn.grid.step_mm, drawn.head)
    images = {SOURCE: drawn.noisy, USUAL: drawn.usual, GAUSSIAN: smoothed, OURS: ours}
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
    case = on_slab(drawn.slab.case, drawn.grid, drawn.few)
    write = partial(write_values, case, drawn.noisy, uid_seed=f"trial-{case.seed}", said=SAID)
    return asked(folder, write)


def quality(drawn: Drawn, image: Floats, planted: Sequence[Spot]) -> Quality:
    inside, spots = drawn.head, drawn.spots
    peak = TASK.peak * brightness_of(drawn.noisy)
    mean, size = spots.differences(image, drawn.clean, planted)
    return Quality(
        psnr=psnr(image[inside], drawn.clean[inside], peak),
        ssim=ssim(image, drawn.clean, peak),
        lost=spots.lost(image, planted),
        invented=spots.invented(image, drawn.clean, planted, _SIZE_MM, _RIM_MM),
        numbers={MEAN: mean, APART: size},
    )

"""A phantom in, what the node makes of it by a model folder, and how near that is to CT, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes

from export.mr_to_ct.baseline import one_for_each_brightness
from export.mr_to_ct.export import FOLDER
from export.mr_to_ct.train import TASK
from export.phantoms.ageing.again import on_slab
from export.phantoms.ageing.case import Case, draw_case
from export.phantoms.ageing.dicom import stored_step, write_values
from export.phantoms.ageing.hounsfield import about, both, draw_holes
from export.phantoms.brain.anatomy import Floats
from export.phantoms.brain.scan import Grid
from export.restoring.asking import Answer, asked
from export.restoring.quality import psnr, ssim
from export.restoring.spots import Spot, Spots
from export.restoring.trial import Quality, Trial

LOOKUP, OURS = "one HU for each brightness", "mr-to-ct"
WAYS = (LOOKUP, OURS)
SLICES = 9
ERROR, BONE = "mean absolute error in the head, HU", "Dice of bone"
BONE_HU = 300.0
_HEAD_HU = -400.0
_OTHER_NOISE = 103
_SIZE_MM, _RIM_MM = 5.0, 1.0
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Drawn:
    """`t1` in the numbers that are stored, `hu` as CT would have it without noise."""

    case: Case
    grid: Grid
    t1: Floats
    hu: Floats
    numbers: NDArray[np.uint8]

    @property
    def head(self) -> Mask:
        return np.stack([binary_fill_holes(plane > _HEAD_HU) for plane in self.hu])

    @property
    def spots(self) -> Spots:
        """Holes in the skull, beside bone."""
        return Spots(self.numbers, self.hu > BONE_HU, self.grid.step_mm[2])


def draw(seed: int, shifted: bool, slices: int = SLICES) -> Drawn:
    """About holes in the skull."""
    case = draw_case(seed, shifted=shifted)
    holes = draw_holes(case, np.random.default_rng([seed, int(shifted), 137]))
    grid = about(case, holes[0], slices)
    made = both(case, grid, holes, _OTHER_NOISE)
    t1 = np.rint(made.t1 / stored_step(made.t1)).astype(np.float32)
    return Drawn(case, grid, t1, made.hu, made.numbers)


def try_patient(seed: int, shifted: bool, folder: Path = FOLDER, slices: int = SLICES) -> Trial:
    drawn = draw(seed, shifted, slices)
    ours, cautions = ask(drawn, folder)
    planted = drawn.spots.seen(drawn.hu)
    return Trial(
        seed=seed,
        shifted=shifted,
        slices=slices,
        planted=len(planted),
        by_way={
            LOOKUP: quality(drawn, one_for_each_brightness(drawn.t1), planted),
            OURS: quality(drawn, ours, planted),
        },
        cautions=cautions,
    )


def ask(drawn: Drawn, folder: Path = FOLDER) -> Answer:
    """What it gives as an image, from the feet up and in whole HU as it is stored, and what it cautions about."""
    case = on_slab(drawn.case, drawn.grid)
    write = partial(write_values, case, drawn.t1, uid_seed=f"trial-{case.seed}", axial=True)
    image, cautions = asked(folder, write)
    return np.rint(image), cautions


def quality(drawn: Drawn, image: Floats, planted: Sequence[Spot]) -> Quality:
    inside, (found, true) = drawn.head, (each > BONE_HU for each in (image, drawn.hu))
    return Quality(
        psnr=psnr(image[inside], drawn.hu[inside], TASK.peak),
        ssim=ssim(image, drawn.hu, TASK.peak),
        lost=drawn.spots.lost(image, planted),
        invented=drawn.spots.invented(image, drawn.hu, planted, _SIZE_MM, _RIM_MM),
        numbers={
            ERROR: float(abs(image - drawn.hu)[inside].mean()),
            BONE: float(2 * (found & true).sum() / max(found.sum() + true.sum(), 1)),
        },
    )

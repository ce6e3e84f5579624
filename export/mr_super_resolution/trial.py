"""A phantom in, what the node makes of it by a model folder, and how good that is beside its source, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from export.mr_super_resolution.baseline import cubic
from export.mr_super_resolution.export import FOLDER
from export.mr_super_resolution.train import TASK
from export.phantoms.ageing.again import on_slab
from export.phantoms.ageing.dicom import stored_step, write_values
from export.phantoms.ageing.thick import FINER, SAID, both, thick_grid
from export.phantoms.brain.anatomy import Floats
from export.restoring import heads
from export.restoring.asking import Answer, asked
from export.restoring.heads import TISSUES, Head
from export.restoring.pairs import brightness_of
from export.restoring.quality import psnr, ssim
from export.restoring.spots import Spot
from export.restoring.trial import Quality, Trial

SOURCE, CUBIC, OURS = "each thick slice four times", "cubic interpolation", "mr-super-resolution"
WAYS = (SOURCE, CUBIC, OURS)
SLICES = 7
_SIZE_MM, _RIM_MM = 4.0, 2.0


@dataclass(frozen=True, eq=False)
class Drawn:
    """In the numbers that are stored; `clean` are the thin slices, `thick` what is scanned."""

    head: Head
    clean: Floats
    thick: Floats


def draw(seed: int, shifted: bool, slices: int = SLICES) -> Drawn:
    """`slices` are the thick ones."""
    head = heads.draw(seed, FINER * slices, shifted=shifted)
    thick, clean = both(head.case, head.grid)
    step = stored_step(thick)
    return Drawn(head, (clean / step).astype(np.float32), np.rint(thick / step).astype(np.float32))


def try_patient(seed: int, shifted: bool, folder: Path = FOLDER, slices: int = SLICES) -> Trial:
    drawn = draw(seed, shifted, slices)
    ours, cautions = ask(drawn, folder)
    images = {SOURCE: np.repeat(drawn.thick, FINER, axis=0), CUBIC: cubic(drawn.thick), OURS: ours}
    planted = drawn.head.spots.seen(drawn.clean)
    return Trial(
        seed=seed,
        shifted=shifted,
        slices=FINER * slices,
        planted=len(planted),
        by_way={way: quality(drawn, image, planted) for way, image in images.items()},
        cautions=cautions,
    )


def ask(drawn: Drawn, folder: Path = FOLDER) -> Answer:
    """What it gives as an image, from the feet up, and what it cautions about."""
    case = on_slab(drawn.head.case, thick_grid(drawn.head.grid))
    write = partial(write_values, case, drawn.thick, uid_seed=f"trial-{case.seed}", said=SAID, axial=True)
    return asked(folder, write)


def quality(drawn: Drawn, image: Floats, planted: Sequence[Spot]) -> Quality:
    """Decibels are of the head alone."""
    inside = drawn.clean > 0.1 * drawn.clean.max()
    peak = TASK.peak * brightness_of(drawn.thick)
    spots, differences = drawn.head.spots, heads.differences(drawn.head, image, drawn.clean)
    return Quality(
        psnr=psnr(image[inside], drawn.clean[inside], peak),
        ssim=ssim(image, drawn.clean, peak),
        lost=spots.lost(image, planted),
        invented=spots.invented(image, drawn.clean, planted, _SIZE_MM, _RIM_MM),
        numbers={heads.difference_in(name): value for name, value in differences.items()},
    )


DIFFERENCES = tuple(map(heads.difference_in, TISSUES))

"""A phantom in, what the node makes of it by a model folder, and how good that is beside its source, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from export.mr_denoise.baseline import non_local_means
from export.mr_denoise.export import FOLDER
from export.mr_denoise.train import TASK
from export.phantoms.ageing.again import SAID, Again, noise_of, on_slab, scanned
from export.phantoms.ageing.dicom import stored_step, write_values
from export.phantoms.brain.anatomy import Floats
from export.restoring import heads
from export.restoring.asking import Answer, asked
from export.restoring.heads import TISSUES, Head
from export.restoring.pairs import brightness_of
from export.restoring.quality import psnr, ssim
from export.restoring.spots import Spot
from export.restoring.trial import Quality, Trial

SOURCE, USUAL, NON_LOCAL, OURS = "noisy", "with the usual noise", "non-local means", "mr-denoise"
WAYS = (SOURCE, USUAL, NON_LOCAL, OURS)
SLICES = 9
_SIZE_MM, _RIM_MM = 4.0, 2.0
_OTHER_NOISE = 101


@dataclass(frozen=True, eq=False)
class Drawn:
    """In the numbers that are stored."""

    head: Head
    clean: Floats
    usual: Floats
    noisy: Floats


def draw(seed: int, shifted: bool, slices: int = SLICES) -> Drawn:
    head = heads.draw(seed, slices, shifted=shifted)
    how = noise_of(seed, shifted=shifted)
    seen = scanned(head.case, head.grid, Again(0, 0), Again(1, _OTHER_NOISE), how)
    step = stored_step(seen[-1])
    clean, usual, noisy = (np.rint(each / step).astype(np.float32) for each in seen)
    return Drawn(head, clean, usual, noisy)


def try_patient(seed: int, shifted: bool, folder: Path = FOLDER, slices: int = SLICES) -> Trial:
    drawn = draw(seed, shifted, slices)
    ours, cautions = ask(drawn, folder)
    planted = drawn.head.spots.seen(drawn.clean)
    images = {
        SOURCE: drawn.noisy, USUAL: drawn.usual, NON_LOCAL: non_local_means(drawn.noisy, drawn.clean), OURS: ours,
    }  # fmt: skip
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
    case = on_slab(drawn.head.case, drawn.head.grid)
    write = partial(write_values, case, drawn.noisy, uid_seed=f"trial-{case.seed}", said=SAID, axial=True)
    return asked(folder, write)


def quality(drawn: Drawn, image: Floats, planted: Sequence[Spot]) -> Quality:
    """Decibels are of the head alone: air, where noise has another mean, is easily made better."""
    inside = drawn.clean > 0.1 * drawn.clean.max()
    peak = TASK.peak * brightness_of(drawn.noisy)
    differences = heads.differences(drawn.head, image, drawn.clean)
    return Quality(
        psnr=psnr(image[inside], drawn.clean[inside], peak),
        ssim=ssim(image, drawn.clean, peak),
        lost=drawn.head.spots.lost(image, planted),
        invented=drawn.head.spots.invented(image, drawn.clean, planted, _SIZE_MM, _RIM_MM),
        numbers={heads.difference_in(name): value for name, value in differences.items()},
    )


DIFFERENCES = tuple(map(heads.difference_in, TISSUES))

"""The report on pet-denoise: what is to be reached, and how a scan is shown."""

from functools import partial
from pathlib import Path

import numpy as np

from export.pet_denoise.export import FOLDER
from export.pet_denoise.foreign import KINDS, cautioned
from export.pet_denoise.train import TASK
from export.pet_denoise.trial import GAUSSIAN, MEAN, OURS, SOURCE, ask, draw, try_patient
from export.phantoms.metabolism.again import write_few
from export.restoring.figures import Figures
from export.restoring.gaussian import best_gaussian
from export.restoring.report import About, Bar, Shades, side_by_side
from export.restoring.report import evaluate as evaluate_about
from export.restoring.trial import Trial

_APART_SHARE = 0.2


def _suv(some: Figures) -> float:
    """Without its sign."""
    return abs(some.numbers[MEAN][OURS].value)


def show(trial: Trial, path: Path) -> str:
    drawn = draw(trial.seed, trial.shifted)
    smoothed = best_gaussian(drawn.noisy, drawn.clean, drawn.grid.step_mm, drawn.head)
    shown = {"without noise": drawn.clean, SOURCE: drawn.noisy, GAUSSIAN: smoothed, OURS: ask(drawn)[0]}
    most = float(np.percentile(drawn.clean, 99.5))
    return side_by_side(shown, trial.seed, Shades(0, most, _APART_SHARE * most), path)


ABOUT = About(
    folder=FOLDER,
    config=Path(__file__).parent / "configs" / "standard.json",
    task=TASK,
    title="pet-denoise: FDG PET of the head with few counts, with less noise",
    explained=[
        "Truth: the same slices with endless counts, as the scanner would have them. The best Gaussian is told which "
        "width does best for each scan. Decibels are of the head alone. Shifted: a second generator (other scanners, "
        "resolutions, voxels and ages, more noise), never trained or tuned on. Brackets: 95 % confidence over scans of "
        "eleven slices.",
        "Planted are spots of 1.3 to 2.5 times the cortex's uptake. A lesion is lost where less than half of its "
        "contrast is left, and invented where a blob of 8 mm within the brain differs by half of the contrast of "
        "lesions from how it should be.",
    ],
    bars=[
        Bar("decibels over the best Gaussian", "≥ 1", lambda some: some.over[GAUSSIAN]),
        Bar(MEAN, "within 3", _suv),
    ],
    try_patient=try_patient,
    write=partial(write_few, slices=30),
    show=show,
    shown="With endless counts, with few, the best Gaussian, the model, and how the model differs from the first "
    f"(±{_APART_SHARE:.0%} of the brightest)",
    cautioned=cautioned,
    kinds=list(KINDS),
    shifted=40,
    first_foreign=740_000,
)
evaluate = partial(evaluate_about, ABOUT)

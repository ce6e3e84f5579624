"""The report on mr-super-resolution: what is to be reached, and how a scan is shown."""

from functools import partial
from pathlib import Path

import numpy as np

from export.evaluation.statistics import Figure
from export.mr_super_resolution.baseline import cubic
from export.mr_super_resolution.export import FOLDER
from export.mr_super_resolution.foreign import KINDS, cautioned
from export.mr_super_resolution.train import TASK
from export.mr_super_resolution.trial import CUBIC, OURS, SOURCE, ask, draw, try_patient
from export.phantoms.ageing.thick import FINER, write_thick
from export.restoring.figures import Figures
from export.restoring.report import About, Bar, Shades, side_by_side
from export.restoring.report import evaluate as evaluate_about
from export.restoring.trial import Trial

_APART_SHARE = 0.2


def _alike(some: Figures) -> Figure | float:
    return some.ssim[OURS].value - some.ssim[CUBIC].value


def show(trial: Trial, path: Path) -> str:
    """From the side, where slices are thick."""
    drawn = draw(trial.seed, trial.shifted)
    images = {"thin slices": drawn.clean, SOURCE: np.repeat(drawn.thick, FINER, axis=0), CUBIC: cubic(drawn.thick)}
    images[OURS] = ask(drawn)[0]
    shown = {name: np.ascontiguousarray(image.transpose(1, 0, 2)[:, ::-1]) for name, image in images.items()}
    most = float(np.percentile(drawn.clean, 99.5))
    return side_by_side(shown, trial.seed, Shades(0, most, _APART_SHARE * most), path)


ABOUT = About(
    folder=FOLDER,
    config=Path(__file__).parent / "configs" / "standard.json",
    task=TASK,
    title="mr-super-resolution: T1 of the head in thin slices, from thick ones",
    explained=[
        "Truth: slices a fourth as thick, without noise, which the thick ones are the means of. Cubic interpolation "
        "goes through the middles of the thick slices. Decibels are of the head alone. Shifted: a second generator "
        "(another scanner and contrast, more noise, a less even coil, slices up to 7 mm thick, heads that lie askew), "
        "never trained or tuned on. Brackets: 95 % confidence over scans of seven thick slices.",
        "A lesion is lost where less than half of its contrast is left, and invented where a blob of 4 mm in even "
        "white matter differs by half of the contrast of lesions from how it should be.",
    ],
    bars=[
        Bar("decibels over cubic interpolation", "≥ 1", lambda some: some.over[CUBIC]),
        Bar("SSIM, over that of cubic interpolation", "> 0", _alike),
    ],
    try_patient=try_patient,
    write=partial(write_thick, slices=20),
    show=show,
    shown="Seen from the front: thin slices, thick ones, cubic interpolation, the model, and how the model differs "
    f"from the first (±{_APART_SHARE:.0%} of the brightest)",
    cautioned=cautioned,
    kinds=list(KINDS),
    shifted=40,
    first_foreign=760_000,
)
evaluate = partial(evaluate_about, ABOUT)

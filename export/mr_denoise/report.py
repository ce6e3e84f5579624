"""The report on mr-denoise: what is to be reached, and how a scan is shown."""

from functools import partial
from pathlib import Path

import numpy as np

from export.mr_denoise.baseline import non_local_means
from export.mr_denoise.export import FOLDER
from export.mr_denoise.foreign import KINDS, cautioned
from export.mr_denoise.train import TASK
from export.mr_denoise.trial import NON_LOCAL, OURS, SOURCE, ask, draw, try_patient
from export.phantoms.ageing.again import write_noisy
from export.restoring.report import About, Bar, Shades, side_by_side
from export.restoring.report import evaluate as evaluate_about
from export.restoring.trial import Trial

_APART_SHARE = 0.1


def show(trial: Trial, path: Path) -> str:
    drawn = draw(trial.seed, trial.shifted)
    smoothed = non_local_means(drawn.noisy, drawn.clean)
    shown = {"without noise": drawn.clean, SOURCE: drawn.noisy, NON_LOCAL: smoothed, OURS: ask(drawn)[0]}
    most = float(np.percentile(drawn.clean, 99.5))
    return side_by_side(shown, trial.seed, Shades(0, most, _APART_SHARE * most), path)


ABOUT = About(
    folder=FOLDER,
    config=Path(__file__).parent / "configs" / "standard.json",
    task=TASK,
    title="mr-denoise: T1 of the head with less noise",
    explained=[
        "Truth: the same slices without noise; decibels are of the head alone. Non-local means (scikit-image, in three "
        "dimensions) are told how strong the noise is, and what it adds to magnitudes is taken away. Shifted: a second "
        "generator (another scanner and contrast, more noise, a less even coil, heads that lie askew), never trained "
        "or tuned on. Brackets: 95 % confidence over scans of nine slices.",
        "A lesion is lost where less than half of its contrast is left, and invented where a blob of 4 mm in even "
        "white matter differs by half of the contrast of lesions from how it should be.",
    ],
    bars=[Bar("decibels over non-local means", "≥ 1", lambda some: some.over[NON_LOCAL])],
    try_patient=try_patient,
    write=partial(write_noisy, slices=30),
    show=show,
    shown="Without noise, noisy, non-local means, the model, and how the model differs from the first "
    f"(±{_APART_SHARE:.0%} of the brightest)",
    cautioned=cautioned,
    kinds=list(KINDS),
    shifted=40,
    first_foreign=730_000,
)
evaluate = partial(evaluate_about, ABOUT)

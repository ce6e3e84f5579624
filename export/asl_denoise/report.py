"""The report on asl-denoise: what is to be reached, and how a scan is shown."""

from functools import partial
from pathlib import Path

import numpy as np

from export.asl_denoise.export import FOLDER
from export.asl_denoise.foreign import KINDS, cautioned
from export.asl_denoise.train import TASK
from export.asl_denoise.trial import GAUSSIAN, OURS, SOURCE, ask, draw, try_patient
from export.phantoms.ageing.perfusion import write_perfusion
from export.restoring.gaussian import best_gaussian
from export.restoring.report import About, Bar, Shades, side_by_side
from export.restoring.report import evaluate as evaluate_about
from export.restoring.trial import Trial

_APART_SHARE = 0.3


def show(trial: Trial, path: Path) -> str:
    drawn = draw(trial.seed, trial.shifted)
    smoothed = best_gaussian(drawn.noisy, drawn.clean, drawn.grid.step_mm, drawn.brain)
    shown = {"without noise": drawn.clean, SOURCE: drawn.noisy, GAUSSIAN: smoothed, OURS: ask(drawn)[0]}
    most = float(np.percentile(drawn.clean, 99.5))
    return side_by_side(shown, trial.seed, Shades(0, most, _APART_SHARE * most), path)


ABOUT = About(
    folder=FOLDER,
    config=Path(__file__).parent / "configs" / "standard.json",
    task=TASK,
    title="asl-denoise: perfusion of the head by labelled blood, with less noise",
    explained=[
        "What is scanned are two to eight pairs of label and control; the source is their average, as the scanner "
        "gives it. Truth: the same slices from endlessly many pairs. The best Gaussian is told which width does best "
        "for each scan. Decibels are of the brain alone. Shifted: a second generator (other voxels, more noise and "
        "blur, heads that lie askew), never trained or tuned on. Brackets: 95 % confidence over scans of nine slices.",
        "Planted are areas of a fifth to three fifths of the usual perfusion, or of 1.6 to 2.4 times as much. One is "
        "lost where less than half of its contrast is left, and invented where a blob of 10 mm within the brain "
        "differs by half of their contrast from how it should be.",
    ],
    bars=[Bar("decibels over averaging the same acquisitions", "≥ 1", lambda some: some.over[SOURCE])],
    try_patient=try_patient,
    write=partial(write_perfusion, slices=20),
    show=show,
    shown="From endlessly many pairs, from few, the best Gaussian, the model, and how the model differs from the first "
    f"(±{_APART_SHARE:.0%} of the brightest)",
    cautioned=cautioned,
    kinds=list(KINDS),
    shifted=40,
    first_foreign=750_000,
)
evaluate = partial(evaluate_about, ABOUT)

"""The report on ct-denoise: what is to be reached, and how a scan is shown."""

from functools import partial
from pathlib import Path

from export.ct_denoise.baseline import non_local_means
from export.ct_denoise.export import FOLDER
from export.ct_denoise.foreign import KINDS, cautioned
from export.ct_denoise.train import TASK
from export.ct_denoise.trial import (
    NON_LOCAL,
    OURS,
    RODS_HU,
    SOURCE,
    TISSUES,
    ask,
    bias_in,
    draw,
    edge_of,
    try_patient,
)
from export.phantoms.lowdose.case import write_study
from export.restoring.figures import Figures
from export.restoring.report import About, Bar, Shades, side_by_side
from export.restoring.report import evaluate as evaluate_about
from export.restoring.trial import Trial

_WINDOW_HU = (-110, 190)
_APART_HU = 60


def _largest_bias(some: Figures) -> float:
    """Of the tissue where it is largest, without its sign."""
    return max(abs(some.numbers[bias_in(tissue)][OURS].value) for tissue in TISSUES)


def show(trial: Trial, path: Path) -> str:
    drawn = draw(trial.seed, trial.shifted)
    smoothed = non_local_means(drawn.low, drawn.clean)
    shown = {"without noise": drawn.clean, SOURCE: drawn.low, NON_LOCAL: smoothed, OURS: ask(drawn)[0]}
    return side_by_side(shown, trial.seed, Shades(*_WINDOW_HU, _APART_HU), path)


ABOUT = About(
    folder=FOLDER,
    config=Path(__file__).parent / "configs" / "standard.json",
    task=TASK,
    title="ct-denoise: CT at a low dose with less noise",
    explained=[
        "Truth: the same slices without noise. Non-local means (scikit-image) are told how strong the noise is. "
        "Shifted: a second generator (another scanner, kernel and noise, lower doses, other builds), never trained or "
        "tuned on. Brackets: 95 % confidence over scans of nine slices.",
        "A lesion is lost where less than half of its contrast is left, and invented where a blob of 5 mm of an even "
        "organ differs by 15 HU from how it should be.",
    ],
    bars=[
        Bar("decibels over non-local means", "≥ 1", lambda some: some.over[NON_LOCAL]),
        Bar("largest mean difference of a tissue, HU", "< 2", _largest_bias),
        *(Bar.of_number(edge_of(contrast), "≥ 1") for contrast in RODS_HU),
    ],
    try_patient=try_patient,
    write=partial(write_study, slices=30),
    show=show,
    shown="Without noise, low dose, non-local means, the model, and how the model differs from the first "
    f"(±{_APART_HU} HU)",
    cautioned=cautioned,
    kinds=list(KINDS),
    shifted=40,
    first_foreign=720_000,
)
evaluate = partial(evaluate_about, ABOUT)

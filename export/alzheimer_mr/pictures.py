"""Pictures of the report: trials go in, PNG files come out."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import pyplot

from export.alzheimer_mr.export import FOLDER
from export.alzheimer_mr.figures import volumes
from export.alzheimer_mr.grey import shown
from export.alzheimer_mr.trial import Trial, ask
from export.evaluation.plots import draw_agreement, save
from export.phantoms.ageing.case import draw_case

matplotlib.use("Agg")


def worst_of(trials: Sequence[Trial], count: int) -> list[Trial]:
    """Those whose probability is furthest from the truth."""
    return sorted(trials, key=lambda trial: -abs(trial.probability - float(trial.ill)))[:count]


def agreement(trials: Sequence[Trial], path: Path) -> str:
    truth, found = volumes(trials)
    picture, axes = pyplot.subplots(figsize=(4.5, 4))
    draw_agreement(axes, truth, found, "tab:blue", " ml")
    return save(picture, path)


def shown_again(trial: Trial, path: Path, folder: Path = FOLDER) -> str:
    """The same patient asked once more."""
    case = draw_case(trial.seed, shifted=trial.shifted)
    seen = case.series()
    answer = ask(case, seen.values, folder)
    grey = shown(seen.values)
    peak, _, _ = np.unravel_index(int(answer.heat.argmax()), answer.heat.shape)
    truth, found = seen.hippocampi.max(axis=0) > 0.5, answer.masks[0] | answer.masks[1]
    across = int(truth.sum(axis=(0, 2)).argmax())
    picture, (left, right) = pyplot.subplots(1, 2, figsize=(7.5, 4))
    left.imshow(grey[peak], cmap="gray", vmin=0, vmax=0.8)
    left.imshow(np.maximum(answer.heat[peak], 0), cmap="inferno", alpha=0.4)
    right.imshow(grey[:, across], cmap="gray", vmin=0, vmax=0.8, origin="lower")
    for mask, colour in ((truth[:, across], "lime"), (found[:, across], "red")):
        if mask.any():
            right.contour(mask, [0.5], colors=colour, linewidths=0.8)
    said = "Alzheimer's disease" if trial.ill else "normal"
    left.set_title(f"seed {trial.seed}, {trial.age_years:.0f} years: {said}, said {trial.probability:.2f}", fontsize=9)
    for axes in (left, right):
        axes.axis("off")
    picture.tight_layout()
    return save(picture, path)

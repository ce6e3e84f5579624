"""Pictures of the report: trials go in, PNG files come out."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import pyplot

from export.evaluation.plots import save
from export.mci_conversion_pet import ANSWERS
from export.mci_conversion_pet.export import FOLDER
from export.mci_conversion_pet.trial import Trial, ask
from export.phantoms.metabolism.case import draw_case

matplotlib.use("Agg")


def worst_of(trials: Sequence[Trial], answer: int, count: int) -> list[Trial]:
    """Those whose probability is furthest from the truth, of those that the answer is about."""
    about = [trial for trial in trials if trial.about(answer)]
    return sorted(about, key=lambda trial: -abs(trial.probabilities[answer] - float(trial.true(answer))))[:count]


def shown_again(trial: Trial, answer: int, path: Path, folder: Path = FOLDER) -> str:
    """The same patient asked once more: on the slice of the map's peak, and on that with most of the disease."""
    case = draw_case(trial.seed, shifted=trial.shifted)
    seen = case.series()
    heat = ask(case, seen.values, folder).heats[answer]
    most = float(np.percentile(seen.values, 99.7))
    peak = int(np.unravel_index(int(heat.argmax()), heat.shape)[0])
    acted_on = int(seen.acted_on.sum(axis=(1, 2)).argmax()) if seen.acted_on.any() else peak
    picture, both = pyplot.subplots(1, 2, figsize=(7.5, 4))
    for axes, at, name in zip(both, (peak, acted_on), ("peak of the map", "where the disease acts"), strict=True):
        axes.imshow(seen.values[at], cmap="gray_r", vmin=0, vmax=most)
        axes.imshow(np.maximum(heat[at], 0), cmap="inferno", alpha=0.4, vmin=0, vmax=max(float(heat.max()), 1e-6))
        if seen.acted_on[at].any():
            axes.contour(seen.acted_on[at], [0.5], colors="lime", linewidths=0.8)
        axes.set_title(name, fontsize=8)
        axes.axis("off")
    said = f"{ANSWERS[answer]} {trial.probabilities[answer]:.2f}"
    picture.suptitle(f"seed {trial.seed}, {trial.age_years:.0f} years, {trial.group}: said {said}", fontsize=9)
    picture.tight_layout()
    return save(picture, path)

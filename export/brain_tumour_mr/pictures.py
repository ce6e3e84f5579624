"""Trials in, the pictures of the report out, as small PNG files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import pyplot

from export.brain_tumour_mr import REGIONS, SERIES
from export.brain_tumour_mr.export import FOLDER
from export.brain_tumour_mr.figures import WHOLE, histograms, lengths, volumes
from export.brain_tumour_mr.trial import Floats, Masks, Table, Trial, ask, read_case, truth_of
from export.evaluation import statistics
from export.evaluation.plots import draw_agreement, plot_calibration, save
from export.phantoms.brain.case import Case, draw_case
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.inference.resample import on_grid
from orthanc_plugin.inputs import inputs_of
from orthanc_plugin.routing.folder import read

matplotlib.use("Agg")
_COLOURS = ("limegreen", "gold", "red")


def calibration(trials: Sequence[Trial], path: Path) -> str:
    return plot_calibration(histograms(trials), path)


def agreement(trials: Sequence[Trial], path: Path) -> str:
    """Bland-Altman plots, volumes above and longest diameters below, a column a region."""
    picture, rows = pyplot.subplots(2, len(REGIONS), figsize=(4 * len(REGIONS), 6.6))
    sides: tuple[tuple[Callable[[Sequence[Trial], int], tuple[Table, Table]], str], ...] = (
        (volumes, " cm³"),
        (lengths, " mm"),
    )
    for row, (of, unit) in zip(rows, sides, strict=True):
        for number, (axes, region) in enumerate(zip(row, REGIONS, strict=True)):
            draw_agreement(axes, *of(trials, number), _COLOURS[number], unit)
            axes.set(title=region)
    picture.tight_layout()
    return save(picture, path)


def worst_of(trials: Sequence[Trial], count: int) -> list[Trial]:
    """Those whose tumours overlap least with what was found, and heads without one in which most was found."""
    return sorted((trial for trial in trials if trial.found), key=_overlap)[:count]


def _overlap(trial: Trial) -> float:
    """From 1 down to 0 by the Dice of the whole tumour; below 0 what was found where there is none, in cm3."""
    table = trial.found[WHOLE].confusion[0]
    if table[1].any():
        return statistics.dice(table, 1)
    return 1.0 if not table[0, 1] else -float(table[0, 1])


def shown_again(trial: Trial, path: Path, folder: Path = FOLDER) -> str:
    """The same patient asked once more: truth and model on the slice where they differ most, on two series."""
    case = draw_case(trial.seed, shifted=trial.shifted)
    images, found = _asked(case, folder)
    truth = truth_of(case)
    index = int((found != truth).sum(axis=(0, 2, 3)).argmax())
    return drawn(images[:, index], truth[:, index], found[:, index], f"seed {trial.seed}", path)


def _asked(case: Case, folder: Path) -> tuple[Floats, Masks]:
    """T1 with contrast and FLAIR, on the grid of the first, and what was found there."""
    model = read(folder)
    inputs = inputs_of(model.card, read_case(case))
    main, beside = (inputs.by_role[role] for role in SERIES[:2])
    assert isinstance(main, Volume) and isinstance(beside, Volume)
    laid = on_grid(beside.voxels_zyx, beside.geometry, main.geometry, 0.0)
    return np.stack([main.voxels_zyx, laid]), ask(inputs.by_role, model).masks


def drawn(images: Floats, truth: Masks, found: Masks, title: str, path: Path) -> str:
    """`images` (2, row, column) are T1 with contrast and FLAIR; masks are (region, row, column)."""
    picture, panels = pyplot.subplots(2, 2, figsize=(7, 7.4))
    for row, (image, name) in zip(panels, zip(images, ("T1 with contrast", "FLAIR"), strict=True), strict=True):
        for axes, masks, side in zip(row, (truth, found), ("truth", "model"), strict=True):
            axes.imshow(image, cmap="gray", vmin=0, vmax=max(float(np.percentile(image, 99.5)), 1e-6))
            for mask, colour in zip(masks, _COLOURS, strict=True):
                if mask.any() and not mask.all():
                    axes.contour(mask, levels=[0.5], colors=[colour], linewidths=1)
            axes.set_title(f"{title}, {name}: {side}", fontsize=9)
            axes.axis("off")
    picture.tight_layout()
    return save(picture, path)

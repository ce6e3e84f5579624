"""Pictures of a report: figures go in, small PNG files come out."""

from itertools import cycle
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from export.evaluation.statistics import Table, agreement, auc, calibration, roc

matplotlib.use("Agg")
_DOTS_PER_INCH = 70
_COLOURS = ("tab:red", "goldenrod", "tab:blue")
_WINDOW_HU = (-160, 240)


def save(picture: Canvas, path: Path) -> str:
    """Saves and closes it; few colours keep the file small. Gives the file's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, dpi=_DOTS_PER_INCH, bbox_inches="tight", pil_kwargs={"optimize": True})
    pyplot.close(picture)
    return path.name


def plot_roc(histograms: dict[str, Table], path: Path) -> str:
    picture, axes = pyplot.subplots(figsize=(4.5, 4))
    for (name, histogram), colour in zip(histograms.items(), _COLOURS, strict=True):
        false, true = roc(histogram)
        axes.plot(false, true, color=colour, label=f"{name}: AUC {auc(histogram):.4f}")
    axes.set(xlabel="1 - specificity", ylabel="sensitivity", xlim=(0, 0.2), ylim=(0.8, 1.002))
    axes.legend(loc="lower right")
    return save(picture, path)


def plot_calibration(histograms: dict[str, Table], path: Path) -> str:
    picture, axes = pyplot.subplots(figsize=(4.5, 4))
    axes.plot([0, 1], [0, 1], color="lightgrey")
    for (name, histogram), colour in zip(histograms.items(), cycle(_COLOURS), strict=False):
        stated, observed, error = calibration(histogram)
        axes.plot(stated, observed, "o-", color=colour, label=f"{name}: error {error:.4f}")
    axes.set(xlabel="probability stated", ylabel="share observed")
    axes.legend()
    return save(picture, path)


def plot_agreement(truth: dict[str, Table], found: dict[str, Table], path: Path) -> str:
    """Bland-Altman plots side by side, areas in cm2."""
    picture, all_axes = pyplot.subplots(1, len(truth), figsize=(4 * len(truth), 3.4))
    for axes, name, colour in zip(all_axes, truth, _COLOURS, strict=True):
        draw_agreement(axes, truth[name], found[name], colour, " cm²")
        axes.set(title=name)
    picture.tight_layout()
    return save(picture, path)


def draw_agreement(axes: Axes, truth: Table, found: Table, colour: str = "tab:red", unit: str = "") -> None:
    """Bland and Altman's plot of one figure; the unit comes with a space before it."""
    axes.scatter((truth + found) / 2, found - truth, s=10, color=colour, edgecolors="grey", linewidths=0.3)
    if len(truth) > 1:
        limits = agreement(truth, found)
        for value, style in ((limits.bias, "-"), (limits.low, "--"), (limits.high, "--")):
            axes.axhline(value, color="grey", linestyle=style, linewidth=1)
    said = f",{unit}" if unit else ""
    axes.set(xlabel=f"mean of truth and model{said}", ylabel=f"model - truth{said}")


def plot_level(errors_mm: Table, path: Path) -> str:
    picture, axes = pyplot.subplots(figsize=(4.5, 3))
    axes.hist(np.clip(errors_mm, -60, 60), bins=list(range(-60, 61, 5)), color="slategrey")
    axes.set(xlabel="slice found above mid L3, mm", ylabel="patients")
    return save(picture, path)


def plot_slice(
    hu: NDArray[np.int16], truth: NDArray[np.uint8], found: NDArray[np.uint8], title: str, path: Path
) -> str:
    """The slice, the truth on it, and what was found."""
    picture, all_axes = pyplot.subplots(1, 3, figsize=(9, 3.1))
    colours = matplotlib.colors.ListedColormap(_COLOURS)
    for axes, labels, name in zip(all_axes, (None, truth, found), (title, "truth", "model"), strict=True):
        axes.imshow(hu[::2, ::2], cmap="gray", vmin=_WINDOW_HU[0], vmax=_WINDOW_HU[1])
        if labels is not None:
            shown = np.ma.masked_equal(labels[::2, ::2], 0)
            axes.imshow(shown, cmap=colours, vmin=1, vmax=3, alpha=0.55, interpolation="nearest")
        axes.set_title(name, fontsize=9)
        axes.axis("off")
    picture.tight_layout()
    return save(picture, path)

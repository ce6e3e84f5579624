"""The report on the classifier: its checkpoint goes in, figures as JSON and a page with pictures come out.

python -m export.body_region.report
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib import pyplot
from numpy.typing import NDArray

from export.body_region.data import Part, parts_of
from export.body_region.export import VERSION, Trained, load_trained
from export.body_region.train import RUNS, logits_of
from export.evaluation import statistics
from export.evaluation.page import Pictures, Rows, Section, render
from export.evaluation.plots import save
from export.evaluation.statistics import Figure, Table, bootstrap_values
from export.phantoms.regions.region import REGIONS, VIEWS, phantom

matplotlib.use("Agg")

FIRST_LINE = "Data: synthetic phantoms; no patient data."
NOTICE = (
    "Not for clinical use. Trained on synthetic phantoms, and tried on nothing else: how often it is right on images "
    "of patients is not known. It chooses among models where the header does not say the body part; it reports nothing."
)
_TITLE = "body-region: which part of the body an image shows"
_OUT = Path(__file__).parents[2] / "docs" / "models" / "body-region"
_BINS = 100


@dataclass(frozen=True)
class Figures:
    """`accuracy` counts the likeliest region, `accuracy_when_said` those that pass the threshold; shares of images.

    `wrong_region` is the share of images of a body for which another region is said: what could misroute a series.
    """

    images: int
    accuracy: Figure
    accuracy_when_said: Figure
    unknown: Figure
    wrong_region: Figure
    said_of_no_body: float
    calibration_error_before: float
    calibration_error_after: float
    sensitivity: dict[str, Figure]
    confusion: list[list[int]]


@dataclass(frozen=True, eq=False)
class Trial:
    """Probabilities (image, region) before and after the temperature, and the true regions."""

    before: NDArray[np.float64]
    after: NDArray[np.float64]
    truth: NDArray[np.int64]


def try_part(trained: Trained, part: Part) -> Trial:
    logits = torch.from_numpy(logits_of(trained.network, part))
    raw = logits * trained.network.temperature.double()
    return Trial(torch.softmax(raw, 1).numpy(), torch.softmax(logits, 1).numpy(), part.regions)


def figures_of(trial: Trial, threshold: float) -> Figures:
    said, stated = trial.after.argmax(axis=1), trial.after.max(axis=1)
    none = REGIONS.index("none")
    unknown = (stated < threshold) | (said == none)
    right, body = said == trial.truth, trial.truth != none
    return Figures(
        images=len(trial.truth),
        accuracy=share(right),
        accuracy_when_said=share(right[~unknown]),
        unknown=share(unknown[body]),
        wrong_region=share((~unknown & ~right)[body]),
        said_of_no_body=float((~unknown)[~body].mean()),
        calibration_error_before=calibration(trial.before, trial.truth)[2],
        calibration_error_after=calibration(trial.after, trial.truth)[2],
        sensitivity={region: share(right[trial.truth == label]) for label, region in enumerate(REGIONS)},
        confusion=confusion_of(trial).tolist(),
    )


def share(values: NDArray[np.bool_]) -> Figure:
    return bootstrap_values(values.astype(np.float64), lambda drawn: float(drawn.mean()))


def confusion_of(trial: Trial) -> NDArray[np.int64]:
    """(truth, found)"""
    pairs = trial.truth * len(REGIONS) + trial.after.argmax(axis=1)
    return np.bincount(pairs, minlength=len(REGIONS) ** 2).reshape(len(REGIONS), len(REGIONS))


def calibration(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> tuple[Table, Table, float]:
    """Of the likeliest region."""
    bins = np.minimum((probabilities.max(axis=1) * _BINS).astype(int), _BINS - 1)
    right = probabilities.argmax(axis=1) == truth
    histogram = np.bincount(right * _BINS + bins, minlength=2 * _BINS).reshape(2, _BINS).astype(np.float64)
    return statistics.calibration(histogram)


def plot_calibration(trial: Trial, path: Path) -> str:
    picture, axes = pyplot.subplots(figsize=(4.5, 4))
    axes.plot([0, 1], [0, 1], color="lightgrey")
    for name, probabilities, colour in (("before", trial.before, "grey"), ("after", trial.after, "tab:blue")):
        stated, observed, error = calibration(probabilities, trial.truth)
        axes.plot(stated[observed > 0], observed[observed > 0], "o-", color=colour, label=f"{name}: error {error:.3f}")
    axes.set(xlabel="probability stated", ylabel="share right")
    axes.legend()
    return save(picture, path)


def plot_examples(images: Sequence[tuple[NDArray[np.float32], str]], columns: int, path: Path) -> str:
    rows = -(-len(images) // columns)
    picture, all_axes = pyplot.subplots(rows, columns, figsize=(columns * 0.95, rows * 1.12), squeeze=False)
    for axes in all_axes.flat:
        axes.axis("off")
    for axes, (image, title) in zip(all_axes.flat, images, strict=False):
        low, high = np.percentile(image, (1, 99))
        axes.imshow(image, cmap="gray", vmin=low, vmax=high)
        axes.set_title(title, fontsize=6, pad=2)
    return save(picture, path)


def examples(folder: Path) -> str:
    """One of each region and view, of both generators."""
    wanted = [(region, view) for region in REGIONS for view in dict.fromkeys(VIEWS[region])]
    drawn = [
        (first(region, view, shifted), f"{region}, {view}") for region, view in wanted for shifted in (False, True)
    ]
    return plot_examples([(image, title) for image, title in drawn], 10, folder / "examples.png")


def first(region: str, view: str, shifted: bool) -> NDArray[np.float32]:
    made = (phantom(seed, region, shifted=shifted) for seed in range(10_000, 10_100))
    return next(each.image for each in made if each.view == view)


def worst(part: Part, trial: Trial, path: Path) -> str:
    """The most confident of the wrong."""
    said, stated = trial.after.argmax(axis=1), trial.after.max(axis=1)
    wrong = np.flatnonzero(said != trial.truth)
    order = wrong[np.argsort(-stated[wrong])][:10]
    shown = [
        (part.images[i].astype(np.float32), f"{REGIONS[trial.truth[i]]} as {REGIONS[said[i]]} {stated[i]:.2f}")
        for i in order
    ]
    return plot_examples(shown, 5, path)


def summary(held_out: Figures, shifted: Figures, trained: Trained) -> Section:
    def row(name: str, of: str) -> tuple[str, str, str]:
        return name, str(getattr(held_out, of)), str(getattr(shifted, of))

    return Section(
        "In short",
        [
            "One image at a time; the node asks about three images around the middle of a series and takes the mean. "
            "Shifted: a second generator (other noise, contrast, field of view, proportions, more images stored "
            "inverted), never trained on. Temperature and threshold come from validation images of the first one. "
            f"A region counts from a probability of {trained.threshold:g}; below, the answer is unknown.",
            Rows([
                ("", "held-out phantoms", "shifted phantoms"),
                ("images", str(held_out.images), str(shifted.images)),
                row("accuracy", "accuracy"),
                row("accuracy where a region is said", "accuracy_when_said"),
                row("share unknown, of images of a body", "unknown"),
                row("share given another region, of images of a body", "wrong_region"),
                ("share given a region, of images without a body", f"{held_out.said_of_no_body:.3f}",
                 f"{shifted.said_of_no_body:.3f}"),
                ("calibration error before the temperature", f"{held_out.calibration_error_before:.4f}",
                 f"{shifted.calibration_error_before:.4f}"),
                ("calibration error after it", f"{held_out.calibration_error_after:.4f}",
                 f"{shifted.calibration_error_after:.4f}"),
            ]),
            f"Temperature {float(trained.network.temperature):.3f}. Brackets: 95 % confidence over images.",
        ],
    )  # fmt: skip


def section(name: str, part: Part, trial: Trial, figures: Figures, folder: Path) -> Section:
    short = name.split()[0].lower()
    sensitivities = [(region, str(figure)) for region, figure in figures.sensitivity.items()]
    table = [(region, *map(str, row)) for region, row in zip(REGIONS, figures.confusion, strict=True)]
    return Section(
        name,
        [
            Rows([("region", "sensitivity"), *sensitivities]),
            "Confusion (rows: truth; columns: the likeliest region):",
            Rows([("", *REGIONS), *table]),
            Pictures([plot_calibration(trial, folder / f"{short}-calibration.png")], "Calibration"),
            Pictures([worst(part, trial, folder / f"{short}-worst.png")], "Wrong, and most sure of it"),
        ],
    )


def report(trained: Trained, cache: Path, out: Path) -> None:
    parts = parts_of(trained.settings, cache)
    named = {"Held-out phantoms": parts.test, "Shifted phantoms": parts.shifted}
    trials = {name: try_part(trained, part) for name, part in named.items()}
    figures = {name: figures_of(trial, trained.threshold) for name, trial in trials.items()}
    out.mkdir(parents=True, exist_ok=True)
    page = [
        summary(figures["Held-out phantoms"], figures["Shifted phantoms"], trained),
        Section(
            "The phantoms", [Pictures([examples(out)], "Each region as each modality shows it, standard, shifted")]
        ),
        *(section(name, named[name], trials[name], figures[name], out) for name in named),
    ]
    (out / "report.html").write_text(render(_TITLE, FIRST_LINE, NOTICE, page))
    told = {
        "data": FIRST_LINE,
        "model": {"version": VERSION, "threshold": trained.threshold},
        "temperature": round(float(trained.network.temperature), 4),
        "regions": REGIONS,
        **{name: asdict(some) for name, some in figures.items()},
    }
    (out / "report.json").write_text(json.dumps(told, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "body-region" / "checkpoint.pt")
    parser.add_argument("--cache", type=Path, default=RUNS / "cache" / "regions")
    parser.add_argument("--out", type=Path, default=_OUT)
    given = parser.parse_args()
    report(load_trained(given.checkpoint), given.cache, given.out)


if __name__ == "__main__":
    main()

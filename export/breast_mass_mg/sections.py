"""Figures and trials in, the sections of the page about breast-mass-mg out; pictures are written beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot

from export.breast_mass_mg import figures
from export.breast_mass_mg.figures import RegionFigures, WholeFigures
from export.breast_mass_mg.sources import PhantomView
from export.breast_mass_mg.trial import MARGIN, ROWS, Candidate, RegionTrial, WholeTrial, outline
from export.evaluation import classification, statistics
from export.evaluation.page import Pictures, Rows, Section
from export.evaluation.plots import save
from export.evaluation.statistics import Agreement
from orthanc_plugin.inference.regions import squared

FIRST_LINE = "Data: synthetic phantoms; no patient data."
PAPER: Mapping[str, Mapping[str, float]] = {
    "deconvolution": {"sensitivity": 0.776, "specificity": 0.962, "accuracy": 0.918, "Dice": 0.79},
    "unet": {"sensitivity": 0.670, "specificity": 0.977, "accuracy": 0.901, "Dice": 0.75},
}
_WORST = 4
_NAMES = {"deconvolution": "deconvolution network", "unet": "U-Net"}


def summary(told: Mapping[str, Any], seconds: Mapping[str, float]) -> Section:
    head = (
        "",
        "paper (patients)",
        "held-out phantoms",
        "shifted phantoms",
        "held out, at the edge",
        "shifted, at the edge",
    )
    rows = []
    for network, said in PAPER.items():
        for key, words in (("sensitivity", "sensitivity"), ("specificity", "specificity"), ("accuracy", "accuracy"),
                           ("dice", "Dice")):  # fmt: skip
            cells = [
                _figure(told[name][part][network][key])
                for part in ("given regions", "masses at the edge of the region")
                for name in ("Held-out phantoms", "Shifted phantoms")
            ]
            rows.append((f"{_NAMES[network]}: {words}", f"{said[words if words != 'Dice' else 'Dice']:.3f}", *cells))
    taken = ", ".join(f"{name} {1000 * each:.0f} ms" for name, each in seconds.items())
    return Section(
        "Beside the paper",
        [
            "On regions that are given, with a margin of 10 %, as in the paper. The paper's figures are for patients, "
            "ours for phantoms: they stand side by side, but do not compare. Shifted: a second generator (another "
            "detector, noise, processing, larger and denser breasts), never trained or tuned on. At the edge: the same "
            "masses with the region moved by 22 % of its side, so that they reach over its edge, which the paper names "
            "as its own failure.",
            Rows([head, *rows]),
            f"Time on two threads: {taken} an image or region. Brackets: 95 % confidence, masses being drawn again.",
        ],
    )  # fmt: skip


def _figure(told: Mapping[str, float]) -> str:
    return f"{told['value']:.3f} ({told['low']:.3f} to {told['high']:.3f})"


def generator_sections(
    name: str,
    regions: Sequence[RegionTrial],
    whole: Sequence[WholeTrial],
    views: Sequence[PhantomView],
    thresholds: tuple[float, float],
    folder: Path,
) -> list[Section]:
    short = name.split()[0].lower()
    folder.mkdir(parents=True, exist_ok=True)
    of_region = {network: figures.of_regions(regions, network, at_edge=False) for network in ROWS}
    at_edge = {network: figures.of_regions(regions, network, at_edge=True) for network in ROWS}
    of_whole = {network: figures.of_whole(whole, network, *thresholds) for network in ROWS}
    return [
        Section(f"{name}: given regions", [
            _region_rows(of_region, at_edge),
            "Confusion of pixels (rows: truth; none, mass), in thousands:", _confusions(of_region),
            Pictures([_curves(regions, folder / f"{short}-pixels.png"),
                      _agreement_of_regions(regions, folder / f"{short}-region-areas.png")],
                     "ROC and calibration of pixels; Bland-Altman of areas"),
        ]),
        Section(f"{name}: from the whole image", [
            _whole_rows(of_whole),
            Pictures([_free_response(whole, folder / f"{short}-free-response.png"),
                      _agreement_of_whole(whole, thresholds[0], folder / f"{short}-whole-areas.png")],
                     "Masses found over wrong outlines an image; Bland-Altman of the areas of those found"),
        ]),
        classification.section(f"{name}: images that show a mass", figures.answers_of(whole, thresholds[1]), folder,
                               exclusive=False),
        Section(f"{name}: worst cases", [
            Pictures(_worst(regions, views, short, folder), "Lowest Dice on given regions"),
        ]),
    ]  # fmt: skip


def _region_rows(of_region: Mapping[str, RegionFigures], at_edge: Mapping[str, RegionFigures]) -> Rows:
    head = ("", "masses", "sensitivity", "specificity", "accuracy", "Dice", "IoU at 0.5", "AUC of pixels",
            "calibration error", "area: difference, cm²")  # fmt: skip
    rows = []
    for words, some in (("", of_region), (", mass at the edge of the region", at_edge)):
        for network, of in some.items():
            rows.append((
                f"{_NAMES[network]}{words}", str(of.masses), str(of.sensitivity), str(of.specificity),
                str(of.accuracy), str(of.dice), str(of.iou), str(of.auc), f"{of.calibration_error:.3f}",
                _limits(of.area_cm2),
            ))  # fmt: skip
    return Rows([head, *rows])


def _confusions(of_region: Mapping[str, RegionFigures]) -> Rows:
    rows = []
    for network, of in of_region.items():
        for truth, counts in zip(("none", "mass"), of.confusion, strict=True):
            rows.append((f"{_NAMES[network]}: {truth}", *(f"{count / 1000:.0f}" for count in counts)))
    return Rows([("", "none", "mass"), *rows])


def _whole_rows(of_whole: Mapping[str, WholeFigures]) -> Rows:
    first = next(iter(of_whole.values()))
    head = ("", "images, masses", "masses found", "wrong outlines an image",
            *(f"found at {most} wrong an image" for most in first.sensitivity_at), "Dice of those found",
            "area: difference, cm²", "heat map peaks in the mass", "cautioned as strange")  # fmt: skip
    rows = [
        (_NAMES[network], f"{of.images}, {of.masses}", str(of.found), f"{of.wrong_per_image:.2f}",
         *(f"{share:.3f}" for share in of.sensitivity_at.values()), str(of.dice_of_found), _limits(of.area_cm2),
         str(of.peaks_inside), str(of.cautioned))
        for network, of in of_whole.items()
    ]  # fmt: skip
    return Rows([head, *rows])


def _limits(limits: Agreement) -> str:
    return f"{limits.bias:+.2f} ({limits.low:+.2f} to {limits.high:+.2f})"


def foreign_section(strange: Mapping[str, Sequence[float]], greys: Mapping[str, Mapping[str, float]]) -> Section:
    rows = [
        (kind, str(len(found)), f"{np.mean(np.array(found) > 1):.2f}", f"{min(found):.2f}")
        for kind, found in strange.items()
    ]
    every = np.concatenate([np.array(found) for found in strange.values()])
    hard = [
        (name, *(f"{some[key]:.3f}" for key in ("mean of a region", "pixel"))) for name, some in greys.items()
    ]  # fmt: skip
    return Section(
        "Foreign images, and how hard the phantoms are",
        [
            "Images that come as mammograms and are none that the networks learned on; by their pixels alone: "
            f"the card's rules over headers come on top. Cautioned altogether: {np.mean(every > 1):.3f}.",
            Rows([("", "images", "cautioned", "least strangeness (1 is the bound)"), *rows]),
            "AUC of the grey value alone: of a region's mean for a mass in it beside what looks like one, and of a "
            "pixel's for the mass in its region.",
            Rows([("", "mean of a region", "pixel"), *hard]),
        ],
    )


def _curves(trials: Sequence[RegionTrial], path: Path) -> str:
    picture, (left, right) = pyplot.subplots(1, 2, figsize=(9, 4))
    right.plot([0, 1], [0, 1], color="lightgrey")
    for network in ROWS:
        histogram = np.sum([t.histogram for t in trials if t.network == network and not t.at_edge], axis=0).astype(
            float
        )
        false, true = statistics.roc(histogram)
        stated, observed, _ = statistics.calibration(histogram)
        left.plot(false, true, label=f"{_NAMES[network]}: AUC {statistics.auc(histogram):.3f}")
        right.plot(stated, observed, "o-", markersize=3, label=_NAMES[network])
    left.set(xlabel="1 - specificity", ylabel="sensitivity")
    right.set(xlabel="probability stated", ylabel="share observed")
    left.legend(loc="lower right")
    return save(picture, path)


def _agreement_of_regions(trials: Sequence[RegionTrial], path: Path) -> str:
    return _agreement(
        {
            network: [(t.true_cm2, t.found_cm2) for t in trials if t.network == network and not t.at_edge]
            for network in ROWS
        },
        path,
    )


def _agreement_of_whole(trials: Sequence[WholeTrial], threshold: float, path: Path) -> str:
    def pairs(network: str) -> list[tuple[float, float]]:
        hits: list[Candidate] = [hit for trial in trials for hit in figures.found_in(trial, network, threshold)]
        return [(hit.true_cm2, hit.found_cm2) for hit in hits]

    return _agreement({network: pairs(network) for network in ROWS}, path)


def _agreement(pairs: Mapping[str, Sequence[tuple[float, float]]], path: Path) -> str:
    """Bland-Altman plots side by side."""
    picture, all_axes = pyplot.subplots(1, len(pairs), figsize=(4.2 * len(pairs), 3.4))
    for axes, (network, some) in zip(all_axes, pairs.items(), strict=True):
        axes.set(title=_NAMES[network], xlabel="mean of truth and model, cm²", ylabel="model - truth, cm²")
        if len(some) < 2:
            continue
        truth, found = np.array(some).T
        axes.scatter((truth + found) / 2, found - truth, s=8)
        limits = statistics.agreement(truth, found)
        for value, style in ((limits.bias, "-"), (limits.low, "--"), (limits.high, "--")):
            axes.axhline(value, color="grey", linestyle=style, linewidth=1)
    picture.tight_layout()
    return save(picture, path)


def _free_response(trials: Sequence[WholeTrial], path: Path) -> str:
    picture, axes = pyplot.subplots(figsize=(4.5, 4))
    for network in ROWS:
        wrong, found = figures.free_response(trials, network)
        axes.step(wrong, found, where="post", label=_NAMES[network])
    axes.set(xlabel="wrong outlines an image", ylabel="share of masses found", ylim=(0, 1.02))
    axes.legend(loc="lower right")
    return save(picture, path)


def _worst(trials: Sequence[RegionTrial], views: Sequence[PhantomView], short: str, folder: Path) -> list[str]:
    order = sorted((t for t in trials if t.network == "deconvolution" and not t.at_edge), key=lambda trial: trial.dice)
    by_patient = {trial.patient: trial.dice for trial in reversed(order)}
    seen = sorted((view for view in views if view.masses), key=lambda view: by_patient.get(view.patient, 1.0))
    return [_shown(view, folder / f"{short}-worst-{place}.png") for place, view in enumerate(seen[:_WORST], start=1)]


def _shown(view: PhantomView, path: Path) -> str:
    pixels, truth = view.part(squared(view.masses[0], MARGIN, view.shape))
    step = max(1, pixels.shape[0] // 200)
    picture, all_axes = pyplot.subplots(1, 4, figsize=(8, 2.3))
    masks = (None, truth, *(outline(network, pixels) > 0.5 for network in ROWS))
    low, high = np.percentile(pixels, (1, 99))
    for axes, mask, title in zip(all_axes, masks, (view.name, "truth", *_NAMES.values()), strict=True):
        axes.imshow(pixels[::step, ::step], cmap="gray", vmin=low, vmax=high)
        if mask is not None and mask.any():
            axes.contour(mask[::step, ::step].astype(float), [0.5], colors="tab:red", linewidths=0.8)
        axes.set_title(title, fontsize=7)
        axes.axis("off")
    return save(picture, path)

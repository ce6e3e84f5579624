"""The report on coronary-calcium-ct: the shipped graph goes in, a page and its figures as JSON come out."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib
import numpy as np
from matplotlib import pyplot

from export.coronary_calcium_ct.data import parts_of
from export.coronary_calcium_ct.export import FOLDER
from export.coronary_calcium_ct.figures import Figures, figures_of, scores
from export.coronary_calcium_ct.foreign import KINDS, cautioned
from export.coronary_calcium_ct.settings import read_settings
from export.coronary_calcium_ct.sources import PhantomEntry
from export.coronary_calcium_ct.trial import Trial, ask, try_patient
from export.evaluation import shipped, whole_job
from export.evaluation.page import Pictures, Rows, Section, render
from export.evaluation.plots import draw_agreement, save
from export.evaluation.trials import measured, of_foreign, of_patients
from export.phantoms.heart import ARTERIES
from export.phantoms.heart.case import draw_case, phantom, write_study
from orthanc_plugin.measure.calcium import CATEGORIES
from orthanc_plugin.routing.folder import read

matplotlib.use("Agg")

FIRST_LINE = "Data: synthetic phantoms; no patient data."
SURVEY = {"Pearson of the Agatston score": 0.98, "Bland-Altman bias": 0.4}
_CONFIG = Path(__file__).parent / "configs" / "unet.json"
_TITLE = "coronary-calcium-ct: calcium of the coronary arteries on CT without contrast"
_SHIFTED, _FOREIGN_EACH, _FIRST_FOREIGN = 40, 8, 700_000
_WORST, _FEW = 3, 6
_ENCODERS = "encoders.json"
_WINDOW_HU = (-200, 500)
_COLOURS = ("magenta", "red", "lime", "deepskyblue")


def evaluate(held_out: int | None, shifted: int | None, out: Path, processes: int | None) -> None:
    model = read(FOLDER)
    seconds = _seconds()
    with ProcessPoolExecutor(processes) as pool:
        tried = of_patients(pool, try_patient, held_out_seeds()[:held_out], _SHIFTED if shifted is None else shifted)
        foreign = of_foreign(pool, cautioned, KINDS, _FOREIGN_EACH if shifted is None else 1, _FIRST_FOREIGN)
    out.mkdir(parents=True, exist_ok=True)
    figures = {name: figures_of(trials) for name, trials in tried.items()}
    encoders = measured(out / _ENCODERS)
    parts = [summary(figures, foreign, seconds), *([] if encoders is None else [encoder_section(encoders)])]
    for name, trials in tried.items():
        parts += sections(name, trials, figures[name], out)
    (out / "report.html").write_text(render(_TITLE, FIRST_LINE, model.card.notice, parts))
    told = {
        "data": FIRST_LINE,
        "model": shipped.described(model),
        "survey": SURVEY,
        "seconds_per_slice": seconds,
        "foreign series cautioned": foreign,
        "encoders": encoders,
        **{name: asdict(some) for name, some in figures.items()},
    }
    (out / "report.json").write_text(json.dumps(told, indent=1) + "\n")


def held_out_seeds() -> list[int]:
    parts = parts_of("phantoms", read_settings(_CONFIG))
    return [entry.seed for entry in parts.test if isinstance(entry, PhantomEntry)]


def _seconds() -> float:
    """What each further slice of a whole job costs, on two cores."""
    with TemporaryDirectory() as folder:
        return whole_job.seconds_a_file(FOLDER, write_study(_FIRST_FOREIGN, Path(folder)), _FEW)


def summary(figures: Mapping[str, Figures], foreign: Mapping[str, float], seconds: float) -> Section:
    def row(name: str, of: Callable[[Figures], object], survey: object = "") -> tuple[str, ...]:
        return name, str(survey), *(str(of(some)) for some in figures.values())

    kinds = next(iter(figures.values())).taken_for_coronary
    return Section(
        "In short",
        [
            "The survey's figures are for patients, ours for phantoms: they stand side by side, but do not compare. "
            "Shifted: a second generator (another scanner and kernel, other builds and hearts, more calcium of the "
            "mitral valve), never trained or tuned on. Truth: the voxels from 130 HU on that belong to a plaque. "
            "Brackets: 95 % confidence over patients.",
            Rows(
                [
                    ("", "survey", *figures),
                    row("patients", lambda some: some.patients),
                    row("of them gated", lambda some: some.gated),
                    row("of them without coronary calcium", lambda some: some.without_calcium),
                    row("Agatston score: Pearson", lambda some: some.pearson, SURVEY["Pearson of the Agatston score"]),
                    row("the same, gated scans alone", lambda some: some.pearson_gated),
                    row("volume score: Pearson", lambda some: some.volume_pearson),
                    row("Agatston: mean difference (limits of 95 %)", lambda some: some.agatston,
                        SURVEY["Bland-Altman bias"]),
                    row("the same of the square roots", lambda some: some.agatston_bland_altman_of_roots),
                    row("category right", lambda some: some.category_right),
                    row("no calcium: score 0 found", lambda some: some.zero_found),
                    *(row(f"taken for coronary, {kind}", partial(_taken, kind)) for kind in kinds),
                    row("mean HU alone tells plaques from other calcium, AUC", lambda some: f"{some.linear_auc:.3f}"),
                    row("cautioned as strange", lambda some: some.strange),
                ]
            ),
            "Series of something else: the share that is cautioned as strange, by the pixels alone.",
            Rows([("series", "cautioned"), *((kind, f"{value:.3f}") for kind, value in foreign.items())]),
            f"A whole job takes {seconds:.3f} s for each further slice of 512 rows on two cores.",
        ],
    )  # fmt: skip


def _taken(kind: str, some: Figures) -> str:
    return f"{some.taken_for_coronary[kind]:.3f}"


def encoder_section(encoders: Mapping[str, Mapping[str, Any]]) -> Section:
    head = ("network", "parameters", "MB", "ms a window, two threads", "Pearson", *(f"Dice, {a}" for a in ARTERIES))
    rows = [
        (name, f"{each['parameters']:,}", f"{each['size_mb']:.1f}", f"{1000 * each['seconds_a_window']:.0f}",
         f"{each['pearson']:.3f}", *(f"{each['dice'][artery]:.3f}" for artery in ARTERIES))
        for name, each in encoders.items()
    ]  # fmt: skip
    return Section(
        "Two networks",
        [
            "A U-Net, and the same with a DenseNet as its encoder, trained alike and for as long, on patients of the "
            "validation. They differ by little; the U-Net is the one that is served.",
            Rows([head, *rows]),
        ],
    )


def sections(name: str, trials: Sequence[Trial], some: Figures, out: Path) -> list[Section]:
    """The part of the page about one generator; its pictures are written to the folder."""
    short = name.split()[0].lower()
    names = [code.meaning.partition(" ")[0].lower() for _, code in CATEGORIES]
    table = [(said, *map(str, row)) for said, row in zip(names, some.categories, strict=True)]
    arteries = [
        (artery, *(str(of[key]) for key in ("dice", "sensitivity", "pearson"))) for artery, of in some.by_artery.items()
    ]
    pictures = [_scatter(trials, out / f"{short}-scores.png"), _agreement(trials, out / f"{short}-agreement.png")]
    worst = sorted(trials, key=lambda trial: -_off(trial))[:_WORST]
    return [
        Section(
            name,
            [
                Rows([("bright voxels of", "Dice", "sensitivity", "Pearson of the Agatston score"), *arteries]),
                "Categories (rows: truth):",
                Rows([("", *names), *table]),
                Pictures(pictures, "Agatston scores, and their agreement (Bland-Altman)"),
            ],
        ),
        Section(
            f"{name}: worst cases",
            [Pictures([_worst(trial, out / f"{short}-worst-{n}.png") for n, trial in enumerate(worst, 1)],
                      "Truth and model on the slice where they differ most: LM, LAD, LCX, RCA in magenta, red, green, "
                      "blue")],
        ),
    ]  # fmt: skip


def _off(trial: Trial) -> float:
    truth, found = (each.agatston for each in trial.total)
    return abs(float(np.sqrt(truth) - np.sqrt(found)))


def _scatter(trials: Sequence[Trial], path: Path) -> str:
    truth, found = scores(trials)
    picture, axes = pyplot.subplots(figsize=(4.5, 4))
    most = max(float(truth.max()), float(found.max()), 1.0)
    axes.plot([0, most], [0, most], color="lightgrey")
    axes.scatter(truth, found, s=10, color="tab:red")
    axes.set(xscale="symlog", yscale="symlog", xlabel="Agatston score, truth", ylabel="model")
    return save(picture, path)


def _agreement(trials: Sequence[Trial], path: Path) -> str:
    truth, found = scores(trials)
    picture, axes = pyplot.subplots(figsize=(4.5, 4))
    draw_agreement(axes, truth, found)
    return save(picture, path)


def _worst(trial: Trial, path: Path) -> str:
    made = phantom(draw_case(trial.seed, shifted=trial.shifted))
    found = np.zeros(made.labels_zyx.shape, np.uint8)
    for number, mask in enumerate(ask(made).masks, start=1):
        found[mask] = number
    index = int((found != made.labels_zyx).sum(axis=(1, 2)).argmax())
    truth, said = trial.total
    picture, both = pyplot.subplots(1, 2, figsize=(8, 4))
    titles = (f"seed {trial.seed}: truth {truth.agatston:.0f}", f"model {said.agatston:.0f}")
    for axes, labels, title in zip(both, (made.labels_zyx, found), titles, strict=True):
        axes.imshow(made.voxels_zyx[index], cmap="gray", vmin=_WINDOW_HU[0], vmax=_WINDOW_HU[1])
        for number, colour in enumerate(_COLOURS, start=1):
            rows, columns = np.nonzero(labels[index] == number)
            axes.scatter(columns, rows, s=2, color=colour, marker="s", linewidths=0)
        axes.set_title(title, fontsize=9)
        axes.axis("off")
    picture.tight_layout()
    return save(picture, path)

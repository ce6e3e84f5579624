"""The report on alzheimer-mr: the shipped graph goes in, a page and its figures as JSON come out."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np

from export.alzheimer_mr import anomalies, pictures
from export.alzheimer_mr.anomalies import DIAMETERS_MM, Masses
from export.alzheimer_mr.data import parts_of
from export.alzheimer_mr.export import FOLDER, INPUT
from export.alzheimer_mr.figures import ALONE, Figures, answers_of, figures_of
from export.alzheimer_mr.foreign import KINDS, cautioned
from export.alzheimer_mr.settings import read_settings
from export.alzheimer_mr.sources import PhantomEntry
from export.alzheimer_mr.trial import Trial, try_patient
from export.evaluation import classification, shipped
from export.evaluation.page import Pictures, Rows, Section, render
from export.evaluation.statistics import Agreement
from export.evaluation.trials import PARTS, of_foreign, of_patients
from orthanc_plugin.routing.folder import read

FIRST_LINE = "Data: synthetic phantoms; no patient data."
PAPER = {"AUC": 0.96}
"""Of patients with Alzheimer's disease against healthy ones."""
_CONFIG = Path(__file__).parent / "configs" / "standard.json"
_TITLE = "alzheimer-mr: Alzheimer's disease on T1-weighted MR of the head"
_SHIFTED, _FOREIGN_EACH, _FIRST_FOREIGN = 60, 3, 600_000
_WORST = 4
_MASSES_EACH = 6


def evaluate(held_out: int | None, shifted: int | None, out: Path, processes: int | None) -> None:
    model = read(FOLDER)
    seconds = _seconds()
    with ProcessPoolExecutor(processes) as pool:
        tried = of_patients(pool, try_patient, held_out_seeds()[:held_out], _SHIFTED if shifted is None else shifted)
        foreign = of_foreign(pool, cautioned, KINDS, _FOREIGN_EACH if shifted is None else 1, _FIRST_FOREIGN)
        without = [trial.anomaly for trial in tried[PARTS[0]]]
        masses = anomalies.try_masses(pool, _MASSES_EACH if shifted is None else 1, without)
    out.mkdir(parents=True, exist_ok=True)
    figures = {name: figures_of(trials) for name, trials in tried.items()}
    parts = [summary(figures, foreign, seconds), of_masses(masses, figures)]
    for name, trials in tried.items():
        parts += sections(name, trials, out)
    (out / "report.html").write_text(render(_TITLE, FIRST_LINE, model.card.notice, parts))
    told = {
        "data": FIRST_LINE,
        "model": shipped.described(model),
        "paper": PAPER,
        "seconds_per_head": seconds,
        "foreign series cautioned": foreign,
        "masses": asdict(masses),
        **{name: asdict(some) for name, some in figures.items()},
    }
    (out / "report.json").write_text(json.dumps(told, indent=1) + "\n")


def held_out_seeds() -> list[int]:
    parts = parts_of("phantoms", read_settings(_CONFIG))
    return [entry.seed for entry in parts.test if isinstance(entry, PhantomEntry)]


def _seconds() -> float:
    noise = np.random.default_rng(0).uniform(0, 1, (1, 1, *read_settings(_CONFIG).window)).astype(np.float32)
    return shipped.seconds_per_item(FOLDER / "model.onnx", {INPUT: noise}, runs=5)


def summary(figures: Mapping[str, Figures], foreign: Mapping[str, float], seconds: float) -> Section:
    def row(name: str, of: Callable[[Figures], object], paper: object = "") -> tuple[str, ...]:
        return name, str(paper), *(str(of(some)) for some in figures.values())

    return Section(
        "In short",
        [
            "The paper's figure is for patients, ours for phantoms: they stand side by side, but do not compare. "
            "Shifted: a second generator (another contrast, more noise, a less even coil, other voxels, heads that lie "
            "askew), never trained or tuned on. Brackets: 95 % confidence over patients.",
            Rows(
                [
                    ("", "paper", *figures),
                    row("patients", lambda some: some.patients),
                    row("of them with Alzheimer's disease", lambda some: some.ill),
                    row("AUC", lambda some: some.disease.auc, PAPER["AUC"]),
                    row("sensitivity", lambda some: some.disease.sensitivity),
                    row("specificity", lambda some: some.disease.specificity),
                    row("accuracy", lambda some: some.disease.accuracy),
                    row("error of calibration", lambda some: f"{some.disease.calibration_error:.3f}"),
                    row("heat map peaks where the disease acts, of true positives", lambda some: some.peak_inside),
                    row("Dice of the hippocampi", lambda some: some.dice),
                    row("volume, ml: mean difference (limits of 95 %)", lambda some: limits(some.volume_ml)),
                    row("volume: Pearson", lambda some: f"{some.volume_pearson:.3f}"),
                    row("cautioned as strange", lambda some: some.strange),
                ]
            ),
            "How well one number alone tells who is ill, as an AUC. No mean grey should, as healthy people of all ages "
            "differ by as much; the size of the hippocampi may, as the disease shrinks them.",
            Rows(
                [("", *figures), *((name, *(f"{some.alone[name]:.3f}" for some in figures.values())) for name in ALONE)]
            ),
            "Series of something else: the share that is cautioned as strange, by the voxels alone.",
            Rows([("series", "cautioned"), *((kind, f"{value:.3f}") for kind, value in foreign.items())]),
            f"The network takes {seconds:.2f} s for a head on two cores.",
        ],
    )


def of_masses(masses: Masses, figures: Mapping[str, Figures]) -> Section:
    shares = [(kind, *(f"{share:.2f}" for share in by_mm.values())) for kind, by_mm in masses.cautioned.items()]
    return Section(
        "What nobody told of: masses in the brain",
        [
            "Learned without a label, from the training's heads: the main axes of coarse images of the brain, from "
            "which another brain is rebuilt. The worst cell of what is left tells whether it holds something that "
            f"those did not; beyond the bound the node cautions. Shares cautioned, of {masses.each} phantoms each:",
            Rows(
                [
                    ("diameter", *(f"{mm} mm" for mm in DIAMETERS_MM)),
                    *shares,
                    ("AUC against brains without", *(f"{auc:.3f}" for auc in masses.auc.values())),
                ]
            ),
            Rows([("brains without a mass", *figures),
                  ("cautioned, too", *(str(some.anomalous) for some in figures.values()))]),
        ],
    )  # fmt: skip


def limits(of: Agreement) -> str:
    """In ml, of which a hippocampus has few."""
    return f"{of.bias:+.2f} ({of.low:+.2f} to {of.high:+.2f})".replace("-", "−")


def sections(name: str, trials: Sequence[Trial], out: Path) -> list[Section]:
    """The part of the page about one generator; its pictures are written to the folder."""
    short = name.split()[0].lower()
    worst = pictures.worst_of(trials, _WORST)
    shown = [pictures.shown_again(trial, out / f"{short}-worst-{n}.png") for n, trial in enumerate(worst, 1)]
    agreement = pictures.agreement(trials, out / f"{short}-agreement.png")
    said = {"Alzheimer's disease": f"{PAPER['AUC']:.2f} (patients)"}
    return [
        classification.section(name, answers_of(trials), out, exclusive=True, said=said),
        Section(f"{name}: hippocampi", [Pictures([agreement], "Volumes of both sides (Bland-Altman)")]),
        Section(
            f"{name}: worst cases",
            [Pictures(shown, "Heat map on the slice of its peak, and the hippocampi: truth (green), model (red)")],
        ),
    ]

"""The report on breast-cancer-mg: the shipped graph on held-out and shifted phantoms in, a page and JSON out."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from export.breast_cancer_mg import KEYS, alone
from export.breast_cancer_mg.export import FOLDER, INPUT
from export.breast_cancer_mg.figures import CANCER, Figures, answers_of, figures_of
from export.breast_cancer_mg.foreign import cautioned
from export.breast_cancer_mg.pictures import shown_again, worst_of
from export.breast_cancer_mg.settings import read_settings
from export.breast_cancer_mg.transfer import EXAMINED, RECORD, SHIFTED
from export.breast_cancer_mg.trial import ALL, WAYS, WITHOUT_PRIOR, Trial, held_out_seeds, threshold_of, try_patient
from export.evaluation import classification, shipped
from export.evaluation.carded import spread
from export.evaluation.page import Pictures, Rows, Section, render
from export.evaluation.trials import measured, of_foreign, of_patients
from export.phantoms.mammography.foreign import FOREIGN
from orthanc_plugin.routing.folder import read

FIRST_LINE = "Data: synthetic phantoms; no patient data."
PAPER = {"AUC": 0.86}
READERS = {"false positives": "−5.7 %", "false negatives": "−9.4 %"}
"""What the published network changed beside readers, of patients; there is no reader of phantoms."""
NOT_MEASURED = "not measured here"
_CONFIG = Path(__file__).parent / "configs" / "standard.json"
_TITLE = "breast-cancer-mg: malignant lesions on mammograms"
_FOREIGN_EACH, _FIRST_FOREIGN = 6, 3_000
_WORST = 4


def evaluate(held_out: int | None, shifted: int | None, out: Path, processes: int | None) -> None:
    model, threshold = read(FOLDER), threshold_of(FOLDER)
    seconds = _seconds()
    with ProcessPoolExecutor(processes) as pool:
        seeds = held_out_seeds(read_settings(_CONFIG))[:held_out]
        tried = of_patients(pool, partial(try_patient, kept=EXAMINED), seeds, SHIFTED if shifted is None else shifted)
        foreign = of_foreign(pool, cautioned, FOREIGN, _FOREIGN_EACH if shifted is None else 1, _FIRST_FOREIGN)
        hard = {name: alone.hardness(_measured(pool, trials)) for name, trials in tried.items()}
    out.mkdir(parents=True, exist_ok=True)
    figures = {name: figures_of(trials, threshold) for name, trials in tried.items()}
    scratch = measured(RECORD)
    parts = [summary(figures, foreign, seconds), compared(figures, scratch), hardness_section(hard)]
    for name, trials in tried.items():
        parts += sections(name, trials, threshold, out)
    (out / "report.html").write_text(render(_TITLE, FIRST_LINE, model.card.notice, parts))
    told = {
        "data": FIRST_LINE,
        "model": shipped.described(model),
        "paper": PAPER,
        "readers (patients, not measured here)": READERS,
        "seconds_per_study": seconds,
        "foreign studies cautioned": foreign,
        "alone": hard,
        "from nothing": scratch,
        **{name: asdict(some) for name, some in figures.items()},
    }
    (out / "report.json").write_text(json.dumps(told, indent=1) + "\n")


def _seconds() -> float:
    """A study and the one before it."""
    settings = read_settings(_CONFIG)
    shape = (1, len(KEYS), settings.rows, settings.columns)
    noise = np.random.default_rng(0).normal(2000, 500, shape).astype(np.float32)
    return shipped.seconds_per_item(FOLDER / "model.onnx", {INPUT: noise}, runs=5)


def _measured(pool: ProcessPoolExecutor, trials: Sequence[Trial]) -> list[alone.Lesion]:
    shifted = [trial.shifted for trial in trials]
    found = pool.map(alone.lesions, [trial.seed for trial in trials], shifted)
    return [each for lesions in tqdm(found, total=len(trials), desc="lesions", unit="patient") for each in lesions]


def summary(figures: Mapping[str, Figures], foreign: Mapping[str, float], seconds: float) -> Section:
    def row(name: str, of: Callable[[Figures], object], paper: object = "") -> tuple[str, ...]:
        return name, str(paper), *(str(of(some)) for some in figures.values())

    def of_readers(name: str) -> tuple[str, ...]:
        return f"beside readers: {name}", READERS[name], *(NOT_MEASURED for _ in figures)

    return Section(
        "In short",
        [
            "The published figures are for patients, ours for phantoms: they stand side by side, but do not compare. "
            "Shifted: a second generator (another detector, noise, processing, larger and denser breasts), never "
            "trained or tuned on. Brackets: 95 % confidence over patients. Each breast counts; those without a "
            "malignant lesion have a benign one or none.",
            Rows(
                [
                    ("", "published (patients)", *figures),
                    row("patients", lambda some: some.patients),
                    row("breasts: malignant, benign, without a lesion",
                        lambda some: f"{some.malignant}, {some.benign}, {some.breasts - some.malignant - some.benign}"),
                    row("AUC", lambda some: some.by_way[ALL].auc, PAPER["AUC"]),
                    row("AUC beside benign lesions alone", lambda some: some.beside_benign),
                    row("sensitivity", lambda some: some.by_way[ALL].sensitivity),
                    row("specificity", lambda some: some.by_way[ALL].specificity),
                    row("accuracy", lambda some: some.by_way[ALL].accuracy),
                    row("error of calibration", lambda some: f"{some.by_way[ALL].calibration_error:.3f}"),
                    row("without the study before: sensitivity", lambda some: some.by_way[WITHOUT_PRIOR].sensitivity),
                    row("without the study before: specificity", lambda some: some.by_way[WITHOUT_PRIOR].specificity),
                    row("without the study before: error of calibration",
                        lambda some: f"{some.by_way[WITHOUT_PRIOR].calibration_error:.3f}"),
                    of_readers("false positives"),
                    of_readers("false negatives"),
                    row("heat map peaks within 2 mm of the malignant lesion, of true positives",
                        lambda some: some.peak_near),
                    row("cautioned as strange", lambda some: some.strange),
                ]
            ),
            "Studies of something else: the share that is cautioned as strange, by the pixels alone.",
            Rows([("study", "cautioned"), *((kind, f"{value:.3f}") for kind, value in foreign.items())]),
            f"The network takes {seconds:.2f} s for a study and the one before it on two cores.",
        ],
    )  # fmt: skip


def compared(figures: Mapping[str, Figures], scratch: Mapping[str, Any] | None) -> Section:
    """AUC by what the model is given, and of the network that begins from nothing."""
    rows = [("AUC", *figures)]
    rows += [(way, *(str(some.by_way[way].auc) for some in figures.values())) for way in WAYS]
    if scratch is not None:
        rows += [(f"{way}; begun from nothing", *(spread(scratch[name][way]) for name in figures)) for way in WAYS]
    said = [] if scratch is not None else ["The network that begins from nothing was not trained yet."]
    return Section(
        "What the views, the study before and the transfer add",
        [
            "The same graph, given less; and a network of the same shape and training that does not begin from the "
            "finder of breast-mass-mg.",
            Rows(rows),
            *said,
        ],
    )


def hardness_section(hard: Mapping[str, Mapping[str, float]]) -> Section:
    rows = [(name, *(f"{of_part[name]:.3f}" for of_part in hard.values())) for name in alone.NUMBERS]
    return Section(
        "How hard the phantoms are",
        [
            "How well one number alone tells malignant lesions from benign ones, as an AUC. Grey, density and size say "
            "little; growth, were it known exactly, is what the study before could add at best.",
            Rows([("", *hard), *rows]),
        ],
    )


def sections(name: str, trials: Sequence[Trial], threshold: float, out: Path) -> list[Section]:
    """The part of the page about one generator; its pictures are written to the folder."""
    short = name.split()[0].lower()
    shown = [
        shown_again(trial, out / f"{short}-worst-{number}.png")
        for number, trial in enumerate(worst_of(trials, _WORST), start=1)
    ]
    said = {CANCER: f"{PAPER['AUC']:.2f} (patients)"}
    return [
        classification.section(f"{name}: breasts", answers_of(trials, threshold), out, exclusive=False, said=said),
        confusion(name, trials, threshold),
        Section(f"{name}: worst cases", [Pictures(shown, "Heat maps on the four views; outlined: what is malignant")]),
    ]


def confusion(name: str, trials: Sequence[Trial], threshold: float) -> Section:
    """By what a breast has."""
    rows = [("breasts with", "called suspicious", "not")]
    for kind in ("malignant", "benign", "none"):
        answers = answers_of(trials, threshold, kinds=(kind,))
        called = int(answers.present.sum())
        rows.append((kind, str(called), str(len(answers.truth) - called)))
    return Section(f"{name}: confusion", [Rows(rows)])

"""The report on mci-conversion-pet: the shipped graph goes in, a page and its figures as JSON come out."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np

from export.evaluation import classification, shipped
from export.evaluation.page import Pictures, Rows, Section, render
from export.evaluation.trials import of_foreign, of_patients
from export.mci_conversion_pet import ANSWERS, pictures
from export.mci_conversion_pet.data import parts_of
from export.mci_conversion_pet.export import FOLDER, INPUT
from export.mci_conversion_pet.figures import AnswerFigures, Figures, answers_of, figures_of
from export.mci_conversion_pet.foreign import KINDS, cautioned
from export.mci_conversion_pet.settings import read_settings
from export.mci_conversion_pet.sources import PhantomEntry
from export.mci_conversion_pet.trial import Trial, try_patient
from export.phantoms.metabolism import GROUPS
from orthanc_plugin.routing.folder import read

FIRST_LINE = "Data: synthetic phantoms; no patient data."
PAPER = {"accuracy": 0.842}
"""Of patients with mild impairment whose conversion a 3D network foretold from FDG PET, as a survey has it."""
_CONFIG = Path(__file__).parent / "configs" / "standard.json"
_TITLE = "mci-conversion-pet: Alzheimer's disease, and conversion to it, on FDG PET of the head"
_SHIFTED, _FOREIGN_EACH, _FIRST_FOREIGN = 120, 3, 700_000
_WORST = 4


def evaluate(held_out: int | None, shifted: int | None, out: Path, processes: int | None) -> None:
    model = read(FOLDER)
    seconds = _seconds()
    with ProcessPoolExecutor(processes) as pool:
        tried = of_patients(pool, try_patient, held_out_seeds()[:held_out], _SHIFTED if shifted is None else shifted)
        foreign = of_foreign(pool, cautioned, KINDS, _FOREIGN_EACH if shifted is None else 1, _FIRST_FOREIGN)
    out.mkdir(parents=True, exist_ok=True)
    figures = {name: figures_of(trials) for name, trials in tried.items()}
    parts = [summary(figures, foreign, seconds)]
    for name, trials in tried.items():
        parts += sections(name, trials, out)
    (out / "report.html").write_text(render(_TITLE, FIRST_LINE, model.card.notice, parts))
    told = {
        "data": FIRST_LINE,
        "model": shipped.described(model),
        "paper": PAPER,
        "seconds_per_head": seconds,
        "foreign series cautioned": foreign,
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
    return Section(
        "In short",
        [
            "The paper's figure is for patients, ours for phantoms: they stand side by side, but do not compare. "
            "Shifted: a second generator (sharper and coarser scanners, more noise, other voxels and reconstructions, "
            "people younger and older than those trained on, heads that lie askew), never trained or tuned on. "
            "Brackets: 95 % confidence over patients. The disease is told from healthy people, a conversion among "
            "people with mild impairment; nobody else counts in an answer's figures.",
            *(Rows(_rows(figures, name)) for name in ANSWERS),
            "How well one number alone tells a conversion, as an AUC: not how much is taken up decides, as all people "
            "differ by as much, but where.",
            Rows(_alone(figures)),
            "Mean probability by group. Both answers are given to everybody; of healthy people and people with the "
            "disease a conversion says nothing.",
            Rows(_said(figures)),
            "Series of something else: the share that is cautioned as strange, by the voxels alone.",
            Rows([("series", "cautioned"), *((kind, f"{value:.3f}") for kind, value in foreign.items())]),
            f"The network takes {seconds:.2f} s for a head on two cores.",
        ],
    )


def _rows(figures: Mapping[str, Figures], name: str) -> list[tuple[str, ...]]:
    def row(what: str, of: Callable[[AnswerFigures], object], paper: object = "") -> tuple[str, ...]:
        return what, str(paper), *(str(of(some.answers[name])) for some in figures.values())

    paper = PAPER["accuracy"] if name == ANSWERS[1] else ""
    return [
        (name, "paper", *figures),
        row("patients", lambda some: some.patients),
        row("of them with it", lambda some: some.true),
        row("accuracy", lambda some: some.verdict.accuracy, paper),
        row("AUC", lambda some: some.verdict.auc),
        row("sensitivity", lambda some: some.verdict.sensitivity),
        row("specificity", lambda some: some.verdict.specificity),
        row("error of calibration", lambda some: f"{some.verdict.calibration_error:.3f}"),
        row("heat map peaks where the disease acts, of true positives", lambda some: some.peak_inside),
        row("share of the brain where it acts in them", lambda some: some.by_chance),
        ("cautioned as strange, of all", "", *(str(some.strange) for some in figures.values())),
    ]


def _alone(figures: Mapping[str, Figures]) -> list[tuple[str, ...]]:
    of = {part: some.answers[ANSWERS[1]].alone for part, some in figures.items()}
    names = next(iter(of.values()))
    return [("", *figures), *((name, *(f"{some[name]:.3f}" for some in of.values())) for name in names)]


def _said(figures: Mapping[str, Figures]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("", *GROUPS)]
    for part, some in figures.items():
        for name, said in some.said.items():
            shown = (f"{said[group]:.2f}" if group in said else "" for group in GROUPS)
            rows.append((f"{name}, {part.lower()}", *shown))
    return rows


def sections(name: str, trials: Sequence[Trial], out: Path) -> list[Section]:
    """The part of the page about one generator; its pictures are written to the folder."""
    short = name.split()[0].lower()
    made = []
    for number, answer in enumerate(ANSWERS):
        worst = pictures.worst_of(trials, number, _WORST)
        files = [out / f"{short}-{('disease', 'conversion')[number]}-worst-{n}.png" for n in range(1, len(worst) + 1)]
        shown = [pictures.shown_again(trial, number, path) for trial, path in zip(worst, files, strict=True)]
        made += [
            classification.section(f"{name}: {answer}", answers_of(trials, number), out, exclusive=True),
            Section(f"{name}: {answer}, worst cases", [Pictures(shown, "Heat map; green: where the disease acts")]),
        ]
    return made

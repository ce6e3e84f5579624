"""The report on brain-tumour-mr: the shipped graph goes in, a page and its figures as JSON come out."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from export.brain_tumour_mr import REGIONS, SERIES, pictures
from export.brain_tumour_mr.data import parts_of
from export.brain_tumour_mr.export import FOLDER, INPUT
from export.brain_tumour_mr.figures import WHOLE, Figures, figures_of
from export.brain_tumour_mr.foreign import KINDS, cautioned
from export.brain_tumour_mr.settings import read_settings
from export.brain_tumour_mr.sources import PhantomEntry
from export.brain_tumour_mr.trial import WITHOUT, Trial, try_patient
from export.evaluation import shipped
from export.evaluation.page import Pictures, Rows, Section, render
from export.evaluation.statistics import Figure
from export.evaluation.trials import measured, of_foreign, of_patients
from orthanc_plugin.routing.folder import read

FIRST_LINE = "Data: synthetic phantoms; no patient data."
PAPER: Mapping[str, Mapping[str, float]] = {
    "the paper's network, patients": {"whole": 0.87, "core": 0.77, "active": 0.73},
    "another network, patients": {"whole": 0.84, "core": 0.74, "active": 0.69},
    "readers, patients": {"whole": 0.85, "core": 0.75, "active": 0.74},
}
"""Dice, mean over patients."""
_CONFIG = Path(__file__).parent / "configs" / "standard.json"
_TITLE = "brain-tumour-mr: a tumour of the brain on MR, in three regions"
_HELD_OUT, _SHIFTED, _FOREIGN_EACH, _FIRST_FOREIGN = 36, 20, 4, 800_000
_WORST = 3
_SUPERVISION = "supervision.json"


def evaluate(held_out: int | None, shifted: int | None, out: Path, processes: int | None) -> None:
    model = read(FOLDER)
    seconds = _seconds()
    with ProcessPoolExecutor(processes) as pool:
        seeds = held_out_seeds()[: _HELD_OUT if held_out is None else held_out]
        tried = of_patients(pool, try_patient, seeds, _SHIFTED if shifted is None else shifted)
        foreign = of_foreign(pool, cautioned, KINDS, _FOREIGN_EACH if shifted is None else 1, _FIRST_FOREIGN)
    out.mkdir(parents=True, exist_ok=True)
    figures = {name: figures_of(trials) for name, trials in tried.items()}
    supervision = measured(out / _SUPERVISION)
    parts = [summary(figures, foreign, seconds), *([] if supervision is None else [supervision_section(supervision)])]
    for name, trials in tried.items():
        parts += sections(name, trials, figures[name], out)
    (out / "report.html").write_text(render(_TITLE, FIRST_LINE, model.card.notice, parts))
    told = {
        "data": FIRST_LINE,
        "model": shipped.described(model),
        "paper": PAPER,
        "seconds_per_patch": seconds,
        "foreign studies cautioned": foreign,
        "supervision": supervision,
        **{name: asdict(some) for name, some in figures.items()},
    }
    (out / "report.json").write_text(json.dumps(told, indent=1) + "\n")


def held_out_seeds() -> list[int]:
    parts = parts_of("phantoms", read_settings(_CONFIG))
    return [entry.seed for entry in parts.test if isinstance(entry, PhantomEntry)]


def _seconds() -> float:
    """What a patch takes, of which a head needs a dozen or two."""
    side = read_settings(_CONFIG).side
    noise = np.random.default_rng(0).uniform(0, 1, (1, len(SERIES), side, side, side)).astype(np.float32)
    return shipped.seconds_per_item(FOLDER / "model.onnx", {INPUT: noise})


def summary(figures: Mapping[str, Figures], foreign: Mapping[str, float], seconds: float) -> Section:
    def row(name: str, of: Callable[[Figures], object], paper: Sequence[str] = ("",) * len(PAPER)) -> tuple[str, ...]:
        return name, *paper, *(str(of(some)) for some in figures.values())

    def dice(run: str, region: str, some: Figures) -> Figure:
        return some.overlap[run][region].dice

    def published(region: str) -> tuple[str, ...]:
        return tuple(f"{each[region]:.2f}" for each in PAPER.values())

    return Section(
        "In short",
        [
            "The paper's figures are for patients, ours for phantoms: they stand side by side, but do not compare. "
            "Shifted: a second generator (another scanner, older heads, larger tumours), never trained or tuned on. "
            "Whole is all of the tumour with its oedema, core is without it, active is what takes up contrast. Dice is "
            "the mean over the patients who have the region. Brackets: 95 % confidence over patients.",
            Rows(
                [
                    ("", *PAPER, *figures),
                    row("patients", lambda some: some.patients),
                    row("of them with a tumour", lambda some: some.with_tumour),
                    row("of them moved between the series", lambda some: some.moved),
                    *(row(f"Dice, {region}", partial(dice, WHOLE, region), published(region)) for region in REGIONS),
                    *(row(f"Dice, {region}, {run}", partial(dice, run, region))
                      for run in list(WITHOUT)[1:] for region in REGIONS),
                    *(row(f"Dice of a plain threshold, {region}", partial(_threshold, region)) for region in REGIONS),
                    row("no tumour: nothing found", lambda some: some.sound_clean),
                    row("refused, as the series could not be laid on one another", lambda some: some.refused),
                    *(row(f"cautioned as strange, {run}", partial(_strange, run)) for run in WITHOUT),
                    row("a series missing: said so", lambda some: some.said_missing),
                    row("moved between the series: said so", lambda some: some.said_moved),
                ]
            ),
            "The plain threshold calls tumour all that is brighter than some share of the range of one series; which "
            "series and which share was chosen in hindsight, so no threshold does better: the phantoms are not so "
            "simple that brightness tells.",
            "Studies of something else: the share that is cautioned as strange, by the voxels alone.",
            Rows([("study", "cautioned"), *((kind, f"{value:.3f}") for kind, value in foreign.items())]),
            f"A patch of the network takes {seconds:.3f} s on two cores; a head needs a dozen or two of them.",
        ],
    )  # fmt: skip


def _threshold(region: str, some: Figures) -> str:
    best = some.threshold_alone[region]
    return f"{best.dice:.3f} ({best.series} above {best.least:.2f})"


def _strange(run: str, some: Figures) -> Figure:
    return some.strange[run]


def supervision_section(told: Mapping[str, Any]) -> Section:
    head = ("patients outlined", "others", "weight of consistency", *(f"Dice, {region}" for region in REGIONS))
    rows = [
        (f"{each['outlined']} ({100 * each['labelled']:.0f} %)", str(each["others"]), f"{each['consistency']:g}",
         *(str(Figure(**each["dice"][region])) for region in REGIONS))
        for each in told["trainings"]
    ]  # fmt: skip
    settings = told["settings"]
    return Section(
        "How many outlines it takes",
        [
            f"Networks of a smaller configuration than the one that is served ({settings['iterations']} iterations, "
            f"cubes of {settings['step_mm']:g} mm), trained alike but for how many patients' outlines they were given "
            "and whether the others taught by consistency: what is said of them is to stay the same when their images "
            f"change. Dice on {told['trainings'][0]['patients']} patients of the validation, phantoms all of them.",
            Rows([head, *rows]),
        ],
    )


def sections(name: str, trials: Sequence[Trial], some: Figures, out: Path) -> list[Section]:
    """The part of the page about one generator; its pictures are written to the folder."""
    short = name.split()[0].lower()
    judged = [trial for trial in trials if trial.found]
    table = [
        (region, *(str(each) for each in (overlap.dice, overlap.dice_of_all, overlap.sensitivity)),
         str(some.volume_cm3[region]), str(some.longest_mm[region]), f"{some.calibration_error[region]:.3f}")
        for region, overlap in some.overlap[WHOLE].items()
    ]  # fmt: skip
    head = ("region", "Dice, mean", "Dice of all volume", "sensitivity", "volume: difference, cm³",
            "longest diameter: difference, mm", "calibration error")  # fmt: skip
    agreements = [pictures.agreement(judged, out / f"{short}-agreement.png")]
    calibrations = [pictures.calibration(judged, out / f"{short}-calibration.png")]
    worst = [pictures.shown_again(trial, out / f"{short}-worst-{number}.png")
             for number, trial in enumerate(pictures.worst_of(judged, _WORST), start=1)]  # fmt: skip
    return [
        Section(
            name,
            [
                "All series given. Differences are means with the limits that hold 95 % of them; of the longest "
                "diameter in the plane of the slices, as the node measures it.",
                Rows([head, *table]),
                Pictures(agreements, "Agreement (Bland-Altman): volumes above, longest diameters below"),
                Pictures(calibrations, "Calibration, of voxels that are given a hundredth at least"),
            ],
        ),
        Section(f"{name}: worst cases", [Pictures(worst, "Truth and model: whole green, core yellow, active red")]),
    ]

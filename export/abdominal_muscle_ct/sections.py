"""What the report on abdominal-muscle-ct says: trials go in, figures and the sections of a page come out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.abdominal_muscle_ct import TISSUES
from export.abdominal_muscle_ct.levels import LevelFigures, figures_of_series, level_parts
from export.abdominal_muscle_ct.trial import Trial, try_slice
from export.evaluation import plots, statistics
from export.evaluation.page import Pictures, Rows, Section
from export.evaluation.statistics import Agreement, Figure, Table, bootstrap, bootstrap_values
from export.phantoms import abdomen

FIRST_LINE = "Data: synthetic phantoms; no patient data."
THESIS = {"accuracy": 0.98, "IoU": 0.78, "Dice": 0.87, "test scans": 260, "seconds per slice": 1.0}
_WORST = 3
CLINICAL_BAR = 0.95


@dataclass(frozen=True)
class TissueFigures:
    dice: Figure
    iou: Figure
    sensitivity: Figure
    specificity: Figure
    auc: Figure
    calibration_error: float
    dice_by_threshold_alone: float
    area_at_true_level_cm2: Agreement
    area_at_found_level_cm2: Agreement


@dataclass(frozen=True)
class Bar:
    """The share of patients at or above the bar, by the accuracy of their voxels and by that of their muscle's area.

    The area's accuracy at mid L3 is 1 less the difference as a share of the truth.
    """

    voxels: Figure
    muscle_area: Figure


@dataclass(frozen=True)
class Figures:
    patients: int
    accuracy: Figure
    clinical_bar: Bar
    tissues: dict[str, TissueFigures]
    level: LevelFigures
    confusion: list[list[int]]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def figures_of(trials: Sequence[Trial]) -> Figures:
    confusion = _stack([trial.confusion for trial in trials])
    return Figures(
        patients=len(trials),
        accuracy=bootstrap(confusion, statistics.accuracy),
        clinical_bar=_bar(trials, confusion),
        tissues={name: _tissue(trials, confusion, number) for number, name in enumerate(TISSUES, start=1)},
        level=figures_of_series([trial.series for trial in trials if trial.series is not None]),
        confusion=confusion.sum(axis=0).astype(int).tolist(),
    )


def _stack(tables: Sequence[NDArray[np.int64]]) -> Table:
    return np.stack(tables).astype(np.float64)


def _bar(trials: Sequence[Trial], confusion: Table) -> Bar:
    voxels = np.array([statistics.accuracy(each) for each in confusion])
    truth, found, _ = (areas[:, 0] for areas in _areas(trials))
    areas = 1 - np.abs(found - truth) / truth
    return Bar(*(bootstrap_values((each >= CLINICAL_BAR).astype(float), _mean) for each in (voxels, areas)))


def _mean(values: Table) -> float:
    return float(values.mean())


def _tissue(trials: Sequence[Trial], confusion: Table, number: int) -> TissueFigures:
    histograms = _stack([trial.histograms[number - 1] for trial in trials])
    hit, wrong, missed = np.sum([trial.threshold[number - 1] for trial in trials], axis=0)
    truth, at_true, at_found = (areas[:, number - 1] for areas in _areas(trials))
    return TissueFigures(
        dice=bootstrap(confusion, partial(statistics.dice, label=number)),
        iou=bootstrap(confusion, partial(statistics.iou, label=number)),
        sensitivity=bootstrap(confusion, partial(statistics.sensitivity, label=number)),
        specificity=bootstrap(confusion, partial(statistics.specificity, label=number)),
        auc=bootstrap(histograms, statistics.auc),
        calibration_error=statistics.calibration(histograms.sum(axis=0))[2],
        dice_by_threshold_alone=float(2 * hit / (2 * hit + wrong + missed)),
        area_at_true_level_cm2=statistics.agreement(truth, at_true),
        area_at_found_level_cm2=statistics.agreement(truth[~np.isnan(at_found)], at_found[~np.isnan(at_found)]),
    )


def _areas(trials: Sequence[Trial]) -> tuple[Table, Table, Table]:
    return (
        np.stack([trial.true_areas for trial in trials]),
        np.stack([trial.areas_at_true_level for trial in trials]),
        np.stack([trial.areas_at_found_level for trial in trials]),
    )


def summary(held_out: Figures, shifted: Figures, seconds: dict[str, float]) -> Section:
    """`seconds` a slice: of the graphs `tissue` and `level`, and of a whole job, `end to end`."""
    bars = [held_out.clinical_bar, shifted.clinical_bar]
    muscle, muscle_shifted = held_out.tissues["muscle"], shifted.tissues["muscle"]
    return Section(
        "Beside the thesis",
        [
            "The thesis' figures are for muscle on scans of patients, ours for muscle on phantoms: they stand side by "
            "side, but do not compare. Shifted: a second generator (another scanner, other builds), never trained on. "
            "That ours are higher says that phantoms are easier than patients.",
            Rows([
                ("", "thesis", "held-out phantoms", "shifted phantoms"),
                ("patients", str(THESIS["test scans"]), str(held_out.patients), str(shifted.patients)),
                ("accuracy", str(THESIS["accuracy"]), str(held_out.accuracy), str(shifted.accuracy)),
                ("IoU at 0.5", str(THESIS["IoU"]), str(muscle.iou), str(muscle_shifted.iou)),
                ("Dice", str(THESIS["Dice"]), str(muscle.dice), str(muscle_shifted.dice)),
                ("Dice of the HU range alone", "", f"{muscle.dice_by_threshold_alone:.3f}",
                 f"{muscle_shifted.dice_by_threshold_alone:.3f}"),
                ("patients with an accuracy of at least 95 %", "", *(str(bar.voxels) for bar in bars)),
                ("patients whose muscle area at L3 is right within 5 %", "", *(str(bar.muscle_area) for bar in bars)),
                ("seconds a slice", "about 1 (laptop GPU)", f"{seconds['tissue']:.3f} (two CPU threads)", ""),
            ]),
            "The thesis calls an accuracy of 95 % or more clinically usable. Read as it is, over all voxels of a "
            "patient's slices, background among them, this is a low bar; so the stricter reading stands beside it, "
            "which asks the same of the muscle's area at mid L3, the number that is used.",
            f"Finding the level takes {seconds['level']:.4f} s a slice more. A whole job takes "
            f"{seconds['end to end']:.3f} s for each further slice on two cores, from files to written results. "
            "Brackets: 95 % confidence over patients.",
        ],
    )  # fmt: skip


def sections(name: str, trials: Sequence[Trial], figures: Figures, folder: Path) -> list[Section]:
    """The part of the page about one generator; its pictures are written to the folder."""
    short = name.split()[0].lower()
    histograms = {
        tissue: _stack([trial.histograms[number] for trial in trials]).sum(axis=0)
        for number, tissue in enumerate(TISSUES)
    }
    truth, _, at_found = _areas(trials)
    true_areas = {tissue: truth[:, number] for number, tissue in enumerate(TISSUES)}
    found_areas = {tissue: at_found[:, number] for number, tissue in enumerate(TISSUES)}
    located = ~np.isnan(at_found[:, 0])
    voxels = [
        plots.plot_roc(histograms, folder / f"{short}-roc.png"),
        plots.plot_calibration(histograms, folder / f"{short}-calibration.png"),
    ]
    agreement = plots.plot_agreement(
        {tissue: areas[located] for tissue, areas in true_areas.items()},
        {tissue: areas[located] for tissue, areas in found_areas.items()},
        folder / f"{short}-agreement.png",
    )
    return [
        Section(f"{name}: tissues", [_tissue_rows(figures), "Confusion of voxels (rows: truth), in thousands:",
                                     _confusion_rows(figures), Pictures(voxels, "ROC of voxels, calibration")]),
        Section(f"{name}: level and areas at L3", [
            *level_parts(trials, figures.level, folder / f"{short}-level.png"), _area_rows(figures),
            Pictures([agreement], "Bland-Altman: area at the level that was found against the area at mid L3"),
        ]),
        Section(f"{name}: worst cases", [
            Pictures([_worst(trial, folder / f"{short}-worst-{place}.png") for place, trial in
                      enumerate(sorted(trials, key=lambda trial: trial.muscle_dice)[:_WORST], start=1)],
                     "Lowest Dice of muscle at mid L3"),
        ]),
    ]  # fmt: skip


def _worst(trial: Trial, path: Path) -> str:
    one = try_slice(abdomen.draw_anatomy(trial.seed, shifted=trial.shifted), 0.0)
    title = f"seed {trial.seed}: Dice {trial.muscle_dice:.3f}"
    return plots.plot_slice(one.hu, one.truth, one.found, title, path)


def _tissue_rows(figures: Figures) -> Rows:
    head = ("", "Dice", "IoU at 0.5", "sensitivity", "specificity", "AUC", "Dice of the HU range alone")
    rows = [
        (name, str(t.dice), str(t.iou), str(t.sensitivity), str(t.specificity), str(t.auc),
         f"{t.dice_by_threshold_alone:.3f}")
        for name, t in figures.tissues.items()
    ]  # fmt: skip
    return Rows([head, *rows])


def _confusion_rows(figures: Figures) -> Rows:
    names = ("none", *TISSUES)
    rows = [
        (name, *(f"{count / 1000:.0f}" for count in row)) for name, row in zip(names, figures.confusion, strict=True)
    ]
    return Rows([("", *names), *rows])


def _area_rows(figures: Figures) -> Rows:
    def cell(limits: Agreement) -> str:
        return f"{limits.bias:+.1f} ({limits.low:+.1f} to {limits.high:+.1f})"

    rows = [
        (name, cell(tissue.area_at_true_level_cm2), cell(tissue.area_at_found_level_cm2))
        for name, tissue in figures.tissues.items()
    ]
    return Rows([("difference of areas, cm²", "at mid L3", "at the level found"), *rows])

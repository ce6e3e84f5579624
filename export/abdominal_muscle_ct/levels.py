"""What the report says of the level: trials in whole series go in, figures and the parts of a section come out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.abdominal_muscle_ct.series import PARTS, SPACING_MM, WITHOUT_L3, SeriesTrial
from export.abdominal_muscle_ct.trial import Trial
from export.evaluation import plots
from export.evaluation.page import Part, Pictures, Rows
from export.evaluation.statistics import Figure, Table, bootstrap_values

_NEAR_MM = 10.0


@dataclass(frozen=True)
class LevelFigures:
    """In whole series. `missed`: no L3 was found though it is there; `cautioned`: found, but not surely.

    `strange`: the share that the check on how strange the slices are cautions about. `within_10_mm`: of parts of
    series that hold L3, where a slice that is not found counts as far off. `refused`: of parts that do not hold L3,
    where the node rightly finds none.
    """

    series: int
    slices: tuple[int, int]
    median_error_mm: Figure
    p95_error_mm: Figure
    share_within_10_mm: Figure
    missed: int
    cautioned: int
    strange: Figure
    within_10_mm: dict[str, Figure]
    refused: dict[str, Figure]


def figures_of_series(trials: Sequence[SeriesTrial]) -> LevelFigures:
    errors = np.array([trial.found_mm for trial in trials])
    found = np.abs(errors[~np.isnan(errors)])
    parts = {name: np.array([trial.parts[name] for trial in trials]) for name in (*PARTS, *WITHOUT_L3)}
    slices = [trial.slices for trial in trials]
    return LevelFigures(
        series=len(trials),
        slices=(min(slices), max(slices)),
        median_error_mm=bootstrap_values(found, lambda values: float(np.median(values))),
        p95_error_mm=bootstrap_values(found, lambda values: float(np.percentile(values, 95))),
        share_within_10_mm=_share(_near(errors)),
        missed=int(np.isnan(errors).sum()),
        cautioned=int(sum(trial.cautioned for trial in trials)),
        strange=_share(np.array([trial.strangeness > 1 for trial in trials])),
        within_10_mm={name: _share(_near(parts[name])) for name in PARTS},
        refused={name: _share(np.isnan(parts[name])) for name in WITHOUT_L3},
    )


def _near(errors_mm: Table) -> Table:
    return np.where(np.isnan(errors_mm), False, np.abs(errors_mm) <= _NEAR_MM)


def _share(whether: Table) -> Figure:
    return bootstrap_values(whether.astype(np.float64), lambda values: float(values.mean()))


def level_parts(trials: Sequence[Trial], level: LevelFigures, picture: Path) -> list[Part]:
    errors = np.array([trial.series.found_mm for trial in trials if trial.series is not None])
    return [
        f"Whole abdomens from the diaphragm to the pelvis, {level.series} series of {level.slices[0]} to "
        f"{level.slices[1]} slices {SPACING_MM:g} mm apart: half a slice's distance is in the error.",
        Rows([
            ("median error, mm", "95th percentile, mm", "within 10 mm", "not found", "cautioned as uncertain",
             "share cautioned as strange"),
            (str(level.median_error_mm), str(level.p95_error_mm), str(level.share_within_10_mm), str(level.missed),
             str(level.cautioned), str(level.strange)),
        ]),
        Pictures([plots.plot_level(errors[~np.isnan(errors)], picture)], "Error of the level"),
        "Parts of the same series. Where L3 is in them, the share that is found within 10 mm:",
        Rows([tuple(level.within_10_mm), tuple(map(str, level.within_10_mm.values()))]),
        "Where it is not, the share in which the node says so and measures nothing at L3:",
        Rows([tuple(level.refused), tuple(map(str, level.refused.values()))]),
    ]  # fmt: skip

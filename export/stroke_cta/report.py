"""The report on stroke-cta: the shipped graph goes in, a page and its figures as JSON come out."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib
from matplotlib import pyplot

from export.evaluation import shipped, whole_job
from export.evaluation.page import Pictures, Rows, Section, render
from export.evaluation.plots import draw_agreement, plot_calibration, save
from export.evaluation.trials import of_foreign, of_patients
from export.phantoms.stroke.case import draw_case, phantom, write_study
from export.stroke_cta.data import parts_of
from export.stroke_cta.export import FOLDER
from export.stroke_cta.figures import Figures, figures_of, histograms, volumes
from export.stroke_cta.foreign import KINDS, cautioned
from export.stroke_cta.settings import read_settings
from export.stroke_cta.sources import PhantomEntry
from export.stroke_cta.trial import ROWS, Trial, ask, try_patient
from orthanc_plugin.routing.folder import read

matplotlib.use("Agg")

FIRST_LINE = "Data: synthetic phantoms; no patient data."
SURVEY = {"sensitivity": 0.93, "specificity": 0.82}
_CONFIG = Path(__file__).parent / "configs" / "standard.json"
_TITLE = "stroke-cta: an acute infarct on CT angiography of the head"
_SHIFTED, _FOREIGN_EACH, _FIRST_FOREIGN = 60, 4, 700_000
_WORST, _FEW = 4, 40
_WINDOW_HU = (0, 80)


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
        parts += sections(name, trials, figures[name], out)
    (out / "report.html").write_text(render(_TITLE, FIRST_LINE, model.card.notice, parts))
    told = {
        "data": FIRST_LINE,
        "model": shipped.described(model),
        "survey": SURVEY,
        "seconds_per_slice": seconds,
        "foreign series cautioned": foreign,
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

    return Section(
        "In short",
        [
            "The survey's figures are for patients, ours for phantoms: they stand side by side, but do not compare. "
            "Shifted: a second generator (another kernel and dose, thicker slices, later and thinner contrast, older "
            "heads), never trained or tuned on. Brackets: 95 % confidence over patients.",
            Rows(
                [
                    ("", "survey", *figures),
                    row("patients", lambda some: some.patients),
                    row("of them with an acute infarct", lambda some: some.ill),
                    row("sensitivity, patients", lambda some: some.sensitivity, SURVEY["sensitivity"]),
                    row("specificity, patients", lambda some: some.specificity, SURVEY["specificity"]),
                    row("infarcts under 15 ml found", lambda some: some.small_found),
                    row("volume found tells who is ill, AUC", lambda some: f"{some.auc_of_volume:.3f}"),
                    row("Dice of an infarct", lambda some: some.dice),
                    row("volume, ml: mean difference (limits of 95 %)", lambda some: some.volume_ml),
                    row("volume: Pearson", lambda some: f"{some.volume_pearson:.3f}"),
                    row("side right, where something is found", lambda some: some.side_right),
                    row("error of calibration", lambda some: some.calibration_error),
                    row("mean HU of the brain alone tells who is ill, AUC", lambda some: f"{some.linear_auc:.3f}"),
                    row("cautioned as strange", lambda some: some.strange),
                ]
            ),
            "Series of something else: the share that is cautioned as strange, by the pixels alone.",
            Rows([("series", "cautioned"), *((kind, f"{value:.3f}") for kind, value in foreign.items())]),
            f"A whole job takes {seconds:.3f} s for each further slice of 256 rows on two cores.",
        ],
    )


def sections(name: str, trials: Sequence[Trial], some: Figures, out: Path) -> list[Section]:
    """The part of the page about one generator; its pictures are written to the folder."""
    short = name.split()[0].lower()
    thresholds = [(ml, str(of["sensitivity"]), str(of["specificity"])) for ml, of in some.by_threshold.items()]
    territories = [(where, str(of["found"]), str(of["dice"])) for where, of in some.by_territory.items()]
    pictures = [
        _agreement([trial for trial in trials if trial.truth_ml > 0], out / f"{short}-agreement.png"),
        _calibration(trials, out / f"{short}-calibration.png"),
    ]
    worst = sorted(trials, key=lambda trial: (trial.dice, -trial.truth_ml - trial.found_ml))[:_WORST]
    return [
        Section(
            name,
            [
                Rows([("infarct from", "sensitivity, patients", "specificity"), *thresholds]),
                Rows([("territory", "found", "Dice"), *territories]),
                Pictures(pictures, "Volumes (Bland-Altman), and how often what was stated is so"),
            ],
        ),
        Section(
            f"{name}: worst cases",
            [
                Pictures(
                    [_worst(trial, out / f"{short}-worst-{n}.png") for n, trial in enumerate(worst, 1)],
                    "Truth (green) and model (red) on the slice where they differ most.",
                )
            ],
        ),
    ]


def _agreement(trials: Sequence[Trial], path: Path) -> str:
    truth, found = volumes(trials)
    picture, axes = pyplot.subplots(figsize=(4.5, 4))
    draw_agreement(axes, truth, found, unit=" ml")
    return save(picture, path)


def _calibration(trials: Sequence[Trial], path: Path) -> str:
    return plot_calibration({"infarct": histograms(trials).sum(axis=0)}, path)


def _worst(trial: Trial, path: Path) -> str:
    made, seen = phantom(draw_case(trial.seed, shifted=trial.shifted), rows=ROWS)
    found = ask(made).mask
    index = int((found != seen.infarct_zyx).sum(axis=(1, 2)).argmax())
    picture, both = pyplot.subplots(1, 2, figsize=(8, 4))
    titles = (f"seed {trial.seed}: truth {trial.truth_ml:.0f} ml", f"model {trial.found_ml:.0f} ml")
    for axes, mask, colour, title in zip(both, (seen.infarct_zyx, found), ("lime", "red"), titles, strict=True):
        axes.imshow(made.voxels_zyx[index], cmap="gray", vmin=_WINDOW_HU[0], vmax=_WINDOW_HU[1])
        if mask[index].any():
            axes.contour(mask[index], [0.5], colors=colour, linewidths=1)
        axes.set_title(title, fontsize=9)
        axes.axis("off")
    picture.tight_layout()
    return save(picture, path)

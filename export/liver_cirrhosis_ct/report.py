"""The report on liver-cirrhosis-ct: the shipped graph goes in, a page and its figures as JSON come out."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import matplotlib
import numpy as np
from matplotlib import pyplot
from numpy.typing import NDArray
from tqdm import tqdm

from export.evaluation import classification, shipped
from export.evaluation.classification import Answers
from export.evaluation.page import Pictures, Rows, Section, render
from export.evaluation.plots import save
from export.evaluation.statistics import Figure, bootstrap_values
from export.liver_cirrhosis_ct import VALUES
from export.liver_cirrhosis_ct.data import parts_of
from export.liver_cirrhosis_ct.settings import read_settings
from export.liver_cirrhosis_ct.sources import PhantomEntry, in_order
from export.liver_cirrhosis_ct.trial import (
    FOLDER,
    FOREIGN_KINDS,
    SPACING_MM,
    ForeignTrial,
    Trial,
    ask,
    try_foreign,
    try_patient,
)
from export.phantoms.liver.case import draw_case
from orthanc_plugin.inference.resample import planes
from orthanc_plugin.routing.folder import Model, read

matplotlib.use("Agg")

FIRST_LINE = "Data: synthetic phantoms; no patient data."
PAPER = {
    "AUROC, 12,223 slices of 241 patients, 8:1:1": 0.863,
    "as a service: 59 of 60 right": 0.983,
    "as a service: 57 of 60 right": 0.950,
}
VARIANTS = ("image alone", "image and values", "image, half of the values hidden", "image, no value known")
_CONFIG = Path(__file__).parent / "configs" / "standard.json"
_TITLE = "liver-cirrhosis-ct: cirrhosis or not on CT of the abdomen"
_SHIFTED, _FOREIGN = 120, 40
_FIRST_FOREIGN = 500_000
_WORST = 3
_WINDOW_HU = (-45, 105)
Tried = TypeVar("Tried")


@dataclass(frozen=True)
class Figures:
    """Shares of patients, save those about slices.

    `peak_in_liver` and `peak_in_signs` (the liver, or a large spleen, fluid or varices) are of true positives;
    `mean_hu_auc` is what a linear model on the liver's mean attenuation reaches.
    """

    patients: int
    refused: int
    cautioned: Figure
    peak_in_liver: Figure
    peak_in_signs: Figure
    mean_hu_auc: float
    chosen_sensitivity: float
    chosen_specificity: float
    share_error: float
    missing_differs: float
    patients_by_variant: dict[str, object]
    slices: dict[str, object]


def evaluate(held_out: int | None, shifted: int | None, out: Path, processes: int | None) -> None:
    model = read(FOLDER)
    tried = {
        "Held-out phantoms": _all(try_patient, processes, held_out_seeds()[:held_out], False),
        "Shifted phantoms": _all(try_patient, processes, list(range(_SHIFTED if shifted is None else shifted)), True),
    }
    seeds = list(range(_FIRST_FOREIGN, _FIRST_FOREIGN + (_FOREIGN if shifted is None else min(shifted, _FOREIGN))))
    foreign = [each for some in _all(try_foreign, processes, seeds) for each in some]
    out.mkdir(parents=True, exist_ok=True)
    figures = {name: figures_of(trials, model) for name, trials in tried.items()}
    seconds = seconds_per_slice(model)
    parts = [summary(figures, foreign, seconds)]
    for name, trials in tried.items():
        parts += sections(name, trials, model, out)
    (out / "report.html").write_text(render(_TITLE, FIRST_LINE, model.card.notice, parts))
    told = {
        "data": FIRST_LINE,
        "model": shipped.described(model),
        "paper": PAPER,
        "seconds_per_slice": seconds,
        "foreign series cautioned": cautioned_by_kind(foreign),
        **{name: asdict(some) for name, some in figures.items()},
    }
    (out / "report.json").write_text(json.dumps(told, indent=1) + "\n")


def held_out_seeds() -> list[int]:
    """Of the test part, which neither the training nor the calibration has seen."""
    parts = parts_of("phantoms", read_settings(_CONFIG))
    return [entry.seed for entry in parts.test if isinstance(entry, PhantomEntry)]


def _all(do: Callable[..., Tried], processes: int | None, seeds: Sequence[int], *more: bool) -> list[Tried]:
    with ProcessPoolExecutor(processes) as pool:
        made = pool.map(do, seeds, *([each] * len(seeds) for each in more))
        return list(tqdm(made, total=len(seeds), desc=do.__name__, unit="patient"))


def figures_of(trials: Sequence[Trial], model: Model) -> Figures:
    threshold = threshold_of(model)
    judged = [trial for trial in trials if not trial.refused]
    hits = [trial for trial in judged if trial.cirrhosis and trial.scores[1] > threshold]
    truly, found = (np.concatenate([getattr(trial, name) for trial in trials]) for name in ("share", "found_share"))
    shows, chosen = truly >= least_of(model), np.concatenate([trial.chosen for trial in trials])
    return Figures(
        patients=len(trials),
        refused=len(trials) - len(judged),
        cautioned=share([trial.cautioned for trial in trials]),
        peak_in_liver=share([trial.peak_in_liver for trial in hits]),
        peak_in_signs=share([trial.peak_in_signs for trial in hits]),
        mean_hu_auc=mean_hu_auc(trials),
        chosen_sensitivity=float(chosen[shows].mean()),
        chosen_specificity=float((~chosen[~shows]).mean()),
        share_error=float(np.abs(truly - found).mean()),
        missing_differs=max(abs(trial.scores[3] - trial.scores[0]) for trial in judged),
        patients_by_variant=classification.as_json(classification.figures_of(of_patients(judged, model))),
        slices=classification.as_json(classification.figures_of(of_slices(judged, model))),
    )


def share(values: Sequence[bool]) -> Figure:
    if not values:
        return Figure(float("nan"), float("nan"), float("nan"))
    return bootstrap_values(np.array(values, np.float64), lambda drawn: float(drawn.mean()))


def mean_hu_auc(trials: Sequence[Trial]) -> float:
    """A linear model on one number is that number or its negative."""
    truth, hu = np.array([t.cirrhosis for t in trials]), np.array([t.mean_hu for t in trials])
    pairs = hu[truth][:, None] - hu[~truth][None, :]
    above = float((pairs > 0).mean() + 0.5 * (pairs == 0).mean())
    return max(above, 1 - above)


def threshold_of(model: Model) -> float:
    assert model.card.outputs.classes is not None
    return model.card.outputs.classes.items[0].threshold


def least_of(model: Model) -> float:
    assert model.card.outputs.classes is not None and model.card.outputs.classes.where is not None
    return model.card.outputs.classes.where.least


def of_patients(trials: Sequence[Trial], model: Model) -> Answers:
    """Each variant as a class of its own, all with the same truth."""
    truth = np.array([[trial.cirrhosis] * len(VARIANTS) for trial in trials])
    scores = np.array([trial.scores for trial in trials])
    return Answers(VARIANTS, truth, scores, np.full(len(VARIANTS), threshold_of(model)), np.arange(len(trials)))


def of_slices(trials: Sequence[Trial], model: Model) -> Answers:
    counts = [len(trial.said) for trial in trials]
    return Answers(
        names=("image alone",),
        truth=np.repeat(np.array([trial.cirrhosis for trial in trials]), counts)[:, None],
        probability=np.concatenate([trial.said for trial in trials]).astype(np.float64)[:, None],
        thresholds=np.array([threshold_of(model)]),
        patients=np.repeat(np.arange(len(trials)), counts),
    )


def cautioned_by_kind(foreign: Sequence[ForeignTrial]) -> dict[str, float]:
    by_kind = {
        kind: float(np.mean([each.cautioned for each in foreign if each.kind == kind])) for kind in FOREIGN_KINDS
    }
    return {**by_kind, "all": float(np.mean([each.cautioned for each in foreign]))}


def seconds_per_slice(model: Model) -> float:
    [stage] = model.card.stages
    hu = np.random.default_rng(0).normal(0, 200, (stage.batch, 1, stage.rows, stage.columns)).astype(np.float32)
    values = np.full((stage.batch, len(VALUES)), np.nan, np.float32)
    return shipped.seconds_per_item(model.graphs(stage)[0], {"hu": hu, "clinical": values})


def summary(figures: dict[str, Figures], foreign: Sequence[ForeignTrial], seconds: float) -> Section:
    def row(name: str, of: Callable[[Figures], object]) -> tuple[str, ...]:
        return name, *(str(of(some)) for some in figures.values())

    kinds = cautioned_by_kind(foreign)
    return Section(
        "In short",
        [
            "The paper's figures are for patients, ours for phantoms: they stand side by side, but do not compare. "
            "Shifted: a second generator (another scanner, other builds, phases and textures, more fluid of other "
            f"causes), never trained or tuned on. Series of slices {SPACING_MM:g} mm apart; brackets: 95 % confidence "
            "over patients.",
            Rows([("paper", "reported"), *((name, str(value)) for name, value in PAPER.items())]),
            Rows(
                [
                    ("", *figures),
                    row("patients", lambda some: some.patients),
                    *(
                        (f"AUC of patients, {name}", *(_auc(some, name) for some in figures.values()))
                        for name in VARIANTS
                    ),
                    row("liver's mean HU alone, AUC", lambda some: f"{some.mean_hu_auc:.3f}"),
                    row("cautioned, or no slice chosen", lambda some: some.cautioned),
                    row("no slice chosen", lambda some: some.refused),
                    row("true positives: heat map's peak in the liver", lambda some: some.peak_in_liver),
                    row("the same, in the liver or another sign of it", lambda some: some.peak_in_signs),
                    row("slices that show the liver well: chosen", lambda some: f"{some.chosen_sensitivity:.3f}"),
                    row("other slices: left out", lambda some: f"{some.chosen_specificity:.3f}"),
                    row("mean error of the liver's share of the body", lambda some: f"{some.share_error:.3f}"),
                    row("no value known against image alone, at most", lambda some: f"{some.missing_differs:.1e}"),
                ]
            ),
            f"Foreign series, of {len(foreign)}: share that is cautioned, or of which no slice is chosen.",
            Rows([("series", "cautioned"), *((kind, f"{value:.3f}") for kind, value in kinds.items())]),
            f"{seconds:.3f} s a slice on two CPU threads. The values: {', '.join(VALUES)}; some are unknown in most.",
        ],
    )


def _auc(some: Figures, variant: str) -> str:
    found = some.patients_by_variant.get(variant)
    return str(Figure(**found["auc"])) if isinstance(found, dict) else ""


def sections(name: str, trials: Sequence[Trial], model: Model, folder: Path) -> list[Section]:
    short = name.split()[0].lower()
    judged = [trial for trial in trials if not trial.refused]
    return [
        classification.section(f"{name}, patients", of_patients(judged, model), folder, exclusive=False),
        classification.section(f"{name}, single slices", of_slices(judged, model), folder, exclusive=False),
        Section(
            f"{name}: worst cases",
            [Pictures([_worst(trial, model, folder / f"{short}-worst-{place}.png") for place, trial in
                       enumerate(sorted(judged, key=_error, reverse=True)[:_WORST], start=1)],
                      "The slice that the node shows, and where the network looked")],
        ),
    ]  # fmt: skip


def _error(trial: Trial) -> float:
    return abs(trial.scores[1] - float(trial.cirrhosis))


def _worst(trial: Trial, model: Model, path: Path) -> str:
    case = draw_case(trial.seed, shifted=trial.shifted)
    hu = np.stack([case.render(float(z), 256).hu for z in case.heights(SPACING_MM)]).astype(np.float32)
    answer = ask(model, hu, in_order(case.clinical()))
    title = f"{'cirrhosis' if trial.cirrhosis else 'none'}, said {trial.scores[1]:.2f}"
    return plot_slice(hu[answer.shown], answer.activation[answer.shown], title, path)


def plot_slice(hu: NDArray[np.float32], activation: NDArray[np.float32], title: str, path: Path) -> str:
    picture, (left, right) = pyplot.subplots(1, 2, figsize=(6, 3.1))
    for axes in (left, right):
        axes.imshow(hu, cmap="gray", vmin=_WINDOW_HU[0], vmax=_WINDOW_HU[1])
        axes.axis("off")
    right.imshow(planes(activation, (hu.shape[0], hu.shape[1])), cmap="inferno", alpha=0.45)
    left.set_title(title, fontsize=9)
    picture.tight_layout()
    return save(picture, path)

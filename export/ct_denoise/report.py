"""The report on ct-denoise: the shipped graph on held-out and shifted phantoms in, a page and JSON out."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib
from matplotlib import pyplot

from export.ct_denoise.baseline import non_local_means
from export.ct_denoise.export import FOLDER
from export.ct_denoise.figures import Figures, figures_of, worst_bias
from export.ct_denoise.foreign import KINDS, cautioned
from export.ct_denoise.sources import PhantomEntry
from export.ct_denoise.train import TASK
from export.ct_denoise.trial import NON_LOCAL, OURS, SOURCE, WAYS, Trial, ask, draw, try_patient
from export.evaluation import shipped, whole_job
from export.evaluation.page import Pictures, Rows, Section, render
from export.evaluation.plots import save
from export.evaluation.trials import of_foreign, of_patients
from export.phantoms.lowdose.case import write_study
from export.restoring.settings import read_settings
from orthanc_plugin.routing.folder import read

matplotlib.use("Agg")

FIRST_LINE = "Data: synthetic phantoms; no patient data."
BAR = {"decibels over non-local means": 1.0, "bias in HU, less than": 2.0}
_CONFIG = Path(__file__).parent / "configs" / "standard.json"
_TITLE = "ct-denoise: CT at a low dose with less noise"
_SHIFTED, _FOREIGN_EACH, _FIRST_FOREIGN = 40, 8, 720_000
_WORST, _FEW = 3, 6
_WINDOW_HU = (-110, 190)
_APART_HU = 60


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
        "bar": BAR,
        "seconds_per_slice": seconds,
        "foreign series cautioned": foreign,
        **{name: asdict(some) for name, some in figures.items()},
    }
    (out / "report.json").write_text(json.dumps(told, indent=1) + "\n")


def held_out_seeds() -> list[int]:
    parts = TASK.parts("phantoms", read_settings(_CONFIG))
    return [entry.seed for entry in parts.test if isinstance(entry, PhantomEntry)]


def _seconds() -> float:
    """What each further slice of a whole job costs, on two cores."""
    with TemporaryDirectory() as folder:
        return whole_job.seconds_a_file(FOLDER, write_study(_FIRST_FOREIGN, Path(folder), slices=30), _FEW)


def summary(figures: Mapping[str, Figures], foreign: Mapping[str, float], seconds: float) -> Section:
    def row(name: str, of: Callable[[Figures], object], bar: str = "") -> tuple[str, ...]:
        return name, bar, *(str(of(some)) for some in figures.values())

    return Section(
        "In short",
        [
            "Truth: the same slices without noise. Non-local means (scikit-image) are told how strong the noise is. "
            "Shifted: a second generator (another scanner, kernel and noise, lower doses, other builds), never trained "
            "or tuned on. Brackets: 95 % confidence over scans.",
            Rows(
                [
                    ("", "to reach", *figures),
                    row("scans of nine slices", lambda some: some.scans),
                    row("decibels over non-local means", lambda some: some.over_non_local, "≥ 1"),
                    row("decibels over the low dose", lambda some: some.over_source),
                    row("largest mean bias of a tissue, HU", lambda some: f"{worst_bias(some.bias):.2f}", "< 2"),
                    row("edge of 400 HU: MTF at 10 %, share of the source's",
                        lambda some: some.edges["400 HU"][OURS], "≥ 1"),
                    row("edge of 60 HU: the same", lambda some: some.edges["60 HU"][OURS], "≥ 1"),
                    row("planted lesions", lambda some: some.planted),
                    row("lesions lost, of 1,000", lambda some: some.lost[OURS]),
                    row("lost in the low dose itself, of 1,000", lambda some: some.lost[SOURCE]),
                    row("lesions invented in 1,000 slices", lambda some: some.invented[OURS]),
                    row("invented by noise in the low dose itself", lambda some: some.invented[SOURCE]),
                    row("cautioned as strange", lambda some: some.strange),
                ]
            ),
            "A lesion is lost where less than half of its contrast is left, and invented where a blob of 5 mm of an "
            "even organ differs by 15 HU from how it should be.",
            "Series of something else: the share that is cautioned as strange, by the pixels alone.",
            Rows([("series", "cautioned"), *((kind, f"{value:.3f}") for kind, value in foreign.items())]),
            f"A whole job takes {seconds:.3f} s for each further slice of 512 rows on two cores.",
        ],
    )  # fmt: skip


def sections(name: str, trials: Sequence[Trial], some: Figures, out: Path) -> list[Section]:
    """The part of the page about one generator; its pictures are written to the folder."""
    short = name.split()[0].lower()
    rows = [
        (way, *(str(of[way]) for of in (some.psnr, some.ssim, some.lost, some.invented)),
         *(str(ways[way]) for ways in some.edges.values()))
        for way in WAYS
    ]  # fmt: skip
    biases = [(tissue, *(f"{ways[way].value:+.2f}" for way in WAYS)) for tissue, ways in some.bias.items()]
    worst = sorted(trials, key=lambda trial: trial.by_way[OURS].psnr - trial.by_way[NON_LOCAL].psnr)[:_WORST]
    return [
        Section(
            name,
            [
                Rows([("", "PSNR, dB", "SSIM", "lost of 1,000 lesions", "invented in 1,000 slices",
                       *(f"edge of {contrast}" for contrast in some.edges)), *rows]),
                "Mean difference from the truth by tissue, HU:",
                Rows([("", *WAYS), *biases]),
            ],
        ),
        Section(
            f"{name}: worst cases",
            [Pictures([_worst(trial, out / f"{short}-worst-{n}.png") for n, trial in enumerate(worst, 1)],
                      "Without noise, low dose, non-local means, the model, and how the model differs from the first "
                      f"(±{_APART_HU} HU)")],
        ),
    ]  # fmt: skip


def _worst(trial: Trial, path: Path) -> str:
    drawn = draw(trial.seed, trial.shifted)
    index = len(drawn.clean) // 2
    ours, _ = ask(drawn)
    shown = {
        "without noise": drawn.clean,
        SOURCE: drawn.low,
        NON_LOCAL: non_local_means(drawn.low, drawn.clean),
        OURS: ours,
    }
    picture, all_axes = pyplot.subplots(1, len(shown) + 1, figsize=(15, 3.2))
    for axes, (title, image) in zip(all_axes, shown.items(), strict=False):
        axes.imshow(image[index], cmap="gray", vmin=_WINDOW_HU[0], vmax=_WINDOW_HU[1])
        axes.set_title(title, fontsize=9)
    all_axes[-1].imshow(ours[index] - drawn.clean[index], cmap="gray", vmin=-_APART_HU, vmax=_APART_HU)
    all_axes[-1].set_title(f"seed {trial.seed}: difference", fontsize=9)
    for axes in all_axes:
        axes.axis("off")
    picture.tight_layout()
    return save(picture, path)

"""The report on a model whose answer is an image: the shipped graph on phantoms in, a page and JSON out."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import matplotlib
import numpy as np
from matplotlib import pyplot
from numpy.typing import NDArray

from export.evaluation import shipped, whole_job
from export.evaluation.page import Pictures, Rows, Section, render
from export.evaluation.plots import save
from export.evaluation.statistics import Figure
from export.evaluation.trials import of_foreign, of_patients
from export.phantoms.entry import PhantomPatient
from export.restoring.figures import Figures, figures_of
from export.restoring.settings import read_settings
from export.restoring.training import Task
from export.restoring.trial import Trial
from orthanc_plugin.routing.folder import read

matplotlib.use("Agg")
Floats = NDArray[np.float32]
FIRST_LINE = "Data: synthetic phantoms; no patient data."
_FEW, _WORST, _FOREIGN_EACH = 6, 3, 8


@dataclass(frozen=True)
class Bar:
    """What is to be reached, and how far it is."""

    name: str
    to_reach: str
    of: Callable[[Figures], Figure | float]

    @classmethod
    def of_number(cls, name: str, to_reach: str) -> Self:
        """Of those that the last way, which is the model's, was measured by."""
        return cls(name, to_reach, lambda some: list(some.numbers[name].values())[-1])

    def reached(self, some: Figures) -> str:
        found = self.of(some)
        return str(found) if isinstance(found, Figure) else f"{found:.3f}"


@dataclass(frozen=True)
class About:
    """One model: its folder, how a phantom is tried (`seed`, shifted or not), written (`seed`, folder) and shown.

    `explained` says what ways and lesions are; `kinds` are those of foreign series, which `cautioned` tries; `more` is
    what other commands have left in the report's folder.
    """

    folder: Path
    config: Path
    task: Task
    title: str
    explained: Sequence[str]
    bars: Sequence[Bar]
    try_patient: Callable[[int, bool], Trial]
    write: Callable[[int, Path], Sequence[Path]]
    show: Callable[[Trial, Path], str]
    shown: str
    cautioned: Callable[[str, int], bool]
    kinds: Sequence[str]
    shifted: int
    first_foreign: int
    more: Callable[[Path], Sequence[Section]] = lambda _out: ()

    def held_out_seeds(self) -> list[int]:
        parts = self.task.parts("phantoms", read_settings(self.config))
        return [entry.seed for entry in parts.test if isinstance(entry, PhantomPatient)]


def evaluate(about: About, held_out: int | None, shifted: int | None, out: Path, processes: int | None) -> None:
    model = read(about.folder)
    seconds = _seconds(about)
    with ProcessPoolExecutor(processes) as pool:
        seeds = about.held_out_seeds()[:held_out]
        tried = of_patients(pool, about.try_patient, seeds, about.shifted if shifted is None else shifted)
        each = _FOREIGN_EACH if shifted is None else 1
        foreign = of_foreign(pool, about.cautioned, about.kinds, each, about.first_foreign)
    out.mkdir(parents=True, exist_ok=True)
    figures = {name: figures_of(trials) for name, trials in tried.items()}
    parts = [summary(about, figures, foreign, seconds), *about.more(out)]
    for name, trials in tried.items():
        parts += sections(about, name, trials, figures[name], out)
    (out / "report.html").write_text(render(about.title, FIRST_LINE, model.card.notice, parts))
    told = {
        "data": FIRST_LINE,
        "model": shipped.described(model),
        "seconds_per_slice": seconds,
        "foreign series cautioned": foreign,
        **{
            name: {**asdict(some), "bars": {bar.name: [bar.to_reach, bar.reached(some)] for bar in about.bars}}
            for name, some in figures.items()
        },
    }
    (out / "report.json").write_text(json.dumps(told, indent=1) + "\n")


def _seconds(about: About) -> float:
    """What each further slice of a whole job costs, on two cores."""
    with TemporaryDirectory() as folder:
        return whole_job.seconds_a_file(about.folder, about.write(about.first_foreign, Path(folder)), _FEW)


def summary(about: About, figures: Mapping[str, Figures], foreign: Mapping[str, float], seconds: float) -> Section:
    def row(name: str, of: Callable[[Figures], object], bar: str = "") -> tuple[str, ...]:
        return name, bar, *(str(of(some)) for some in figures.values())

    *others, ours = next(iter(figures.values())).psnr
    return Section(
        "In short",
        [
            *about.explained,
            Rows(
                [
                    ("", "to reach", *figures),
                    row("scans", lambda some: some.scans),
                    *(row(bar.name, bar.reached, bar.to_reach) for bar in about.bars),
                    row("planted lesions", lambda some: some.planted),
                    row("lesions lost, of 1,000", lambda some: some.lost[ours]),
                    row(f"the same, {others[0]}", lambda some: some.lost[others[0]]),
                    row("lesions invented in 1,000 slices", lambda some: some.invented[ours]),
                    row(f"the same, {others[0]}", lambda some: some.invented[others[0]]),
                    row("cautioned as strange", lambda some: some.strange),
                ]
            ),
            "Series of something else: the share that is cautioned as strange, by the pixels alone.",
            Rows([("series", "cautioned"), *((kind, f"{value:.3f}") for kind, value in foreign.items())]),
            f"A whole job takes {seconds:.3f} s for each further slice on two cores.",
        ],
    )


def sections(about: About, name: str, trials: Sequence[Trial], some: Figures, out: Path) -> list[Section]:
    """The part of the page about one generator; its pictures are written to the folder."""
    short = name.split()[0].lower()
    ways = list(some.psnr)
    rows = [(way, *(str(of[way]) for of in (some.psnr, some.ssim, some.lost, some.invented))) for way in ways]
    numbers = [(what, *(str(of[way]) for way in ways)) for what, of in some.numbers.items()]
    worst = sorted(trials, key=_gain)[:_WORST]
    pictures = [about.show(trial, out / f"{short}-worst-{number}.png") for number, trial in enumerate(worst, start=1)]
    return [
        Section(
            name,
            [
                Rows([("", "PSNR, dB", "SSIM", "lost of 1,000 lesions", "invented in 1,000 slices"), *rows]),
                Rows([("", *ways), *numbers]),
            ],
        ),
        Section(f"{name}: worst cases", [Pictures(pictures, about.shown)]),
    ]


@dataclass(frozen=True)
class Shades:
    """Between which values an image is shown, and how far differences reach."""

    lowest: float
    highest: float
    apart: float


def side_by_side(shown: Mapping[str, Floats], seed: int, shades: Shades, path: Path) -> str:
    """The middle slices, and how the last differs from the first, which is the truth."""
    middles = {title: image[len(image) // 2] for title, image in shown.items()}
    truth, *_, ours = middles.values()
    picture, all_axes = pyplot.subplots(1, len(shown) + 1, figsize=(15, 3.4))
    for axes, (title, image) in zip(all_axes, middles.items(), strict=False):
        axes.imshow(image, cmap="gray", vmin=shades.lowest, vmax=shades.highest)
        axes.set_title(title, fontsize=9)
    all_axes[-1].imshow(ours - truth, cmap="gray", vmin=-shades.apart, vmax=shades.apart)
    all_axes[-1].set_title(f"seed {seed}: difference", fontsize=9)
    for axes in all_axes:
        axes.axis("off")
    picture.tight_layout()
    return save(picture, path)


def _gain(trial: Trial) -> float:
    """Decibels over the way before, which is what the model is held against."""
    *_, other, ours = trial.by_way.values()
    return ours.psnr - other.psnr

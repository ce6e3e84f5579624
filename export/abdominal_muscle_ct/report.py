"""The report on abdominal-muscle-ct: the shipped graphs go in, a page and its figures as JSON come out."""

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from export.abdominal_muscle_ct import beside
from export.abdominal_muscle_ct.data import entries_of
from export.abdominal_muscle_ct.foreign import KINDS, Verdicts, cautioned
from export.abdominal_muscle_ct.sections import FIRST_LINE, THESIS, figures_of, sections, summary
from export.abdominal_muscle_ct.series import FOLDER, try_series
from export.abdominal_muscle_ct.settings import read_settings
from export.abdominal_muscle_ct.sources import PhantomEntry
from export.abdominal_muscle_ct.trial import Trial, try_patient
from export.evaluation import shipped, whole_job
from export.evaluation.page import render
from export.phantoms import abdomen
from export.phantoms.dicom import write_series
from orthanc_plugin.routing.folder import read

_CONFIGS = Path(__file__).parent / "configs"
_TITLE = "abdominal-muscle-ct: muscle and fat on CT of the abdomen"
_SHIFTED = 130
_IN_SERIES = 2
"""Of so many patients one is tried in a whole series, which takes most of the time."""
_FINE_MM, _FINE_SERIES = 2.0, 10
_FOREIGN_EACH = 12
_FEW, _MANY = 4, 28  # slices of the jobs that are timed
_FOREIGN_SEEDS = 50_000  # far from those of any patient
T = TypeVar("T")


def evaluate(patients: int | None, shifted: int | None, out: Path, processes: int | None) -> None:
    """With a number of patients it is a look at whether all is well: each in a series, few foreign ones, none fine."""
    model = read(FOLDER)
    seeds = held_out_seeds()[:patients]
    seconds = _seconds()
    with ProcessPoolExecutor(processes) as pool:
        every = _IN_SERIES if patients is None else 1
        held_out = _try_all(pool, seeds, every, shifted=False)
        other = _try_all(pool, list(range(_SHIFTED if shifted is None else shifted)), every, shifted=True)
        fine_seeds = seeds[1::_IN_SERIES][:_FINE_SERIES] if patients is None else []
        fine = _watched(pool.map(_fine, fine_seeds), len(fine_seeds), "fine series")
        foreign = _foreign(pool, _FOREIGN_EACH if patients is None else 1)
    figures = {"Held-out phantoms": figures_of(held_out), "Shifted phantoms": figures_of(other)}
    encoders = beside.recorded_encoders()
    parts = [summary(figures["Held-out phantoms"], figures["Shifted phantoms"], seconds)]
    parts += [] if encoders is None else [beside.encoder_section(encoders)]
    for (name, some), trials in zip(figures.items(), (held_out, other), strict=True):
        parts += sections(name, trials, some, out)
    parts += [beside.fine_section(fine, _FINE_MM)] if fine else []
    parts += [beside.foreign_section(foreign)]
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.html").write_text(render(_TITLE, FIRST_LINE, model.card.notice, parts))
    told = {
        "data": FIRST_LINE,
        "model": shipped.described(model),
        "thesis": THESIS,
        "seconds_per_slice": seconds,
        **{name: some.as_json() for name, some in figures.items()},
        "fine series, error in mm": [None if np.isnan(error) else error for error in fine],
        "foreign": beside.foreign_figures(foreign),
        "encoders": encoders,
    }
    (out / "report.json").write_text(json.dumps(told, indent=1) + "\n")


def _seconds() -> dict[str, float]:
    hu = np.random.default_rng(0).normal(0, 200, (1, 1, 512, 512)).astype(np.float32)
    files = {"tissue": "model.onnx", "level": "level.onnx"}
    graphs = {name: shipped.seconds_per_item(FOLDER / file, {"hu": hu}) for name, file in files.items()}
    return {**graphs, "end to end": _seconds_of_a_job()}


def _seconds_of_a_job(seed: int = 60_001) -> float:
    """What each further slice of 512 rows costs."""
    heights = (np.arange(_MANY, dtype=np.float64) - _MANY / 2) * 5.0
    with TemporaryDirectory() as folder:
        scanned = abdomen.scanned(abdomen.draw_anatomy(seed), heights, rows=512)
        return whole_job.seconds_a_file(FOLDER, write_series(scanned, Path(folder)), _FEW)


def held_out_seeds() -> list[int]:
    """The phantoms of the test part: neither network has seen them, as both split alike."""
    parts = [entries_of("phantoms", read_settings(_CONFIGS / f"{name}.json")).test for name in ("tissue", "level")]
    if parts[0] != parts[1]:
        raise SystemExit("The two networks were not trained on the same patients; give their configurations one seed.")
    return [entry.seed for entry in parts[0] if isinstance(entry, PhantomEntry)]


def _try_all(pool: ProcessPoolExecutor, seeds: list[int], every: int, *, shifted: bool) -> list[Trial]:
    """One of `every` patients in a series, too."""
    in_series = [number % every == 0 for number in range(len(seeds))]
    tried = pool.map(try_patient, seeds, [shifted] * len(seeds), in_series)
    return _watched(tried, len(seeds), "shifted" if shifted else "held out")


def _fine(seed: int) -> float:
    return try_series(abdomen.draw_anatomy(seed), _FINE_MM).found_mm


def _foreign(pool: ProcessPoolExecutor, each: int) -> dict[str, list[Verdicts]]:
    kinds = [kind for kind in KINDS for _ in range(each)]
    seeds = [_FOREIGN_SEEDS + number for _ in KINDS for number in range(each)]
    verdicts = _watched(pool.map(cautioned, kinds, seeds), len(kinds), "foreign")
    return {kind: verdicts[n * each : (n + 1) * each] for n, kind in enumerate(KINDS)}


def _watched(found: Iterator[T], total: int, what: str) -> list[T]:
    return list(tqdm(found, total=total, desc=what, unit="series"))

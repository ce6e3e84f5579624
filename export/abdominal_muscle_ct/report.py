"""The report on abdominal-muscle-ct: the shipped graphs go in, a page and its figures as JSON come out."""

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from export.abdominal_muscle_ct.data import entries_of
from export.abdominal_muscle_ct.sections import FIRST_LINE, THESIS, figures_of, sections, summary
from export.abdominal_muscle_ct.settings import read_settings
from export.abdominal_muscle_ct.sources import PhantomEntry
from export.abdominal_muscle_ct.trial import FOLDER, Trial, try_patient
from export.evaluation import shipped
from export.evaluation.page import render
from orthanc_plugin.routing.folder import read

_CONFIGS = Path(__file__).parent / "configs"
_TITLE = "abdominal-muscle-ct: muscle and fat on CT of the abdomen"
_SHIFTED = 130


def evaluate(patients: int | None, shifted: int | None, out: Path, processes: int | None) -> None:
    hu = np.random.default_rng(0).normal(0, 200, (1, 1, 512, 512)).astype(np.float32)
    files = {"tissue": "model.onnx", "level": "level.onnx"}
    seconds = {name: shipped.seconds_per_item(FOLDER / file, {"hu": hu}) for name, file in files.items()}
    held_out = _try_all(held_out_seeds()[:patients], False, processes)
    other = _try_all(list(range(_SHIFTED if shifted is None else shifted)), True, processes)
    figures = {"Held-out phantoms": figures_of(held_out), "Shifted phantoms": figures_of(other)}
    model = read(FOLDER)
    parts = [summary(figures["Held-out phantoms"], figures["Shifted phantoms"], seconds)]
    for (name, some), trials in zip(figures.items(), (held_out, other), strict=True):
        parts += sections(name, trials, some, out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.html").write_text(render(_TITLE, FIRST_LINE, model.card.notice, parts))
    told = {
        "data": FIRST_LINE,
        "model": shipped.described(model),
        "thesis": THESIS,
        "seconds_per_slice": seconds,
        **{name: some.as_json() for name, some in figures.items()},
    }
    (out / "report.json").write_text(json.dumps(told, indent=1) + "\n")


def held_out_seeds() -> list[int]:
    """The phantoms of the test part: neither network has seen them, as both split alike."""
    parts = [entries_of("phantoms", read_settings(_CONFIGS / f"{name}.json")).test for name in ("tissue", "level")]
    if parts[0] != parts[1]:
        raise SystemExit("The two networks were not trained on the same patients; give their configurations one seed.")
    return [entry.seed for entry in parts[0] if isinstance(entry, PhantomEntry)]


def _try_all(seeds: list[int], shifted: bool, processes: int | None) -> list[Trial]:
    with ProcessPoolExecutor(processes) as pool:
        tried = pool.map(try_patient, seeds, [shifted] * len(seeds))
        return list(tqdm(tried, total=len(seeds), desc="shifted" if shifted else "held out", unit="patient"))

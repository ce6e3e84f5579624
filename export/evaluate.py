"""Evaluates a shipped model with its ONNX files and writes its report (HTML, JSON, pictures) under docs/models/.

python -m export.evaluate abdominal-muscle-ct
"""

import argparse
import hashlib
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from tqdm import tqdm

from export.abdominal_muscle_ct.data import entries_of
from export.abdominal_muscle_ct.report import FIRST_LINE, THESIS, figures_of, sections, summary
from export.abdominal_muscle_ct.settings import read_settings
from export.abdominal_muscle_ct.sources import PhantomEntry
from export.abdominal_muscle_ct.trial import FOLDER, Trial, try_patient
from export.evaluation.page import render
from orthanc_plugin.routing.folder import read

_REPORTS = Path(__file__).parents[1] / "docs" / "models"
_CONFIGS = Path(__file__).parent / "abdominal_muscle_ct" / "configs"
_TITLE = "abdominal-muscle-ct: muscle and fat on CT of the abdomen"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=["abdominal-muscle-ct"])
    parser.add_argument("--patients", type=int, default=260, help="of the test part (default: all 260)")
    parser.add_argument("--shifted", type=int, default=130, help="patients of the shifted generator")
    parser.add_argument("--out", type=Path, help="default: docs/models/abdominal-muscle-ct")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    evaluate(given.patients, given.shifted, given.out or _REPORTS / given.model, given.processes)


def evaluate(patients: int, shifted: int, out: Path, processes: int | None) -> None:
    seconds = {"tissue": seconds_per_slice("model.onnx"), "level": seconds_per_slice("level.onnx")}
    held_out = _try_all(held_out_seeds()[:patients], False, processes)
    other = _try_all(list(range(shifted)), True, processes)
    figures = {"Held-out phantoms": figures_of(held_out), "Shifted phantoms": figures_of(other)}
    model = read(FOLDER)
    parts = [summary(figures["Held-out phantoms"], figures["Shifted phantoms"], seconds)]
    for (name, some), trials in zip(figures.items(), (held_out, other), strict=True):
        parts += sections(name, trials, some, out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.html").write_text(render(_TITLE, FIRST_LINE, model.card.notice, parts))
    told = {
        "data": FIRST_LINE,
        "model": {
            "version": model.card.version,
            "sha256": {graph.name: sha256(graph) for stage in model.card.stages for graph in model.graphs(stage)},
        },
        "thesis": THESIS,
        "seconds_per_slice": seconds,
        **{name: some.as_json() for name, some in figures.items()},
    }
    (out / "report.json").write_text(json.dumps(told, indent=1) + "\n")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


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


def seconds_per_slice(file: str, runs: int = 15) -> float:
    """The fastest of some runs on two threads: what the machine does when nothing else runs on it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(FOLDER / file, options, providers=["CPUExecutionProvider"])
    hu = np.random.default_rng(0).normal(0, 200, (1, 1, 512, 512)).astype(np.float32)
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        session.run(None, {"hu": hu})
        taken.append(time.perf_counter() - start)
    return min(taken)


if __name__ == "__main__":
    main()

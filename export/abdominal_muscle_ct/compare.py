"""Two encoders, trained alike, side by side: their checkpoints go in, their figures come out as JSON for the report.

python -m export.abdominal_muscle_ct.compare
"""

import argparse
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from tqdm import tqdm

from export.abdominal_muscle_ct import TISSUES
from export.abdominal_muscle_ct.data import entries_of
from export.abdominal_muscle_ct.export import SERVED_ROWS, export_network, load_trained
from export.abdominal_muscle_ct.settings import Settings
from export.abdominal_muscle_ct.sources import PhantomEntry
from export.abdominal_muscle_ct.train import RUNS
from export.abdominal_muscle_ct.trial import confusion_of, try_slice
from export.evaluation import shipped
from export.evaluation.statistics import Table, dice
from export.phantoms import abdomen

COMPARED = {"U-Net": "tissue", "U-Net with a DenseNet as encoder": "tissue-densenet"}
RECORD = Path(__file__).parents[2] / "docs" / "models" / "abdominal-muscle-ct" / "encoders.json"
_SHIFTED = 130


@dataclass(frozen=True)
class Encoder:
    """Dice by tissue of the slice at mid L3, by part of the data; `settings` is what it was trained with."""

    parameters: int
    size_mb: float
    seconds_a_slice: float
    dice: dict[str, dict[str, float]]
    settings: dict[str, object]


def compare(checkpoints: dict[str, Path], patients: int | None, processes: int | None) -> dict[str, Encoder]:
    with TemporaryDirectory() as scratch:
        graphs = {name: Path(scratch) / f"{number}.onnx" for number, name in enumerate(checkpoints)}
        trained = {name: load_trained(path) for name, path in checkpoints.items()}
        for name, each in trained.items():
            export_network(each, graphs[name])
        found = _dice(_parts(next(iter(trained.values())).settings, patients), tuple(graphs.values()), processes)
        noise = {"hu": np.random.default_rng(0).normal(0, 200, (1, 1, SERVED_ROWS, SERVED_ROWS)).astype(np.float32)}
        return {
            name: Encoder(
                parameters=sum(parameter.numel() for parameter in each.network.parameters()),
                size_mb=round(graphs[name].stat().st_size / 1e6, 2),
                seconds_a_slice=shipped.seconds_per_item(graphs[name], noise),
                dice={part: figures[number] for part, figures in found.items()},
                settings=json.loads(each.settings.as_json()),
            )
            for number, (name, each) in enumerate(trained.items())
        }


def _parts(settings: Settings, patients: int | None) -> dict[str, list[tuple[int, bool]]]:
    parts = entries_of("phantoms", settings)
    known = {"validation": parts.validation, "held out": parts.test}
    seeds = {
        part: [(entry.seed, False) for entry in entries if isinstance(entry, PhantomEntry)]
        for part, entries in known.items()
    }
    return {part: each[:patients] for part, each in (seeds | {"shifted": [(n, True) for n in range(_SHIFTED)]}).items()}


def _dice(
    parts: dict[str, list[tuple[int, bool]]], graphs: tuple[Path, ...], processes: int | None
) -> dict[str, list[dict[str, float]]]:
    """By part, then by graph, then by tissue."""
    found = {}
    with ProcessPoolExecutor(processes) as pool:
        for part, patients in parts.items():
            tried = pool.map(_confusions, patients, [graphs] * len(patients))
            tables: Table = np.sum(list(tqdm(tried, total=len(patients), desc=part, unit="patient")), axis=0)
            found[part] = [
                {tissue: round(dice(table, label), 4) for label, tissue in enumerate(TISSUES, start=1)}
                for table in tables
            ]
    return found


def _confusions(patient: tuple[int, bool], graphs: Sequence[Path]) -> Table:
    """At mid L3, one table a graph."""
    seed, shifted = patient
    anatomy = abdomen.draw_anatomy(seed, shifted=shifted)
    return np.stack([confusion_of(try_slice(anatomy, 0.0, graph)) for graph in graphs]).astype(np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, help="of each part (default: all)")
    parser.add_argument("--out", type=Path, default=RECORD)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    checkpoints = {name: RUNS / run / "checkpoint.pt" for name, run in COMPARED.items()}
    found = compare(checkpoints, given.patients, given.processes)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps({name: asdict(each) for name, each in found.items()}, indent=1) + "\n")


if __name__ == "__main__":
    main()

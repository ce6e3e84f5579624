"""Two encoders, trained alike, side by side: their checkpoints go in, their figures come out as JSON for the report.

python -m export.coronary_calcium_ct.compare
"""

import argparse
import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from tqdm import tqdm

from export.coronary_calcium_ct.data import parts_of
from export.coronary_calcium_ct.export import CARD, INPUT, NETWORKS, export_network, load_trained
from export.coronary_calcium_ct.figures import pearson
from export.coronary_calcium_ct.model import DEPTH
from export.coronary_calcium_ct.sources import PhantomEntry
from export.coronary_calcium_ct.train import RUNS
from export.coronary_calcium_ct.trial import CLASSES, Trial, try_patient
from export.evaluation import shipped
from export.phantoms.heart import ARTERIES

RECORD = Path(__file__).parents[2] / "docs" / "models" / "coronary-calcium-ct" / "encoders.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, help="of the validation (default: all)")
    parser.add_argument("--out", type=Path, default=RECORD)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    found = {name: compared(name, given.patients, given.processes) for name in NETWORKS}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found, indent=1) + "\n")


def compared(name: str, patients: int | None, processes: int | None) -> dict[str, object]:
    """Of the patients of the validation alone."""
    trained = load_trained(RUNS / f"coronary-calcium-{name}" / "checkpoint.pt")
    entries = parts_of("phantoms", trained.settings).validation[:patients]
    seeds = [entry.seed for entry in entries if isinstance(entry, PhantomEntry)]
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "coronary-calcium-ct"
        folder.mkdir()
        export_network(trained, folder / "model.onnx")
        shutil.copyfile(CARD, folder / "card.json")
        with ProcessPoolExecutor(processes) as pool:
            tried = pool.map(try_patient, seeds, [False] * len(seeds), [folder] * len(seeds))
            trials = list(tqdm(tried, total=len(seeds), desc=name, unit="patient"))
        rows = trained.settings.rows
        noise = {INPUT: np.random.default_rng(0).normal(0, 200, (1, DEPTH, rows, rows)).astype(np.float32)}
        seconds = shipped.seconds_per_item(folder / "model.onnx", noise)
        size_mb = round((folder / "model.onnx").stat().st_size / 1e6, 2)
    return {
        "parameters": sum(parameter.numel() for parameter in trained.network.parameters()),
        "size_mb": size_mb,
        "seconds_a_window": seconds,
        "patients": len(trials),
        "pearson": pearson(trials).value,
        "dice": dice_of(trials),
        "settings": trained.settings.model_dump(),
    }


def dice_of(trials: Sequence[Trial]) -> dict[str, float]:
    """Of bright voxels, by artery."""
    total = np.sum([trial.confusion for trial in trials], axis=0).astype(np.float64)
    said = total.sum(axis=0)
    return {
        name: float(2 * total[number, number] / max(total[number].sum() + said[number], 1))
        for number, name in zip(range(1, CLASSES), ARTERIES, strict=True)
    }


if __name__ == "__main__":
    main()

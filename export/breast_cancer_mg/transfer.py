"""How far the network comes that begins from nothing: its training in, its figures as JSON for the report out.

python -m export.breast_cancer_mg.transfer

A training that is not finished is resumed, a finished one is not made again.
"""

import argparse
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch

from export.breast_cancer_mg.export import CARD, FOLDER, export_network, load_trained
from export.breast_cancer_mg.figures import figures_of
from export.breast_cancer_mg.settings import read_settings
from export.breast_cancer_mg.train import CACHE, train
from export.breast_cancer_mg.trial import Trial, held_out_seeds, threshold_of, try_patient
from export.breast_mass_mg.train import RUNS
from export.evaluation.trials import of_patients
from export.trained import put

RECORD = Path(__file__).parents[2] / "docs" / "models" / FOLDER.name / "transfer.json"
CONFIG = Path(__file__).parent / "configs" / "scratch.json"
EXAMINED = CACHE / "examined"
SHIFTED = 80


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--data", default="phantoms", help="phantoms, inbreast:FOLDER or cbis-ddsm:FOLDER")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument("--shifted", type=int, default=SHIFTED, help="patients of the shifted generator")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    settings = read_settings(given.config)
    trained = load_trained(train(settings, given.data, RUNS / settings.name, given.cache, torch.device(given.device)))
    folder = RUNS / settings.name / FOLDER.name
    put(trained, partial(export_network, trained), CARD, folder)
    with ProcessPoolExecutor(given.processes) as pool:
        attempt = partial(try_patient, folder=folder, kept=EXAMINED)
        tried = of_patients(pool, attempt, held_out_seeds(settings), given.shifted)
    given.record.parent.mkdir(parents=True, exist_ok=True)
    given.record.write_text(json.dumps(told_of(tried, threshold_of(folder)), indent=1) + "\n")


def told_of(tried: dict[str, list[Trial]], threshold: float) -> dict[str, object]:
    return {name: _told(trials, threshold) for name, trials in tried.items()}


def _told(trials: Sequence[Trial], threshold: float) -> dict[str, object]:
    return {way: asdict(each.auc) for way, each in figures_of(trials, threshold).by_way.items()}


if __name__ == "__main__":
    main()

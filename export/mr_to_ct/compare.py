"""Both trainings side by side: their checkpoints go in, their figures come out as JSON for the report.

python -m export.mr_to_ct.compare
"""

import argparse
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from export.evaluation.page import Rows, Section
from export.evaluation.statistics import Figure
from export.evaluation.trials import measured
from export.mr_to_ct.export import CARD, FOLDER, SERVING
from export.mr_to_ct.train import TASK
from export.mr_to_ct.trial import BONE, ERROR, OURS, try_patient
from export.phantoms.entry import PhantomPatient
from export.restoring.figures import Figures, figures_of
from export.restoring.settings import read_settings
from export.restoring.training import RUNS

RECORD = Path(__file__).parents[2] / "docs" / "models" / FOLDER.name / "trainings.json"
TRAININGS = {"with pairs": "mr-to-ct", "without": "mr-to-ct-unpaired"}
_CONFIG = Path(__file__).parent / "configs" / "standard.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    found = {said: compared(RUNS / name / "checkpoint.pt", given.processes) for said, name in TRAININGS.items()}
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text(json.dumps(found, indent=1) + "\n")


def compared(checkpoint: Path, processes: int | None) -> dict[str, object]:
    """On the patients of the validation."""
    parts = TASK.parts("phantoms", read_settings(_CONFIG))
    seeds = [entry.seed for entry in parts.validation if isinstance(entry, PhantomPatient)]
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / FOLDER.name
        SERVING.write(SERVING.load_trained(checkpoint), folder / "model.onnx")
        shutil.copyfile(CARD, folder / "card.json")
        with ProcessPoolExecutor(processes) as pool:
            return told(figures_of(list(pool.map(partial(try_patient, folder=folder), seeds, [False] * len(seeds)))))


def told(figures: Figures) -> dict[str, object]:
    ours = {name: figures.numbers[name][OURS] for name in (ERROR, BONE)}
    lost, invented = figures.lost[OURS], figures.invented[OURS]
    return {name: asdict(each) for name, each in {**ours, "lost": lost, "invented": invented}.items()}


def section(out: Path) -> Sequence[Section]:
    """Of the report, where both were compared."""
    found: Mapping[str, Mapping[str, Mapping[str, float]]] | None = measured(out / RECORD.name)
    if found is None:
        return []
    head = ("", ERROR, BONE, "lesions lost, of 1,000", "lesions invented in 1,000 slices")
    rows = [(name, *(str(Figure(**each)) for each in figures.values())) for name, figures in found.items()]
    said = (
        "The same network, trained on pairs of T1 and CT, and on T1 and CT of different patients with a second network "
        "that goes back. On the patients of the validation."
    )
    return [Section("With pairs and without", [said, Rows([head, *rows])])]


if __name__ == "__main__":
    main()

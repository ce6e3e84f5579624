"""How far few outlines go, with and without what the others teach: trainings in, their Dice as JSON for the report out.

python -m export.brain_tumour_mr.supervision

Trainings that are not finished are resumed, finished ones are not made again.
"""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

import torch

from export.brain_tumour_mr import REGIONS
from export.brain_tumour_mr.data import kept, labelled, parts_of
from export.brain_tumour_mr.export import FOLDER, load_trained
from export.brain_tumour_mr.figures import mean_of
from export.brain_tumour_mr.settings import Settings, read_settings
from export.brain_tumour_mr.train import CACHE, RUNS, cache_of, train, validated
from export.evaluation.statistics import Table

RECORD = Path(__file__).parents[2] / "docs" / "models" / FOLDER.name / "supervision.json"
CONFIG = Path(__file__).parent / "configs" / "supervision.json"
SHARES = (0.05, 0.2, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--data", default="phantoms", help="phantoms or nifti:FOLDER")
    parser.add_argument("--runs", type=Path, default=RUNS, help="where a folder for each training goes")
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    config, device = read_settings(given.config), torch.device(given.device)
    told = [trained_alike(each, given.data, given.runs, given.cache, device) for each in variants(config)]
    given.record.parent.mkdir(parents=True, exist_ok=True)
    given.record.write_text(json.dumps({"settings": config.model_dump(), "trainings": told}, indent=1) + "\n")


def variants(config: Settings) -> list[Settings]:
    """Where all outlines are used nobody is left to teach without, so that consistency changes nothing there."""
    made = []
    for share in SHARES:
        for weight in (0.0, config.consistency.weight):
            if share < 1 or not weight:
                consistency = config.consistency.model_copy(update={"weight": weight})
                name = f"{config.name}-{round(100 * share)}{'-consistent' if weight else ''}"
                made.append(config.model_copy(update={"name": name, "labelled": share, "consistency": consistency}))
    return made


def trained_alike(settings: Settings, data: str, runs: Path, cache: Path, device: torch.device) -> dict[str, object]:
    """One training, judged on the patients of the validation."""
    trained = load_trained(train(settings, data, runs / settings.name, cache, device))
    parts, root = parts_of(data, settings), cache_of(cache, data)
    used, others = labelled(kept(parts.train, settings, root), settings)
    held = kept(parts.validation, settings, root)
    return {
        "labelled": settings.labelled,
        "outlined": len(used),
        "others": len(others),
        "consistency": settings.consistency.weight,
        "patients": len(held),
        "dice": dice_by_region(validated(trained.network.to(device), held, settings, device)),
    }


def dice_by_region(sums: Table) -> dict[str, object]:
    """Of what `validated` gives: the mean over patients who have the region."""
    found: dict[str, object] = {}
    for number, region in enumerate(REGIONS):
        overlap, both, truth = sums[:, number].T
        found[region] = asdict(mean_of(overlap[truth > 0] / both[truth > 0]))
    return found


if __name__ == "__main__":
    main()

"""Turns a checkpoint into what the node serves: one ONNX file with its history in it, and the card's thresholds.

python -m export.chest_findings_cxr.export
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from export.checkpoints import SettingsError
from export.chest_findings_cxr.data import placed
from export.chest_findings_cxr.model import Served, build_network
from export.chest_findings_cxr.settings import Settings
from export.chest_findings_cxr.train import RUNS
from export.graph import write_graph
from export.phantoms.chest.radiograph import radiograph
from export.strangeness import Strangeness

OUTPUTS = ("probability", "activation", "strangeness", "frontal", "turned", "inverted")
FOLDER = Path(__file__).parents[2] / "onnx_models" / "chest-findings-cxr"
CARD = Path(__file__).with_name("card.json")
GRAPH = "model.onnx"


@dataclass(frozen=True)
class Trained:
    """A checkpoint, ready to be served."""

    settings: Settings
    data: str
    epochs: int
    thresholds: tuple[float, ...]
    served: Served


def load_trained(checkpoint: Path) -> Trained:
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    settings = Settings.model_validate_json(state["settings"])
    if state["thresholds"] is None:
        raise SettingsError(f"{checkpoint} is not trained to its end; go on with the training.")
    network = build_network(settings)
    network.load_state_dict(state["network"])
    learned = state["strangeness"]
    strangeness = Strangeness(*learned["axes"].shape)
    strangeness.load_state_dict(learned)
    served = Served(network, strangeness).eval()
    return Trained(settings, str(state["data"]), int(state["epochs"]), tuple(state["thresholds"]), served)


def export_network(trained: Trained, path: Path) -> float:
    """Writes the graph and holds it against torch; gives the largest difference of any output."""
    history = {
        "trained_on": "synthetic phantoms; no patient data" if trained.data == "phantoms" else trained.data,
        "settings": json.dumps(trained.settings.model_dump(), separators=(",", ":")),
        "epochs": str(trained.epochs),
    }
    return write_graph(trained.served, path, {"image": examples(trained.settings.rows)}, OUTPUTS, history)


def examples(rows: int) -> Tensor:
    """Radiographs as the node fits them, one of them lying on its side."""
    images = [radiograph(seed).image for seed in range(3)]
    fitted = [placed(each.shape, rows).place(each[None] * 4000, float(each.min()) * 4000) for each in images]
    upright = torch.stack([torch.from_numpy(each) for each in fitted])
    return torch.cat([upright[:2], torch.rot90(upright[2:], 1, (2, 3))])


def write_card(trained: Trained, path: Path) -> None:
    """Matrix and thresholds are the checkpoint's; the rest is written by hand, in the card beside this file."""
    told = json.loads(CARD.read_text())
    told["stages"][0] |= {"rows": trained.settings.rows, "columns": trained.settings.rows}
    for item, threshold in zip(told["outputs"]["classes"]["items"], trained.thresholds, strict=True):
        item["threshold"] = threshold
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "chest-findings-cxr" / "checkpoint.pt")
    parser.add_argument("--out", type=Path, default=FOLDER, help="default: the folder that the node serves")
    given = parser.parse_args()
    trained = load_trained(given.checkpoint)
    difference = export_network(trained, given.out / GRAPH)
    write_card(trained, given.out / "card.json")
    size_mb = (given.out / GRAPH).stat().st_size / 1e6
    print(f"{given.out}: {trained.epochs} epochs, {size_mb:.2f} MB, differs from torch by {difference:.1e} at most")


if __name__ == "__main__":
    main()

"""Turns a checkpoint into what the node serves: the graph, and the card beside it.

python -m export.coronary_calcium_ct.export unet
"""

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from export.coronary_calcium_ct.data import AIR_HU, fitted, neighbours
from export.coronary_calcium_ct.model import DEPTH, CalciumNet, Served, build_network
from export.coronary_calcium_ct.settings import Settings
from export.coronary_calcium_ct.sources import PhantomEntry
from export.coronary_calcium_ct.train import RUNS
from export.graph import write_graph
from export.strangeness import Strangeness

FOLDER = Path(__file__).parents[2] / "onnx_models" / "coronary-calcium-ct"
CARD = Path(__file__).parent / "card.json"
NETWORKS = ("unet", "densenet")
INPUT = "hu"
_EXAMPLE = 7


@dataclass(frozen=True, eq=False)
class Trained:
    """A checkpoint, ready to be served."""

    settings: Settings
    data: str
    iterations: int
    network: CalciumNet
    strangeness: Strangeness

    @property
    def served(self) -> Served:
        return Served(self.network, self.strangeness).eval()


def load_trained(checkpoint: Path) -> Trained:
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if state["strangeness"] is None:
        raise SystemExit(f"{checkpoint} is not trained to its end; go on with the training.")
    settings = Settings.model_validate_json(state["settings"])
    network = build_network(settings)
    network.load_state_dict(state["network"])
    strangeness = Strangeness(*state["strangeness"]["axes"].shape)
    strangeness.load_state_dict(state["strangeness"])
    return Trained(settings, str(state["data"]), int(state["iterations"]), network.eval(), strangeness.eval())


def export_network(trained: Trained, path: Path) -> float:
    """Writes the graph; gives its largest difference to torch."""
    settings = trained.settings
    hu = PhantomEntry(_EXAMPLE).load(8 * settings.pixel_mm).hu_zyx[:: DEPTH * 4]
    examples = np.stack([fitted(neighbours(hu, index), settings.rows, AIR_HU) for index in range(3)])
    history = {
        "trained_on": "synthetic phantoms; no patient data" if trained.data == "phantoms" else trained.data,
        "settings": json.dumps(settings.model_dump(), separators=(",", ":")),
        "iterations": str(trained.iterations),
    }
    return write_graph(trained.served, path, {INPUT: torch.from_numpy(examples)}, Served.outputs, history)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--checkpoint", type=Path, help="default: the one under export/runs")
    parser.add_argument("--out", type=Path, default=FOLDER, help="default: the folder that the node serves")
    given = parser.parse_args()
    trained = load_trained(given.checkpoint or RUNS / f"coronary-calcium-{given.network}" / "checkpoint.pt")
    given.out.mkdir(parents=True, exist_ok=True)
    difference = export_network(trained, given.out / "model.onnx")
    shutil.copyfile(CARD, given.out / "card.json")
    size_mb = (given.out / "model.onnx").stat().st_size / 1e6
    print(
        f"{given.out}: {trained.iterations} iterations, {size_mb:.2f} MB, "
        f"differs from torch by {difference:.1e} at most"
    )


if __name__ == "__main__":
    main()

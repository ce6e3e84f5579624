"""Turns a checkpoint into what the node serves: the graph, and the card beside it.

python -m export.coronary_calcium_ct.export unet
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch

from export.coronary_calcium_ct.data import AIR_HU, fitted, neighbours
from export.coronary_calcium_ct.model import DEPTH, CalciumNet, Served, build_network
from export.coronary_calcium_ct.settings import Settings
from export.coronary_calcium_ct.sources import PhantomEntry
from export.coronary_calcium_ct.train import RUNS
from export.graph import write_graph
from export.trained import Trained, load, put

FOLDER = Path(__file__).parents[2] / "onnx_models" / "coronary-calcium-ct"
CARD = Path(__file__).parent / "card.json"
NETWORKS = ("unet", "densenet")
INPUT = "hu"
_EXAMPLE = 7


def load_trained(checkpoint: Path) -> Trained[Settings, CalciumNet]:
    return load(checkpoint, Settings, build_network)


def export_network(trained: Trained[Settings, CalciumNet], path: Path) -> float:
    """Writes the graph; gives its largest difference to torch."""
    settings = trained.settings
    hu = PhantomEntry(_EXAMPLE).load(8 * settings.pixel_mm).hu_zyx[:: DEPTH * 4]
    examples = np.stack([fitted(neighbours(hu, index), settings.rows, AIR_HU) for index in range(3)])
    served = Served(trained.network, trained.strangeness).eval()
    return write_graph(served, path, {INPUT: torch.from_numpy(examples)}, Served.outputs, trained.history)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--checkpoint", type=Path, help="default: the one under export/runs")
    parser.add_argument("--out", type=Path, default=FOLDER, help="default: the folder that the node serves")
    given = parser.parse_args()
    trained = load_trained(given.checkpoint or RUNS / f"coronary-calcium-{given.network}" / "checkpoint.pt")
    put(trained, partial(export_network, trained), CARD, given.out)


if __name__ == "__main__":
    main()

"""Turns the checkpoint into what the node serves: the graph, the card and the README beside it.

python -m export.brain_tumour_mr.export
"""

import argparse
from functools import partial
from pathlib import Path

import torch

from export.brain_tumour_mr import SERIES
from export.brain_tumour_mr.model import Served, TumourNet, build_network
from export.brain_tumour_mr.settings import Settings
from export.brain_tumour_mr.sources import PhantomEntry
from export.brain_tumour_mr.train import RUNS
from export.graph import write_graph
from export.trained import Trained, load, put

FOLDER = Path(__file__).parents[2] / "onnx_models" / "brain-tumour-mr"
CARD = Path(__file__).parent / "card.json"
INPUT = "images"
_EXAMPLE = 3


def load_trained(checkpoint: Path) -> Trained[Settings, TumourNet]:
    return load(checkpoint, Settings, build_network)


def export_network(trained: Trained[Settings, TumourNet], path: Path) -> float:
    """Writes the graph; gives its largest difference to torch, on a head and on one without what may be missing."""
    settings = trained.settings
    seen = torch.from_numpy(PhantomEntry(_EXAMPLE).load(2 * settings.step_mm).images)
    side = settings.side
    padded = torch.zeros((2, len(SERIES), side, side, side))
    depth, rows, columns = (min(length, side) for length in seen.shape[1:])
    padded[:, :, :depth, :rows, :columns] = seen[:, :depth, :rows, :columns]
    padded[1, 2:] = 0
    served = Served(trained.network, trained.strangeness).eval()
    return write_graph(served, path, {INPUT: padded}, Served.outputs, trained.history)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "brain-tumour-mr" / "checkpoint.pt")
    parser.add_argument("--out", type=Path, default=FOLDER, help="default: the folder that the node serves")
    given = parser.parse_args()
    trained = load_trained(given.checkpoint)
    put(trained, partial(export_network, trained), CARD, given.out)


if __name__ == "__main__":
    main()

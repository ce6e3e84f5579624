"""Turns the checkpoint into what the node serves: the graph, the card and the README beside it.

python -m export.stroke_cta.export
"""

import argparse
from functools import partial
from pathlib import Path

import torch

from export.graph import write_graph
from export.stroke_cta.data import tiles
from export.stroke_cta.model import Served, StrokeNet, build_network
from export.stroke_cta.settings import Settings
from export.stroke_cta.sources import PhantomEntry
from export.stroke_cta.train import RUNS
from export.trained import Trained, load, put

FOLDER = Path(__file__).parents[2] / "onnx_models" / "stroke-cta"
CARD = Path(__file__).parent / "card.json"
INPUT = "images"
_EXAMPLE = 3


def load_trained(checkpoint: Path) -> Trained[Settings, StrokeNet]:
    return load(checkpoint, Settings, build_network)


def export_network(trained: Trained[Settings, StrokeNet], path: Path) -> float:
    """Writes the graph; gives its largest difference to torch, on patches of a head."""
    settings = trained.settings
    seen = PhantomEntry(_EXAMPLE).load(2 * settings.step_mm)
    examples = tiles(seen.hu, settings.patch)[:2]
    examples = torch.cat([examples, examples.flip(-1)])[:2]
    served = Served(trained.network, trained.strangeness).eval()
    return write_graph(served, path, {INPUT: examples}, Served.outputs, trained.history)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "stroke-cta" / "checkpoint.pt")
    parser.add_argument("--out", type=Path, default=FOLDER, help="default: the folder that the node serves")
    given = parser.parse_args()
    trained = load_trained(given.checkpoint)
    put(trained, partial(export_network, trained), CARD, given.out)


if __name__ == "__main__":
    main()

"""Turns the checkpoint into what the node serves: the graph, the card and the README beside it.

python -m export.alzheimer_mr.export
"""

import argparse
from functools import partial
from pathlib import Path

import torch

from export.alzheimer_mr.model import AlzheimerNet, Served
from export.alzheimer_mr.settings import Settings
from export.alzheimer_mr.sources import PhantomEntry
from export.alzheimer_mr.train import RUNS
from export.graph import write_graph
from export.trained import Trained, load, put

FOLDER = Path(__file__).parents[2] / "onnx_models" / "alzheimer-mr"
CARD = Path(__file__).parent / "card.json"
INPUT = "head"
_EXAMPLE = 3
_OPSET = 20


def load_trained(checkpoint: Path) -> Trained[Settings, AlzheimerNet]:
    return load(checkpoint, Settings, AlzheimerNet)


def export_network(trained: Trained[Settings, AlzheimerNet], path: Path) -> float:
    """Writes the graph; gives its largest difference to torch, on a head and on the same one mirrored."""
    seen = torch.from_numpy(PhantomEntry(_EXAMPLE).load(trained.settings).window)[None, None]
    examples = {INPUT: torch.cat([seen, seen.flip(-1)])}
    served = Served(trained.network, trained.strangeness).eval()
    return write_graph(served, path, examples, Served.outputs, trained.history, opset=_OPSET)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "alzheimer-mr" / "checkpoint.pt")
    parser.add_argument("--out", type=Path, default=FOLDER, help="default: the folder that the node serves")
    given = parser.parse_args()
    trained = load_trained(given.checkpoint)
    put(trained, partial(export_network, trained), CARD, given.out)


if __name__ == "__main__":
    main()

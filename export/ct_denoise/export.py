"""Turns the checkpoint into what the node serves: the graph, the card and the README beside it.

python -m export.ct_denoise.export
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch

from export.ct_denoise.train import TASK
from export.graph import write_graph
from export.phantoms.lowdose.case import draw_case
from export.restoring.network import Restorer, Served
from export.restoring.settings import Settings
from export.restoring.training import RUNS
from export.trained import Trained, load, put

FOLDER = Path(__file__).parents[2] / "onnx_models" / "ct-denoise"
CARD = Path(__file__).parent / "card.json"
INPUT = "hu"
_EXAMPLE_ROWS, _EXAMPLE_SLICES = 128, 3


def load_trained(checkpoint: Path) -> Trained[Settings, Restorer]:
    return load(checkpoint, Settings, TASK.network)


def export_network(trained: Trained[Settings, Restorer], path: Path) -> float:
    """Writes the graph; gives its largest difference to torch. Patches of any size go in."""
    case = draw_case(7)
    slices = [case.render(float(z), _EXAMPLE_ROWS).low for z in case.heights(2 * _EXAMPLE_SLICES, 20.0)]
    examples = np.stack(slices).astype(np.float32).reshape(2, 1, _EXAMPLE_SLICES, _EXAMPLE_ROWS, _EXAMPLE_ROWS)
    served = Served(trained.network, trained.strangeness).eval()
    free = {name: {2: "slices", 3: "rows", 4: "columns"} for name in (INPUT, Served.outputs[0])}
    return write_graph(
        served, path, {INPUT: torch.from_numpy(examples)}, Served.outputs, trained.history, free=free, half=False
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "ct-denoise" / "checkpoint.pt")
    parser.add_argument("--out", type=Path, default=FOLDER, help="default: the folder that the node serves")
    given = parser.parse_args()
    trained = load_trained(given.checkpoint)
    put(trained, partial(export_network, trained), CARD, given.out)


if __name__ == "__main__":
    main()

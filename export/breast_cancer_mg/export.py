"""Turns the checkpoint into what the node serves: the graph, the card and the README beside it.

python -m export.breast_cancer_mg.export
"""

import argparse
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from export.breast_cancer_mg import KEYS, SLOTS
from export.breast_cancer_mg.model import CancerNet, Served
from export.breast_cancer_mg.settings import Settings
from export.breast_cancer_mg.sources import FIRST_SEED, PhantomCase
from export.breast_mass_mg.data import fitted
from export.breast_mass_mg.train import RUNS
from export.graph import write_graph
from export.trained import Trained, load, put

FOLDER = Path(__file__).parents[2] / "onnx_models" / "breast-cancer-mg"
CARD = Path(__file__).parent / "card.json"
INPUT = "views"
_EXAMPLE_MM = 1.0


def load_trained(checkpoint: Path) -> Trained[Settings, CancerNet]:
    return load(checkpoint, Settings, CancerNet)


def example(settings: Settings) -> Tensor:
    """A patient with all views, and without the study before and a breast."""
    views = PhantomCase(FIRST_SEED, pixel_mm=_EXAMPLE_MM).load().views
    matrix = (settings.rows, settings.columns)
    seen = [fitted(views[key][0], views[key][1] > 0, matrix)[0] for key in KEYS]
    whole = torch.stack([torch.from_numpy(each) for each in seen])[None]
    less = whole.clone()
    less[:, len(SLOTS) :] = 0
    less[:, 1::2] = 0
    return torch.cat([whole, less])


def export_network(trained: Trained[Settings, CancerNet], path: Path) -> float:
    """Writes the graph; gives its largest difference to torch."""
    served = Served(trained.network, trained.strangeness).eval()
    # In half precision another place of a view would now and then be the highest.
    return write_graph(served, path, {INPUT: example(trained.settings)}, Served.outputs, trained.history, half=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "breast-cancer-mg" / "checkpoint.pt")
    parser.add_argument("--out", type=Path, default=FOLDER, help="default: the folder that the node serves")
    given = parser.parse_args()
    trained = load_trained(given.checkpoint)
    put(trained, partial(export_network, trained), CARD, given.out)


if __name__ == "__main__":
    main()

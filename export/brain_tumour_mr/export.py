"""Turns the checkpoint into what the node serves: the graph, and the card beside it.

python -m export.brain_tumour_mr.export
"""

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from export.brain_tumour_mr import SERIES
from export.brain_tumour_mr.model import Served, TumourNet, build_network
from export.brain_tumour_mr.settings import Settings
from export.brain_tumour_mr.sources import PhantomEntry
from export.brain_tumour_mr.train import RUNS
from export.graph import write_graph
from export.strangeness import Strangeness

FOLDER = Path(__file__).parents[2] / "onnx_models" / "brain-tumour-mr"
CARD = Path(__file__).parent / "card.json"
INPUT = "images"
_EXAMPLE = 3


@dataclass(frozen=True, eq=False)
class Trained:
    """A checkpoint, ready to be served."""

    settings: Settings
    data: str
    iterations: int
    network: TumourNet
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
    """Writes the graph; gives its largest difference to torch, on a head and on one without what may be missing."""
    settings = trained.settings
    seen = torch.from_numpy(PhantomEntry(_EXAMPLE).load(2 * settings.step_mm).images)
    side = settings.side
    padded = torch.zeros((2, len(SERIES), side, side, side))
    depth, rows, columns = (min(length, side) for length in seen.shape[1:])
    padded[:, :, :depth, :rows, :columns] = seen[:, :depth, :rows, :columns]
    padded[1, 2:] = 0
    history = {
        "trained_on": "synthetic phantoms; no patient data" if trained.data == "phantoms" else trained.data,
        "settings": json.dumps(settings.model_dump(), separators=(",", ":")),
        "iterations": str(trained.iterations),
    }
    return write_graph(trained.served, path, {INPUT: padded}, Served.outputs, history)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "brain-tumour-mr" / "checkpoint.pt")
    parser.add_argument("--out", type=Path, default=FOLDER, help="default: the folder that the node serves")
    given = parser.parse_args()
    trained = load_trained(given.checkpoint)
    given.out.mkdir(parents=True, exist_ok=True)
    difference = export_network(trained, given.out / "model.onnx")
    shutil.copyfile(CARD, given.out / "card.json")
    size_mb = (given.out / "model.onnx").stat().st_size / 1e6
    said = f"{trained.iterations} iterations, {size_mb:.2f} MB, differs from torch by {difference:.1e} at most"
    print(f"{given.out}: {said}")


if __name__ == "__main__":
    main()

"""Turns the checkpoint into what the node serves: the graph, and the card beside it.

python -m export.stroke_cta.export
"""

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from export.graph import write_graph
from export.strangeness import Strangeness
from export.stroke_cta.data import tiles
from export.stroke_cta.model import Served, StrokeNet, build_network
from export.stroke_cta.settings import Settings
from export.stroke_cta.sources import PhantomEntry
from export.stroke_cta.train import RUNS

FOLDER = Path(__file__).parents[2] / "onnx_models" / "stroke-cta"
CARD = Path(__file__).parent / "card.json"
INPUT = "images"
_EXAMPLE = 3


@dataclass(frozen=True, eq=False)
class Trained:
    """A checkpoint, ready to be served."""

    settings: Settings
    data: str
    iterations: int
    network: StrokeNet
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
    """Writes the graph; gives its largest difference to torch, on patches of a head."""
    settings = trained.settings
    seen = PhantomEntry(_EXAMPLE).load(2 * settings.step_mm)
    examples = tiles(seen.hu, settings.patch)[:2]
    examples = torch.cat([examples, examples.flip(-1)])[:2]
    history = {
        "trained_on": "synthetic phantoms; no patient data" if trained.data == "phantoms" else trained.data,
        "settings": json.dumps(settings.model_dump(), separators=(",", ":")),
        "iterations": str(trained.iterations),
    }
    return write_graph(trained.served, path, {INPUT: examples}, Served.outputs, history)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "stroke-cta" / "checkpoint.pt")
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

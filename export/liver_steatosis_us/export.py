"""Turns the checkpoint into the graph that the node asks.

python -m export.liver_steatosis_us.export
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch

from export.graph import write_graph
from export.liver_steatosis_us.model import GradedStrangeness, GradeNet, Served, build_network
from export.liver_steatosis_us.settings import Settings
from export.liver_steatosis_us.train import RUNS

FOLDER = Path(__file__).parents[2] / "onnx_models" / "liver-steatosis-us"
TRAINED_ON = "synthetic phantoms made by export/phantoms/ultrasound; no patient data"
INPUT, OUTPUTS = "numbers", ("probability", "strangeness")
PARITY = 1e-4


@dataclass(frozen=True, eq=False)
class Trained:
    """A checkpoint, ready to be served."""

    settings: Settings
    epochs: int
    network: GradeNet
    strangeness: GradedStrangeness

    @property
    def served(self) -> Served:
        return Served(self.network, self.strangeness).eval()


def load_trained(checkpoint: Path) -> Trained:
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    settings = Settings.model_validate_json(state["settings"])
    if "served" not in state:
        raise SystemExit(f"{checkpoint} is not trained to its end; go on with the training.")
    network = build_network(settings)
    network.load_state_dict(state["served"])
    strangeness = GradedStrangeness.loaded(state["strangeness"])
    return Trained(settings, int(state["epochs"]), network.eval(), strangeness.eval())


def export_network(trained: Trained, path: Path) -> float:
    """Gives the largest difference of the graph from torch."""
    generator = torch.Generator().manual_seed(trained.settings.seed)
    examples = 3 * torch.rand((32, len(trained.settings.texture.features)), generator=generator)
    history = {
        "trained_on": TRAINED_ON,
        "settings": trained.settings.model_dump_json(),
        "epochs": str(trained.epochs),
    }
    return write_graph(trained.served, path, {INPUT: examples}, OUTPUTS, history, half=False, tolerance=PARITY)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "liver-steatosis-us" / "checkpoint.pt")
    parser.add_argument("--out", type=Path, default=FOLDER)
    given = parser.parse_args()
    trained = load_trained(given.checkpoint)
    difference = export_network(trained, given.out / "model.onnx")
    size_kb = (given.out / "model.onnx").stat().st_size / 1e3
    print(f"{given.out}: {trained.epochs} epochs, {size_kb:.0f} kB, differs from torch by {difference:.1e} at most")


if __name__ == "__main__":
    main()

"""Turns the checkpoint into what the node asks: one ONNX file, and beside it what its answers stand for.

python -m export.body_region.export
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from export.body_region.data import drawn
from export.body_region.model import RegionNet, build_network
from export.body_region.settings import Settings
from export.body_region.train import RUNS
from export.checkpoints import SettingsError
from export.graph import write_graph
from export.phantoms.regions.region import REGIONS, ROWS
from orthanc_plugin.inference.region import FOLDER, Description

VERSION = "1.0.0"
TRAINED_ON = "synthetic phantoms; no patient data"


class Probability(nn.Module):
    """The network as it is served: images in, probabilities out."""

    def __init__(self, network: RegionNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return torch.softmax(self.network(image), dim=1)


@dataclass(frozen=True)
class Trained:
    """A checkpoint, ready to be served."""

    settings: Settings
    epochs: int
    threshold: float
    network: RegionNet


def load_trained(checkpoint: Path) -> Trained:
    state = torch.load(checkpoint, weights_only=True)
    settings = Settings.model_validate_json(state["settings"])
    if state["threshold"] is None:
        raise SettingsError(f"{checkpoint} is not trained to its end; go on with the training.")
    network = build_network(settings)
    network.load_state_dict(state["network"])
    return Trained(settings, int(state["epochs"]), float(state["threshold"]), network.eval())


def export_network(trained: Trained, folder: Path) -> float:
    """Writes graph and description, and gives the largest difference of the graph from torch."""
    path, served = folder / "region.onnx", Probability(trained.network).eval()
    images = torch.from_numpy(drawn(0, 2, shifted=True).astype(np.float32)[:, None])
    history = {
        "trained_on": TRAINED_ON,
        "settings": json.dumps(trained.settings.model_dump(), separators=(",", ":")),
        "epochs": str(trained.epochs),
    }
    difference = write_graph(served, path, {"image": images}, ["probability"], history, half=False)
    (folder / "region.json").write_text(described(trained).model_dump_json(indent=2) + "\n")
    return difference


def described(trained: Trained) -> Description:
    regions = [None if region == "none" else region for region in REGIONS]
    return Description.model_validate(
        {
            "version": VERSION,
            "trained_on": TRAINED_ON,
            "input": "image",
            "output": "probability",
            "rows": ROWS,
            "regions": regions,
            "threshold": trained.threshold,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "body-region" / "checkpoint.pt")
    parser.add_argument("--out", type=Path, default=FOLDER, help="default: the folder that the node reads")
    given = parser.parse_args()
    trained = load_trained(given.checkpoint)
    difference = export_network(trained, given.out)
    size_mb = (given.out / "region.onnx").stat().st_size / 1e6
    print(f"{given.out}: {trained.epochs} epochs, {size_mb:.2f} MB, threshold {trained.threshold:g}, "
          f"differs from torch by {difference:.1e} at most")  # fmt: skip


if __name__ == "__main__":
    main()

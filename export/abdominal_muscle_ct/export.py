"""Turns checkpoints into what the node serves: a checkpoint goes in, one ONNX file with its history in it comes out.

python -m export.abdominal_muscle_ct.export tissue
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from export.abdominal_muscle_ct import familiar
from export.abdominal_muscle_ct.card import asking
from export.abdominal_muscle_ct.model import LevelNet, TissueNet, build_network
from export.abdominal_muscle_ct.settings import NETWORKS, Settings, parse_settings
from export.abdominal_muscle_ct.train import RUNS, STRANGENESS
from export.graph import write_graph
from export.phantoms import abdomen
from export.strangeness import Strangeness, description_of

SERVED_ROWS = 512
SHIPPED = Path(__file__).parents[2] / "onnx_models" / "abdominal-muscle-ct"
_FILES = {"tissue": "model.onnx", "tissue-densenet": "model.onnx", "level": "level.onnx"}
_FREE = {2: "rows", 3: "columns"}


class ServedTissue(nn.Module):
    """HU [N, 1, rows, columns] in, probabilities [N, 3, rows, columns] out."""

    outputs = ("probability",)

    def __init__(self, network: TissueNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, hu: Tensor) -> Tensor:
        return torch.sigmoid(cast(Tensor, self.network(hu)))


class ServedLevel(nn.Module):
    """HU [N, 1, rows, columns] in; [N] each: offset from mid L3, its deviation, and how strange the slice is."""

    outputs = ("offset_mm", "sigma_mm", "strangeness")

    def __init__(self, network: LevelNet, strangeness: Strangeness) -> None:
        super().__init__()
        self.network, self.strangeness = network, strangeness

    def forward(self, hu: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        images, features = self.network.look(hu)
        return *self.network.judge(features), self.strangeness(description_of(images, features))


@dataclass(frozen=True)
class Trained:
    """A checkpoint, ready to be served."""

    settings: Settings
    data: str
    epochs: int
    network: ServedTissue | ServedLevel


def load_trained(checkpoint: Path) -> Trained:
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    settings = parse_settings(state["settings"])
    network = build_network(settings, level_shrink=SERVED_ROWS // settings.stages[-1].rows)
    network.load_state_dict(state["network"])
    return Trained(settings, str(state["data"]), int(state["epochs"]), _served(network, checkpoint).eval())


def _served(network: nn.Module, checkpoint: Path) -> ServedTissue | ServedLevel:
    if isinstance(network, LevelNet):
        return ServedLevel(network, familiar.load(checkpoint.with_name(STRANGENESS)))
    return ServedTissue(cast(TissueNet, network))


def export_network(trained: Trained, path: Path, *, rows: int = SERVED_ROWS, half: bool = True) -> float:
    """Writes the graph and checks it against torch; gives the largest difference of any output."""
    slices = abdomen.phantom(1, slices=3, rows=rows).voxels_zyx[:, None].astype(np.float32)
    free = {"hu": _FREE, "probability": _FREE} if isinstance(trained.network, ServedTissue) else {}
    return write_graph(
        trained.network,
        path,
        {"hu": torch.from_numpy(slices)},
        trained.network.outputs,
        {
            "trained_on": "synthetic phantoms; no patient data" if trained.data == "phantoms" else trained.data,
            "settings": json.dumps(json.loads(trained.settings.as_json()), separators=(",", ":")),
            "epochs": str(trained.epochs),
        },
        free=free,
        half=half,
    )


def tell_card(path: Path, outputs: Sequence[str]) -> None:
    card = asking(json.loads(path.read_text()), list(outputs))
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--checkpoint", type=Path, help="default: the one under export/runs")
    parser.add_argument("--out", type=Path, help="default: the file that the node serves")
    given = parser.parse_args()
    trained = load_trained(given.checkpoint or RUNS / given.network / "checkpoint.pt")
    path = given.out or SHIPPED / _FILES[given.network]
    difference = export_network(trained, path)
    if path.parent == SHIPPED and isinstance(trained.network, ServedLevel):
        tell_card(SHIPPED / "card.json", trained.network.outputs)
    size_mb = path.stat().st_size / 1e6
    print(f"{path}: {trained.epochs} epochs, {size_mb:.2f} MB, differs from torch by {difference:.1e} at most")


if __name__ == "__main__":
    main()

"""Turns checkpoints into what the node serves: a checkpoint goes in, one ONNX file with its history in it comes out.

python -m export.abdominal_muscle_ct.export tissue
"""

import argparse
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import onnx
import torch
from torch import Tensor, nn

from export.abdominal_muscle_ct.model import LevelNet, TissueNet, build_network
from export.abdominal_muscle_ct.settings import Settings, parse_settings
from export.abdominal_muscle_ct.train import RUNS
from export.parity import check_parity

SERVED_ROWS = 512
_OPSET = 17
_MODELS = Path(__file__).parents[2] / "onnx_models" / "abdominal-muscle-ct"
_FILES = {"tissue": "model.onnx", "level": "level.onnx"}


class Probability(nn.Module):
    """The tissue network as it is served: HU in, probabilities out."""

    def __init__(self, network: TissueNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, hu: Tensor) -> Tensor:
        return torch.sigmoid(cast(Tensor, self.network(hu)))


@dataclass(frozen=True)
class Trained:
    """A checkpoint, ready to be served."""

    settings: Settings
    data: str
    epochs: int
    network: nn.Module


def load_trained(checkpoint: Path) -> Trained:
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    settings = parse_settings(state["settings"])
    network = build_network(settings, level_shrink=SERVED_ROWS // settings.stages[-1].rows)
    network.load_state_dict(state["network"])
    served = Probability(network) if isinstance(network, TissueNet) else network
    return Trained(settings, str(state["data"]), int(state["epochs"]), served.eval())


def export_network(trained: Trained, path: Path) -> float:
    """Writes the graph and checks it against torch; gives the largest difference of any output."""
    path.parent.mkdir(parents=True, exist_ok=True)
    outputs = ["offset_mm", "sigma_mm"] if isinstance(trained.network, LevelNet) else ["probability"]
    axes = {"hu": {0: "slices", 2: "rows", 3: "columns"}} | {name: {0: "slices"} for name in outputs}
    if outputs == ["probability"]:
        axes["probability"] = axes["hu"]
    with warnings.catch_warnings():
        # The newer exporter needs onnxscript, which nothing else here needs; this one is deprecated and says so.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            trained.network,
            (torch.zeros(1, 1, SERVED_ROWS, SERVED_ROWS),),
            str(path),
            input_names=["hu"],
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=_OPSET,
            dynamo=False,
        )
    _write_history(trained, path)
    return check_parity(trained.network, path, rows=SERVED_ROWS)


def _write_history(trained: Trained, path: Path) -> None:
    """Puts into the file itself what it was trained on and how."""
    graph = onnx.load(path)
    onnx.helper.set_model_props(
        graph,
        {
            "trained_on": "synthetic phantoms; no patient data" if trained.data == "phantoms" else trained.data,
            "settings": json.dumps(json.loads(trained.settings.as_json()), separators=(",", ":")),
            "epochs": str(trained.epochs),
            "licence": "AGPL-3.0-or-later",
        },
    )
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=sorted(_FILES))
    parser.add_argument("--checkpoint", type=Path, help="default: the one under export/runs")
    parser.add_argument("--out", type=Path, help="default: the file that the node serves")
    given = parser.parse_args()
    trained = load_trained(given.checkpoint or RUNS / given.network / "checkpoint.pt")
    path = given.out or _MODELS / _FILES[given.network]
    difference = export_network(trained, path)
    size_mb = path.stat().st_size / 1e6
    print(f"{path}: {trained.epochs} epochs, {size_mb:.2f} MB, differs from torch by {difference:.1e} at most")


if __name__ == "__main__":
    main()

"""A checkpoint in, its network and measure of strangeness ready to be served out, and the folder that is served."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from pydantic import BaseModel
from torch import nn

from export.strangeness import Strangeness

Settings = TypeVar("Settings", bound=BaseModel)
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class Trained(Generic[Settings, Network]):
    settings: Settings
    data: str
    iterations: int
    network: Network
    strangeness: Strangeness

    @property
    def history(self) -> dict[str, str]:
        """What a graph says of how it came about."""
        return {
            "trained_on": "synthetic phantoms; no patient data" if self.data == "phantoms" else self.data,
            "settings": json.dumps(self.settings.model_dump(), separators=(",", ":")),
            "iterations": str(self.iterations),
        }


def load(
    checkpoint: Path, settings: type[Settings], build: Callable[[Settings], Network]
) -> Trained[Settings, Network]:
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if state["strangeness"] is None:
        raise SystemExit(f"{checkpoint} is not trained to its end; go on with the training.")
    known = settings.model_validate_json(state["settings"])
    network = build(known)
    network.load_state_dict(state["network"])
    strangeness = Strangeness(*state["strangeness"]["axes"].shape)
    strangeness.load_state_dict(state["strangeness"])
    return Trained(known, str(state["data"]), int(state["iterations"]), network.eval(), strangeness.eval())


def put(trained: Trained[Settings, Network], write: Callable[[Path], float], card: Path, folder: Path) -> None:
    """The graph, which `write` says the largest difference to torch of; the card and the README beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    difference = write(folder / "model.onnx")
    for name in (card.name, "README.md"):
        shutil.copyfile(card.with_name(name), folder / name)
    size_mb = (folder / "model.onnx").stat().st_size / 1e6
    said = f"{trained.iterations} iterations, {size_mb:.2f} MB, differs from torch by {difference:.1e} at most"
    print(f"{folder}: {said}")

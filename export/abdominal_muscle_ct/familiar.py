"""The level network and the slices that it has learned on in, a measure of how unlike them another slice is out."""

from pathlib import Path

import torch
from monai.data import DataLoader
from torch import Tensor

from export.abdominal_muscle_ct.data import validation_batches
from export.abdominal_muscle_ct.model import LevelNet
from export.abdominal_muscle_ct.settings import Settings
from export.strangeness import Strangeness, description_of


def fitted(network: LevelNet, seen: list[Path], held: list[Path], settings: Settings, workers: int = 1) -> Strangeness:
    """Fitted on the slices trained on, its bound set by those validated on."""
    stage = settings.stages[-1]
    learned, bounding = (
        _descriptions(network, validation_batches(folders, stage, workers)) for folders in (seen, held)
    )
    return Strangeness.fitted(learned, bounding)


@torch.no_grad()
def _descriptions(network: LevelNet, batches: DataLoader) -> Tensor:
    network.eval()
    device = next(network.parameters()).device
    return torch.cat([description_of(*network.look(batch.hu.to(device))).cpu() for batch in batches])


def save(strangeness: Strangeness, path: Path) -> None:
    torch.save(strangeness.state_dict(), path)


def load(path: Path) -> Strangeness:
    state = torch.load(path, map_location="cpu", weights_only=True)
    found = Strangeness(*state["axes"].shape)
    found.load_state_dict(state)
    return found

"""Trainings that may be interrupted: what a resumption or an export needs goes in and comes back."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn


def save(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, said: Mapping[str, object]) -> None:
    """Written beside and renamed, so that no half file is ever there; `said` is what else is to be known."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({**said, "network": network.state_dict(), "optimiser": optimiser.state_dict()}, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)

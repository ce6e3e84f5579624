"""Trainings that may be interrupted: what a resumption or an export needs goes in and comes back."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn


class SettingsError(ValueError):
    """A sentence for whoever gave data, settings or a checkpoint that do not fit."""


class Seeded(Protocol):
    """The settings of a training, which are a model of pydantic's."""

    @property
    def seed(self) -> int: ...
    def model_dump_json(self) -> str: ...


def save(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, said: Mapping[str, object]) -> None:
    """Written beside and renamed, so that no half file is ever there; `said` is what else is to be known."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({**said, "network": network.state_dict(), "optimiser": optimiser.state_dict()}, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def about(settings: Seeded, data: str, iterations: int, **more: object) -> dict[str, object]:
    """What every checkpoint of a training in iterations says; the strangeness is known at its end."""
    return {
        "settings": settings.model_dump_json(),
        "data": data.partition(":")[0],
        "seed": settings.seed,
        "iterations": iterations,
        "strangeness": None,
        **more,
    }


def resume(
    path: Path, settings: str, network: nn.Module, optimiser: torch.optim.Optimizer, device: torch.device | str = "cpu"
) -> dict[str, Any]:
    """Gives both what they had learned; gives what else was said. SettingsError where it is not the settings'."""
    state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    if json.loads(state["settings"]) != json.loads(settings):
        raise SettingsError(f"{path} was trained with another configuration; give another --out or remove it.")
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return state

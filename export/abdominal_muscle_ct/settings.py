"""A training's settings: a JSON file goes in, a frozen description comes out; unknown keys are refused."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from export.checkpoints import SettingsError

Network = Literal["tissue", "tissue-densenet", "level"]
NETWORKS: tuple[Network, ...] = ("tissue", "tissue-densenet", "level")


@dataclass(frozen=True)
class Split:
    """Patients (or, for real data, their proportions) and slices per patient that are kept to train and validate on.

    Of phantoms the slices lie between `lowest_mm` and `highest_mm` above mid L3.
    """

    train: int
    validation: int
    test: int
    train_slices: int
    validation_slices: int
    lowest_mm: float
    highest_mm: float


@dataclass(frozen=True)
class Stage:
    """A stretch of the training. `rows` is the matrix the slices are brought to, `seen` the rows of the part of it.

    `slices` of each patient are seen in an epoch, others in the next, until all that are kept had their turn.
    """

    epochs: int
    rows: int
    seen: int
    slices: int
    batch: int
    learning_rate: float


@dataclass(frozen=True)
class Augmentation:
    """Rigid, scale and mirror augmentation, and noise in HU."""

    turn_degrees: float
    shift_share: float
    scale_share: float
    mirror: bool
    noise_hu: float


@dataclass(frozen=True)
class Settings:
    name: str
    network: Network
    channels: tuple[int, ...]
    units_per_level: int
    seed: int
    cached_rows: int
    split: Split
    augmentation: Augmentation
    stages: tuple[Stage, ...]
    bfloat16: bool

    @property
    def outlines(self) -> bool:
        """Whether the network outlines tissues; else it finds the level."""
        return self.network != "level"

    @property
    def epochs(self) -> int:
        return sum(stage.epochs for stage in self.stages)

    def stage_of(self, epoch: int) -> tuple[Stage, int]:
        """The stage that an epoch (from 0) belongs to, and the epoch's number within it."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage, epoch
            epoch -= stage.epochs
        raise IndexError(f"The training has {self.epochs} epochs.")

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=2)


def read_settings(path: Path) -> Settings:
    return parse_settings(path.read_text())


def parse_settings(text: str) -> Settings:
    raw = json.loads(text)
    parts = {
        "split": _build(Split, raw.get("split", {})),
        "augmentation": _build(Augmentation, raw.get("augmentation", {})),
        "stages": tuple(_build(Stage, stage) for stage in raw.get("stages", [])),
        "channels": tuple(raw.get("channels", [])),
    }
    settings: Settings = _build(Settings, raw | parts)
    if settings.network not in NETWORKS:
        raise SettingsError(f"The network is '{settings.network}'; it must be one of {', '.join(NETWORKS)}.")
    return settings


def _build(kind: Any, values: dict[str, Any]) -> Any:
    known = {field.name for field in fields(kind)}
    unknown, missing = sorted(values.keys() - known), sorted(known - values.keys())
    if unknown:
        raise SettingsError(
            f"The configuration has the unknown key '{unknown[0]}'; allowed: {', '.join(sorted(known))}."
        )
    if missing:
        raise SettingsError(f"The configuration lacks the key '{missing[0]}'.")
    return kind(**values)

"""One image being painted: shapes go in by where they lie in the body, values come out on a square matrix."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
_WAVES = 3


@dataclass(frozen=True)
class Pose:
    """How the body lies on the image, which reaches from -1 to 1: turned, stretched, moved, and bent by `bend`."""

    turn: float
    scale_x: float
    scale_y: float
    shift_x: float
    shift_y: float
    bend: float

    @classmethod
    def draw(cls, rng: np.random.Generator, *, shifted: bool) -> "Pose":
        spread = 2.0 if shifted else 1.0
        size = np.exp(rng.normal(-0.12 if shifted else 0.0, 0.11 * spread))
        return cls(
            turn=float(rng.normal(0, 0.09 * spread)),
            scale_x=float(size * np.exp(rng.normal(0, 0.06 * spread))),
            scale_y=float(size * np.exp(rng.normal(0, 0.06 * spread))),
            shift_x=float(rng.normal(0, 0.06 * spread)),
            shift_y=float(rng.normal(0, 0.06 * spread)),
            bend=0.025 * spread,
        )


class Sheet:
    """x grows to the right and y downwards, in the units of the body; `put` covers, `add` is seen through."""

    def __init__(self, rows: int, pose: Pose, rng: np.random.Generator, background: float) -> None:
        axis = np.linspace(-1, 1, rows, dtype=np.float32)
        x, y = axis[None, :] - np.float32(pose.shift_x), axis[:, None] - np.float32(pose.shift_y)
        cos, sin = np.float32(np.cos(pose.turn)), np.float32(np.sin(pose.turn))
        bent_x, bent_y = _bent(rng, pose.bend, axis[:, None]), _bent(rng, pose.bend, axis[None, :])
        self.x: Floats = np.asarray((cos * x + sin * y) / np.float32(pose.scale_x) + bent_x, np.float32)
        self.y: Floats = np.asarray((cos * y - sin * x) / np.float32(pose.scale_y) + bent_y, np.float32)
        self.values: Floats = np.full((rows, rows), background, np.float32)

    def put(self, mask: Mask, value: float) -> None:
        np.copyto(self.values, np.float32(value), where=mask)

    def add(self, radius: Floats, value: float) -> None:
        """What a beam loses in a round body: `radius` is 0 in its middle and 1 at its border."""
        self.values += np.float32(value) * np.sqrt(np.maximum(1 - radius * radius, 0))

    def ellipse(
        self, x: float, y: float, radius_x: float, radius_y: float, turn: float = 0.0, power: float = 2.0
    ) -> Floats:
        """0 in the middle, 1 at the border; a power above 2 makes it a rounded box."""
        dx, dy = self.x - np.float32(x), self.y - np.float32(y)
        if turn:
            cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
            dx, dy = cos * dx + sin * dy, cos * dy - sin * dx
        dx, dy = dx / np.float32(radius_x), dy / np.float32(radius_y)
        if power == 2.0:
            return np.asarray(np.sqrt(dx * dx + dy * dy), np.float32)
        return np.asarray((np.abs(dx) ** power + np.abs(dy) ** power) ** (1 / power), np.float32)

    def bone(self, start: tuple[float, float], end: tuple[float, float], radius: float, ends: float = 1.0) -> Floats:
        """A rod from point to point, 1 at its border; its ends are `ends` times as thick as its shaft."""
        (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
        length = max(dx * dx + dy * dy, 1e-6)
        along = np.clip(((self.x - np.float32(x)) * np.float32(dx) + (self.y - np.float32(y)) * np.float32(dy))
                        / np.float32(length), 0, 1)  # fmt: skip
        away = np.hypot(
            self.x - np.float32(x) - along * np.float32(dx), self.y - np.float32(y) - along * np.float32(dy)
        )
        middle = 2 * along - 1
        return np.asarray(away / (np.float32(radius) * (1 + np.float32(ends - 1) * middle**4)), np.float32)


def _bent(rng: np.random.Generator, size: float, axis: Floats) -> Floats:
    waves = rng.normal(0, size, _WAVES)
    phases = rng.uniform(0, 2 * np.pi, _WAVES)
    orders = np.arange(1, _WAVES + 1)
    return np.asarray(sum(w / k * np.sin(np.pi * k * axis + p) for w, k, p in zip(waves, orders, phases, strict=True)),
                      np.float32)  # fmt: skip

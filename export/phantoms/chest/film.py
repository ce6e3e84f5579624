"""One radiograph being painted: shapes go in by where they lie in the body, what a beam loses comes out, per pixel."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates, zoom

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Random = np.random.Generator
ROWS = 256


@dataclass(frozen=True)
class Pose:
    """How the body lies on the image, which reaches from -1 to 1: turned a little, scaled and moved."""

    turn: float
    scale: float
    shift_x: float
    shift_y: float

    @classmethod
    def draw(cls, rng: Random, *, shifted: bool) -> "Pose":
        spread = 1.5 if shifted else 1.0
        return cls(
            turn=float(rng.normal(0, 0.035 * spread)),
            scale=float(np.exp(rng.normal(0.0, 0.05 * spread))),
            shift_x=float(rng.normal(0, 0.04 * spread)),
            shift_y=float(rng.normal(0, 0.04 * spread)),
        )


class Film:
    """x grows to the image's right (the patient's left), y downwards; `loss` is what is added up along the beam."""

    def __init__(self, pose: Pose, rng: Random) -> None:
        axis = (np.arange(ROWS, dtype=np.float32) + 0.5) * np.float32(2 / ROWS) - 1
        self._pose = pose
        x, y = axis[None, :] - np.float32(pose.shift_x), axis[:, None] - np.float32(pose.shift_y)
        cos, sin = np.float32(np.cos(pose.turn) / pose.scale), np.float32(np.sin(pose.turn) / pose.scale)
        self.x: Floats = cos * x + sin * y
        self.y: Floats = cos * y - sin * x
        self.loss: Floats = np.zeros((ROWS, ROWS), np.float32)
        self.coarse = clouds(rng, 14)
        self.fine = clouds(rng, 48)

    def near(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """The part of the image that holds what is within `reach` of a point: small shapes are painted there alone."""
        pose = self._pose
        cos, sin = np.cos(pose.turn) * pose.scale, np.sin(pose.turn) * pose.scale
        column, row = cos * x - sin * y + pose.shift_x, sin * x + cos * y + pose.shift_y
        low_row, high_row = (_pixel(row + side * reach * pose.scale) for side in (-1, 1))
        low_column, high_column = (_pixel(column + side * reach * pose.scale) for side in (-1, 1))
        return slice(low_row, high_row + 1), slice(low_column, high_column + 1)

    def radius(
        self,
        x: float,
        y: float,
        radius_x: float,
        radius_y: float,
        turn: float = 0.0,
        at: tuple[slice, slice] | None = None,
    ) -> Floats:
        """Squared, of an ellipse: 0 in its middle, 1 at its border."""
        here_x, here_y = (self.x, self.y) if at is None else (self.x[at], self.y[at])
        dx, dy = here_x - np.float32(x), here_y - np.float32(y)
        if turn:
            cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
            dx, dy = cos * dx + sin * dy, cos * dy - sin * dx
        dx, dy = dx * np.float32(1 / radius_x), dy * np.float32(1 / radius_y)
        return np.asarray(dx * dx + dy * dy, np.float32)

    def ball(self, x: float, y: float, radius_x: float, radius_y: float, value: float, turn: float = 0.0) -> None:
        """A solid round body: the beam loses most in its middle."""
        at = self.near(x, y, max(radius_x, radius_y))
        inside = 1 - self.radius(x, y, radius_x, radius_y, turn, at)
        self.loss[at] += np.float32(value) * np.sqrt(np.maximum(inside, 0))

    def line(self, points: list[tuple[float, float]], width: float, value: float) -> None:
        """A rod from point to point, as wires, vessels and bones are."""
        for (x, y), (to_x, to_y) in pairwise(points):
            reach = float(np.hypot(to_x - x, to_y - y)) / 2 + width
            at = self.near((x + to_x) / 2, (y + to_y) / 2, reach)
            away = distance(self.x[at], self.y[at], (x, y), (to_x, to_y))
            inside = np.sqrt(np.maximum(1 - (away / np.float32(width)) ** 2, 0))
            # Where two parts of a line meet, the thicker counts once.
            self.loss[at] += np.float32(value) * inside


def distance(x: Floats, y: Floats, start: tuple[float, float], end: tuple[float, float]) -> Floats:
    """From each pixel to the line between two points."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = (x - np.float32(start[0])) * np.float32(dx) + (y - np.float32(start[1])) * np.float32(dy)
    along = np.clip(along / np.float32(max(dx * dx + dy * dy, 1e-6)), 0, 1)
    away_x, away_y = (
        x - np.float32(start[0]) - along * np.float32(dx),
        y - np.float32(start[1]) - along * np.float32(dy),
    )
    return np.asarray(np.sqrt(away_x * away_x + away_y * away_y), np.float32)


def clouds(rng: Random, cells: int) -> Floats:
    """Smooth noise of about this many cells across the image, deviation 1."""
    noise = gaussian_filter(rng.standard_normal((cells + 4, cells + 4), dtype=np.float32), 0.8, mode="wrap")
    grown = zoom(noise, ROWS / (cells + 4), order=1, grid_mode=True, mode="nearest")[:ROWS, :ROWS]
    return np.asarray((grown - grown.mean()) / max(float(grown.std()), 1e-6), np.float32)


def edge(distance: NDArray[np.floating], width: float) -> Floats:
    """1 where the distance is negative, 0 where it is positive, and a ramp of this width between."""
    return np.asarray(np.clip(np.float32(0.5) - distance * np.float32(1 / width), 0, 1), np.float32)


def sampled(table: Floats, rows: Floats, columns: Floats) -> Floats:
    return np.asarray(map_coordinates(table, [rows, columns], order=1, mode="nearest"), np.float32)


def _pixel(place: float) -> int:
    return int(np.clip(round((place + 1) / 2 * ROWS), 0, ROWS - 1))

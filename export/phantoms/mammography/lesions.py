"""What lies in a breast: masses with their outlines, and what looks like one: islands of glands, lymph nodes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from export.phantoms.mammography.sheet import Floats, Texture, Window

Kind = Literal["mass", "island", "node"]
_ANGLES = np.linspace(-np.pi, np.pi, 181)


@dataclass(frozen=True)
class Lesion:
    """A round thing around (y, x) in mm; its radius changes with the angle by `waves` (order, amplitude, phase).

    `offset` is how much denser than its surroundings it is: on average the same for masses and for what looks like
    them, so that the grey value tells nothing.
    """

    kind: Kind
    y: float
    x: float
    radius: float
    aspect: float
    turn: float
    waves: tuple[tuple[int, float, float], ...]
    offset: float
    edge_mm: float
    kept: float
    rim: float
    hidden: tuple[float, float]
    spicules: tuple[tuple[float, float, float], ...]
    seed: tuple[int, ...]

    @property
    def box_mm(self) -> tuple[float, float, float, float]:
        """Of its outline: top, left, bottom, right."""
        reach = self._reach(_ANGLES)
        ys, xs = self.y + reach * np.sin(_ANGLES), self.x + reach * np.cos(_ANGLES)
        return float(ys.min()), float(xs.min()), float(ys.max()), float(xs.max())

    def _reach(self, angle: Floats | NDArray[np.float64]) -> Floats:
        turned = angle - self.turn
        reach = self.radius / np.sqrt(np.cos(turned) ** 2 + (np.sin(turned) / self.aspect) ** 2)
        waved = sum((amount * np.cos(order * angle + phase) for order, amount, phase in self.waves), np.float64(1.0))
        return np.asarray(reach * waved, np.float32)

    def _depth_mm(self, window: Window) -> Floats:
        """How far within the outline each pixel lies, negative outside."""
        dy, dx = window.y - self.y, window.x - self.x
        return np.asarray(self._reach(np.arctan2(dy, dx)) - np.hypot(dy, dx), np.float32)

    def mask(self, window: Window) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        return np.asarray(self._depth_mm(window) > 0)

    def put_into(self, tissue: Floats, window: Window, around: float) -> None:
        """Changes the tissue; `around` is its mean about the lesion, the same in every window."""
        reach = self.radius * 2.6 + 4
        rows = slice(*np.searchsorted(window.y[:, 0], (self.y - reach, self.y + reach)))
        columns = slice(*np.searchsorted(window.x[0], (self.x - reach, self.x + reach)))
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if min(height, width) < 1:
            return
        top, left = window.top_mm + rows.start * window.pixel_mm, window.left_mm + columns.start * window.pixel_mm
        part = Window(top, left, height, width, window.pixel_mm)
        tissue[rows, columns] = self._into(tissue[rows, columns], part, around)

    def _into(self, tissue: Floats, window: Window, around: float) -> Floats:
        depth = self._depth_mm(window)
        angle = np.arctan2(window.y - self.y, window.x - self.x)
        # Behind glands its edge is lost over a part of the way round.
        lost = np.exp(3.0 * (np.cos(angle - self.hidden[0]) - 1)) * self.hidden[1]
        inside = 1 / (1 + np.exp(np.clip(-depth / (self.edge_mm * (1 + 6 * lost)), -30, 30)))
        own = Texture((*self.seed, 7), (4.0, 2.0, 1.0), 0.8).on(window) * np.float32(0.035)
        made = tissue * (1 - inside * (1 - self.kept)) + inside * ((1 - self.kept) * around + self.offset + own)
        # Fat around it, pressed together, and its own denser edge: both wider where it is larger.
        wide = 0.5 + 0.07 * self.radius
        made -= self.rim * (1 - lost) * np.exp(-(((depth + 1.6 * wide) / wide) ** 2))
        made += 0.4 * self.rim * (1 - lost) * np.exp(-(((depth - wide) / wide) ** 2))
        if self.kind == "node":  # fat in its hilum
            made -= 0.26 * np.exp(-(((window.y - self.y) ** 2 + (window.x - self.x) ** 2) / (0.4 * self.radius) ** 2))
        for direction, length, strength in self.spicules:
            turned = np.angle(np.exp(1j * (angle - direction - 0.05 * np.sin(depth / 2))))
            across = np.abs(turned) * np.maximum(self.radius - depth, 0.1)
            along = np.clip(1 + depth / length, 0, 1) * (depth < 1)
            made += np.float32(strength) * np.exp(-((across / 0.5) ** 2)) * along
        return np.asarray(made, np.float32)


def mass(rng: np.random.Generator, y: float, x: float, radius: float, seed: tuple[int, ...], shifted: bool) -> Lesion:
    lobes = int(rng.integers(3, 7))
    waves = ((2, rng.uniform(0, 0.1), rng.uniform(0, 6)), (lobes, rng.uniform(0.03, 0.15), rng.uniform(0, 6)),
             (lobes * 2 + 1, rng.uniform(0, 0.05), rng.uniform(0, 6)))  # fmt: skip
    spicules: tuple[tuple[float, float, float], ...] = ()
    if rng.random() < (0.5 if shifted else 0.4):
        spicules = tuple(
            (rng.uniform(-np.pi, np.pi), radius * rng.uniform(0.5, 1.4), rng.uniform(0.06, 0.16))
            for _ in range(rng.integers(8, 22))
        )
    return Lesion(
        "mass", y, x, radius, float(rng.uniform(0.65, 1.0)), float(rng.uniform(0, np.pi)), waves,
        offset=offset(rng, shifted), edge_mm=float(rng.uniform(0.25, 0.9)), kept=float(rng.uniform(0.1, 0.45)),
        rim=float(rng.uniform(0.04, 0.14)), hidden=(float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(0, 1))),
        spicules=spicules, seed=seed,
    )  # fmt: skip


def lookalike(
    rng: np.random.Generator, kind: Kind, y: float, x: float, radius: float, seed: tuple[int, ...], shifted: bool
) -> Lesion:
    """An island keeps the texture of what it lies in and has a washed-out edge; a node is sharp, with fat within."""
    island = kind == "island"
    waves = ((2, rng.uniform(0, 0.2), rng.uniform(0, 6)), (3, rng.uniform(0.05, 0.25), rng.uniform(0, 6)))
    return Lesion(
        kind, y, x, radius, float(rng.uniform(0.5, 1.0)), float(rng.uniform(0, np.pi)), waves,
        offset=offset(rng, shifted) + (0.0 if island else 0.05),
        edge_mm=float(radius * rng.uniform(0.2, 0.4)) if island else 0.4,
        kept=1.0 if island else 0.4, rim=0.0 if island else 0.03, hidden=(0.0, 0.0), spicules=(), seed=seed,
    )  # fmt: skip


def offset(rng: np.random.Generator, shifted: bool) -> float:
    return float(rng.normal(0.0 if shifted else 0.005, 0.05))

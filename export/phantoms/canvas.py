"""One axial slice being painted: tissues in HU and labels go on a grid that knows its place in the body."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Window = tuple[slice, slice]

BACKGROUND, MUSCLE, VISCERAL_FAT, SUBCUTANEOUS_FAT = 0, 1, 2, 3
AIR_HU = -1000.0
_LARGEST_WARP_MM = 16.0


@dataclass(frozen=True)
class Pose:
    """How the body lies on the image: in-plane turn (radians) and where its centre is (mm from the image's)."""

    turn: float
    x_mm: float
    y_mm: float


@dataclass(frozen=True)
class Warp:
    """A smooth displacement field over the whole body: sums of waves (per wave: kx, ky, kz, phase, amplitude)."""

    waves_x: NDArray[np.float64]
    waves_y: NDArray[np.float64]

    @classmethod
    def draw(cls, rng: np.random.Generator, amplitude_mm: float) -> "Warp":
        def waves() -> NDArray[np.float64]:
            length = rng.uniform([90, 90, 60], [320, 320, 260], (5, 3)) * rng.choice([-1, 1], (5, 3))
            phase = rng.uniform(0, 2 * np.pi, (5, 1))
            size = rng.normal(0, amplitude_mm / np.sqrt(5), (5, 1))
            return np.hstack([2 * np.pi / length, phase, np.clip(size, -amplitude_mm, amplitude_mm)])

        return cls(waves(), waves())

    def shifts_mm(self, x_mm: Floats, y_mm: Floats, z_mm: float) -> tuple[Floats, Floats]:
        """Displacements for the 1-D axes `x_mm`, `y_mm`; the waves separate, so this costs outer products only."""
        return self._sum(self.waves_x, x_mm, y_mm, z_mm), self._sum(self.waves_y, x_mm, y_mm, z_mm)

    @staticmethod
    def _sum(waves: NDArray[np.float64], x_mm: Floats, y_mm: Floats, z_mm: float) -> Floats:
        kx, ky, kz, phase, size = waves.T[:, :, None]
        along_x = kx * x_mm + kz * z_mm + phase
        along_y = ky * y_mm
        total = (size * np.cos(along_y)).T @ np.sin(along_x) + (size * np.sin(along_y)).T @ np.cos(along_x)
        return np.asarray(total, np.float32)


class Canvas:
    """Paint with masks of windows. Axes are (row, column); x_mm grows to the patient's left, y_mm to the back."""

    def __init__(self, rows: int, spacing_mm: float, pose: Pose, warp: Warp, z_mm: float) -> None:
        self.rows, self.spacing_mm, self.pose, self.z_mm = rows, spacing_mm, pose, z_mm
        axis = ((np.arange(rows) - (rows - 1) / 2) * spacing_mm).astype(np.float32)
        x = axis[None, :] - np.float32(pose.x_mm)
        y = axis[:, None] - np.float32(pose.y_mm)
        shift_x, shift_y = warp.shifts_mm(axis, axis, z_mm)
        cos, sin = np.float32(np.cos(pose.turn)), np.float32(np.sin(pose.turn))
        self.x_mm: Floats = cos * x + sin * y + shift_x
        self.y_mm: Floats = cos * y - sin * x + shift_y
        self.hu: Floats = np.full((rows, rows), AIR_HU, np.float32)
        self.labels: NDArray[np.uint8] = np.zeros((rows, rows), np.uint8)
        self.cavity: Mask = np.zeros((rows, rows), np.bool_)
        self.body: Mask = np.zeros((rows, rows), np.bool_)

    def window(self, x_mm: float, y_mm: float, reach_mm: float) -> Window | None:
        """The part of the image that can hold a shape of this reach around a point of the body."""
        cos, sin = np.cos(self.pose.turn), np.sin(self.pose.turn)
        column = (cos * x_mm - sin * y_mm + self.pose.x_mm) / self.spacing_mm + (self.rows - 1) / 2
        row = (sin * x_mm + cos * y_mm + self.pose.y_mm) / self.spacing_mm + (self.rows - 1) / 2
        reach = (reach_mm + _LARGEST_WARP_MM) / self.spacing_mm
        top, bottom = max(int(row - reach), 0), min(int(row + reach) + 2, self.rows)
        left, right = max(int(column - reach), 0), min(int(column + reach) + 2, self.rows)
        return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None

    def paint(self, window: Window, mask: Mask, hu: float | Floats, label: int = BACKGROUND) -> None:
        np.copyto(self.hu[window], np.float32(hu) if isinstance(hu, float) else hu, where=mask)
        np.copyto(self.labels[window], np.uint8(label), where=mask)


@dataclass(frozen=True)
class Outline:
    """A closed curve: an ellipse of exponent `power`, turned by `angle`, its radius wobbling with the angle."""

    x_mm: float
    y_mm: float
    radius_x_mm: float
    radius_y_mm: float
    angle: float = 0.0
    power: float = 2.0
    wobble: tuple[float, ...] = ()

    def inside_mm(self, canvas: Canvas) -> tuple[Window, Floats] | None:
        """A window and how deep each of its pixels lies inside (mm, roughly; negative outside)."""
        small, large = sorted((self.radius_x_mm, self.radius_y_mm))
        if small <= 0.3:
            return None
        window = canvas.window(self.x_mm, self.y_mm, large * 1.45)
        if window is None:
            return None
        dx, dy = canvas.x_mm[window] - self.x_mm, canvas.y_mm[window] - self.y_mm
        cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        along, across = (cos * dx + sin * dy) / self.radius_x_mm, (cos * dy - sin * dx) / self.radius_y_mm
        if self.power == 2.0:
            radius = np.sqrt(along * along + across * across)
        else:
            radius = (np.abs(along) ** self.power + np.abs(across) ** self.power) ** (1 / self.power)
        if self.wobble:
            radius = radius / (1 + self._wobbling(np.arctan2(across, along)))
        return window, ((1 - radius) * small).astype(np.float32)

    def _wobbling(self, theta: Floats) -> Floats:
        """`wobble` holds amplitude and phase of the second, third, … harmonic in turn."""
        total = np.zeros_like(theta)
        for order, (size, phase) in enumerate(zip(self.wobble[::2], self.wobble[1::2], strict=True), start=2):
            total += np.float32(size) * np.cos(order * theta + np.float32(phase))
        return total

    def paint(self, canvas: Canvas, hu: float, label: int = BACKGROUND, *, in_cavity: bool = False) -> None:
        depth = self.inside_mm(canvas)
        if depth is not None:
            window, inside = depth
            mask = inside > 0
            canvas.paint(window, mask & canvas.cavity[window] if in_cavity else mask, hu, label)


def draw_wobble(rng: np.random.Generator, size: float, orders: int = 3) -> tuple[float, ...]:
    values: list[float] = []
    for order in range(orders):
        values += [float(rng.normal(0, size / (1 + order))), float(rng.uniform(0, 2 * np.pi))]
    return tuple(values)

"""What lies under the probe: a seed, a grade of steatosis and places go in, how strongly each echoes comes out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Random = np.random.Generator
GRADES = ("normal", "mild", "moderate", "severe")
# What fat does, by grade, each with its spread between patients: echoes of the liver against the kidney's cortex,
# attenuation beyond that of a sound liver, how far vessels fade, and how much finer the texture is.
_BRIGHTER_DB, _BRIGHTER_SPREAD = (2.0, 4.5, 7.5, 10.0), 1.5
_ATTENUATION, _ATTENUATION_SPREAD = (0.0, 0.03, 0.07, 0.12), 0.02  # dB/cm/MHz
_FADED, _FADED_SPREAD = (0.0, 0.15, 0.5, 0.85), 0.12
_FINER, _FINER_SPREAD = (1.0, 0.86, 0.7, 0.52), 0.02
_REGULAR, _REGULAR_SPREAD = (3.7, 2.2, 1.15, 0.2), 0.08
USUAL_ATTENUATION = 0.55


@dataclass(frozen=True)
class Steatosis:
    """What the fat of one patient does."""

    grade: int
    brighter_db: float
    attenuation: float
    faded: float
    finer: float
    regular: float


def draw_steatosis(rng: Random, grade: int) -> Steatosis:
    return Steatosis(
        grade,
        float(rng.normal(_BRIGHTER_DB[grade], _BRIGHTER_SPREAD)),
        float(USUAL_ATTENUATION + max(rng.normal(_ATTENUATION[grade], _ATTENUATION_SPREAD), -0.1)),
        float(np.clip(rng.normal(_FADED[grade], _FADED_SPREAD), 0, 1)),
        float(_FINER[grade] * np.exp(rng.normal(0, _FINER_SPREAD))),
        float(max(rng.normal(_REGULAR[grade], _REGULAR_SPREAD), 0)),
    )


@dataclass(frozen=True)
class Tissue:
    """Echo strength in dB, and where the liver's parenchyma lies, on the places asked for."""

    echo_db: Floats
    liver: NDArray[np.bool_]


def tissue(rng: Random, fat: Steatosis, x_mm: Floats, y_mm: Floats, depth_mm: float) -> Tissue:
    """`y_mm` is the depth under the middle of the probe's face, `x_mm` to the right."""
    echo = np.full(x_mm.shape, -6.0, np.float32)
    wall = float(rng.uniform(14, 26))
    bend = np.float32(rng.uniform(-0.003, 0.003)) * x_mm * x_mm
    liver = y_mm > wall + bend
    echo[liver] = np.float32(-12 + fat.brighter_db)
    _abdominal_wall(echo, rng, y_mm - bend, wall)
    body = liver.copy()
    for draw in (_vessels, _kidney, _gallbladder, _diaphragm):
        draw(echo, body, rng, fat, x_mm, y_mm, depth_mm)
    return Tissue(echo, body)


def _abdominal_wall(echo: Floats, rng: Random, y_mm: Floats, wall: float) -> None:
    """Skin, fat, muscle in layers, and the liver's capsule."""
    depth = 0.0
    while depth < wall:
        thick = float(rng.uniform(2, 6))
        echo[(y_mm >= depth) & (y_mm < min(depth + thick, wall))] = rng.uniform(-14, 0)
        depth += thick
    echo[np.abs(y_mm - wall) < 0.8] = 2.0


def _vessels(
    echo: Floats, body: NDArray[np.bool_], rng: Random, fat: Steatosis, x_mm: Floats, y_mm: Floats, depth_mm: float
) -> None:
    """Hepatic veins without a wall that is seen, portal branches with bright ones; fat blurs both."""
    for _ in range(rng.integers(4, 9)):
        x, y = rng.uniform(-60, 60), rng.uniform(35, 0.8 * depth_mm)
        turn, long, wide = rng.uniform(-1.2, 1.2), rng.uniform(8, 32), rng.uniform(1.2, 4.5)
        dx, dy = x_mm - np.float32(x), y_mm - np.float32(y)
        along = np.cos(turn) * dx + np.sin(turn) * dy
        across = -np.sin(turn) * dx + np.cos(turn) * dy + np.float32(rng.normal(0, 0.008)) * along * along
        border = np.sqrt((along / long) ** 2 + (across / wide) ** 2)
        lumen = (border < 1) & body
        if rng.random() < 0.55:
            walls = (np.abs(across) < wide + 1.2) & (np.abs(along) < long) & (border >= 0.9) & body
            echo[walls] += np.float32(9 * (1 - fat.faded))
            body &= ~walls
        echo[lumen] = np.float32(-38 + 18 * fat.faded)
        body &= ~lumen


def _kidney(
    echo: Floats, body: NDArray[np.bool_], rng: Random, fat: Steatosis, x_mm: Floats, y_mm: Floats, depth_mm: float
) -> None:
    """Its cortex is what the liver is compared with."""
    if rng.random() < 0.25:
        return
    x, y = rng.uniform(25, 60), rng.uniform(0.55, 0.85) * depth_mm
    turn = rng.uniform(-0.5, 0.5)
    dx, dy = x_mm - np.float32(x), y_mm - np.float32(y)
    along, across = np.cos(turn) * dx + np.sin(turn) * dy, -np.sin(turn) * dx + np.cos(turn) * dy
    border = np.sqrt((along / rng.uniform(42, 55)) ** 2 + (across / rng.uniform(18, 25)) ** 2)
    echo[border < 1.05] = 0.0
    echo[border < 1] = -13.0
    echo[border < 0.5] = -2.0
    body &= border >= 1.05


def _gallbladder(
    echo: Floats, body: NDArray[np.bool_], rng: Random, fat: Steatosis, x_mm: Floats, y_mm: Floats, depth_mm: float
) -> None:
    if rng.random() < 0.65:
        return
    x, y, turn = rng.uniform(-55, 10), rng.uniform(50, 90), rng.uniform(-0.8, 0.8)
    dx, dy = x_mm - np.float32(x), y_mm - np.float32(y)
    along, across = np.cos(turn) * dx + np.sin(turn) * dy, -np.sin(turn) * dx + np.cos(turn) * dy
    border = np.sqrt((along / rng.uniform(18, 30)) ** 2 + (across / rng.uniform(9, 14)) ** 2)
    echo[border < 1.08] = -2.0
    echo[border < 1] = -45.0
    behind = (np.abs(along) < 14) & (across > 8) & (border >= 1.08)
    echo[behind] += 4.0
    body &= (border >= 1.08) & ~behind


def _diaphragm(
    echo: Floats, body: NDArray[np.bool_], rng: Random, fat: Steatosis, x_mm: Floats, y_mm: Floats, depth_mm: float
) -> None:
    """A bright curve, and lung or bowel behind it."""
    edge = (
        y_mm - np.float32(rng.uniform(0.8, 0.98) * depth_mm) + np.float32(rng.uniform(0.002, 0.006)) * (x_mm + 20) ** 2
    )
    echo[edge > 0] = -20.0
    echo[np.abs(edge) < 1.5] = np.float32(12 - 10 * fat.faded)
    body &= edge < -1.5

"""Where heart, vessels and the wall of the chest lie in one patient: drawn from a seed, in mm around the heart.

x grows to the patient's left, y to the back, z to the head, as on a canvas.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.phantoms.patient import Build, Generator

Vector = NDArray[np.float64]
Path = NDArray[np.float64]
_GROOVE = -0.35
"""Between atria and ventricles, in half lengths from the heart's middle; its apex is at 1."""
_STEP_MM = 0.6


@dataclass(frozen=True, eq=False)
class Heart:
    """An ellipsoid from `-axis`, the base, to `axis`, the apex, in a layer of fat; `front` and `right` stand on it."""

    middle: Vector
    axis: Vector
    front: Vector
    right: Vector
    half_length: float
    radius: float
    fat_mm: float

    def surface(self, along: Vector | float, turn: Vector | float, out_mm: float) -> Path:
        """Points `along` the axis (-1 to 1), `turn` from the front towards the right, so far outside of the muscle."""
        along, turn = np.broadcast_arrays(np.asarray(along, float), np.asarray(turn, float))
        wide = self.radius * np.sqrt(np.clip(1 - along**2, 0, 1)) + out_mm
        aside = np.cos(turn)[:, None] * self.front + np.sin(turn)[:, None] * self.right
        return np.asarray(self.middle + along[:, None] * self.half_length * self.axis + wide[:, None] * aside)


@dataclass(frozen=True, eq=False)
class Chest:
    """Half axes of the ribs' cage, walls in mm, heights of the ribs; where spine and breastbone are."""

    half_width: float
    half_depth: float
    middle: Vector
    fat_mm: float
    muscle_mm: float
    rib_phase: float
    spine: Vector
    vertebra_mm: float
    lung_hu: float


@dataclass(frozen=True, eq=False)
class Vessel:
    """A tube along a path."""

    path: Path
    radius: float


@dataclass(frozen=True, eq=False)
class Anatomy:
    """`arteries` are the coronary ones by their names; `mitral` and `aortic` are the rings of the valves.

    Atria and vessels of the lung are balls: middle and radius.
    """

    heart: Heart
    chest: Chest
    ascending: Vessel
    descending: Vessel
    pulmonary: Vessel
    arteries: dict[str, Path]
    artery_mm: float
    mitral: Path
    aortic: Path
    atria: tuple[tuple[Vector, float], ...]
    lung_vessels: tuple[tuple[Vector, float], ...]
    liver_top_mm: float
    blood_hu: float
    muscle_hu: float
    fat_hu: float


def draw_anatomy(rng: np.random.Generator, generator: Generator, build: Build) -> Anatomy:
    shifted = generator is Generator.shifted
    heart = _draw_heart(rng, shifted)
    chest = _draw_chest(rng, build, heart)
    root = heart.middle - 0.5 * heart.half_length * heart.axis + np.array([-6.0, -4.0, 8.0]) + rng.normal(0, 2, 3)
    aorta_mm = float(rng.uniform(13, 19) + (1.5 if shifted else 0))
    up = unit(np.array([-0.12, -0.22, 1.0]) + rng.normal(0, 0.05, 3))
    ascending = Vessel(line(root, root + 75 * up), aorta_mm)
    beside = np.array([chest.spine[0] + rng.uniform(16, 30), chest.spine[1] - rng.uniform(16, 26), 0.0])
    descending = Vessel(line(beside - [0, 0, 130.0], beside + np.array([rng.normal(0, 6), 0, 130.0])), aorta_mm * 0.78)
    trunk = root + np.array([22.0, -14.0, 12.0])
    pulmonary = Vessel(line(trunk, trunk + np.array([6.0, 26.0, 46.0])), float(rng.uniform(11, 15)))
    return Anatomy(
        heart=heart,
        chest=chest,
        ascending=ascending,
        descending=descending,
        pulmonary=pulmonary,
        arteries=_coronaries(rng, heart, root + 13 * up, aorta_mm),
        artery_mm=float(rng.uniform(1.3, 2.1)),
        mitral=_ring(rng, heart),
        aortic=_circle(root + 5 * up, up, 0.75 * aorta_mm),
        atria=_atria(rng, heart),
        lung_vessels=_lung_vessels(rng, chest),
        liver_top_mm=float(rng.uniform(-62, -22)),
        blood_hu=float(rng.normal(42, 4)),
        muscle_hu=float(rng.normal(48, 4)),
        fat_hu=float(rng.normal(-98, 6)),
    )


def _draw_heart(rng: np.random.Generator, shifted: bool) -> Heart:
    axis = unit(np.array([0.62, -0.5, -0.55 if not shifted else -0.4]) + rng.normal(0, 0.1, 3))
    front = np.array([0.15, -0.85, 0.45]) + rng.normal(0, 0.08, 3)
    front = unit(front - (front @ axis) * axis)
    right = np.cross(axis, front)
    right = right if right[0] < 0 else -right
    size = float(np.exp(rng.normal(0.05 if shifted else 0, 0.09)))
    return Heart(
        middle=np.array([rng.normal(22, 6), rng.normal(-26, 6), 0.0]),
        axis=axis,
        front=front,
        right=right,
        half_length=62 * size,
        radius=41 * size * float(np.exp(rng.normal(0, 0.05))),
        fat_mm=float(rng.uniform(5, 14)),
    )


def _draw_chest(rng: np.random.Generator, build: Build, heart: Heart) -> Chest:
    wide = float(np.clip(build.half_width_mm * 0.95, 125, 185))
    deep = float(np.clip(build.half_depth_mm * 1.0, heart.radius + 48, 125))
    middle = np.array([0.0, float(heart.middle[1]) - heart.radius - heart.fat_mm - rng.uniform(1, 8) + deep])
    return Chest(
        half_width=wide,
        half_depth=deep,
        middle=middle,
        fat_mm=float(np.clip(build.subcutaneous_mm, 5, 55)),
        muscle_mm=float(rng.uniform(9, 18) * build.muscularity),
        rib_phase=float(rng.uniform(0, 24)),
        spine=np.array([rng.normal(0, 4), middle[1] + deep - 24.0]),
        vertebra_mm=float(rng.uniform(15, 20)),
        lung_hu=float(rng.normal(-845, 25)),
    )


def _coronaries(rng: np.random.Generator, heart: Heart, root: Vector, aorta_mm: float) -> dict[str, Path]:
    """In the fat of the grooves: the left one forks at the front, its branches go down and round to the left."""
    out = heart.fat_mm * float(rng.uniform(0.3, 0.6))

    def wavy(size: float) -> Vector:
        phase = rng.uniform(0, 2 * np.pi, 2)
        along = np.linspace(0, 1, 60)
        return np.asarray(size * (np.sin(5 * along + phase[0]) + 0.5 * np.sin(11 * along + phase[1])))

    fork = heart.surface(np.array([_GROOVE - 0.12]), np.array([rng.normal(-0.25, 0.08)]), out)[0]
    left_mouth = root + aorta_mm * unit(np.array([0.85, -0.1, 0.0]))
    right_mouth = root + aorta_mm * unit(np.array([-0.25, -0.95, 0.0]))
    main = bent(left_mouth, fork, np.array([3.0, -2.0, 2.0]))
    down = np.linspace(_GROOVE - 0.12, rng.uniform(0.55, 0.9), 60)
    front = heart.surface(down, rng.normal(-0.05, 0.08) + wavy(0.05) * np.linspace(0.3, 1, 60), out)
    around = np.linspace(-0.35, -rng.uniform(1.6, 2.7), 60)
    left = heart.surface(_GROOVE - 0.06 + wavy(0.025), around, out)
    turned = np.linspace(rng.uniform(0.5, 0.7), rng.uniform(2.7, 3.3), 60)
    right = heart.surface(_GROOVE - 0.02 + wavy(0.03), turned, out)
    behind = heart.surface(np.linspace(_GROOVE, rng.uniform(0.2, 0.6), 40), np.full(40, turned[-1]), out)
    return {
        "LM": even(main),
        "LAD": even(np.vstack([fork, front])),
        "LCX": even(np.vstack([fork, left])),
        "RCA": even(np.vstack([bent(right_mouth, right[0], np.array([-3.0, -3.0, 0.0])), right, behind])),
    }


def _ring(rng: np.random.Generator, heart: Heart) -> Path:
    """Of the mitral valve: inside of the groove, on the left and behind, hardly a finger's breadth from the LCX."""
    turn = np.linspace(-0.7, -3.0, 60)
    middle = heart.middle + (_GROOVE + 0.02) * heart.half_length * heart.axis
    wide = heart.radius * float(rng.uniform(0.66, 0.8))
    return even(middle + wide * (np.cos(turn)[:, None] * heart.front + np.sin(turn)[:, None] * heart.right))


def _atria(rng: np.random.Generator, heart: Heart) -> tuple[tuple[Vector, float], ...]:
    base = heart.middle - 0.72 * heart.half_length * heart.axis
    left = base - 0.25 * heart.radius * heart.right + rng.normal(0, 3, 3)
    right = base + 0.65 * heart.radius * heart.right + rng.normal(0, 3, 3)
    return (left, heart.radius * float(rng.uniform(0.7, 0.95))), (right, heart.radius * float(rng.uniform(0.6, 0.8)))


def _lung_vessels(rng: np.random.Generator, chest: Chest) -> tuple[tuple[Vector, float], ...]:
    balls = []
    for _ in range(220):
        turn, far = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0.1, 0.85))
        place = chest.middle + far * np.array([np.cos(turn) * chest.half_width, np.sin(turn) * chest.half_depth])
        balls.append((np.array([*place, rng.uniform(-80, 80)]), float(rng.uniform(1.2, 4.5))))
    return tuple(balls)


def _circle(middle: Vector, normal: Vector, radius: float) -> Path:
    first = unit(np.cross(normal, [0.0, 1.0, 0.0]))
    second = np.cross(normal, first)
    turn = np.linspace(0, 2 * np.pi, 60)
    return even(middle + radius * (np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second))


def unit(vector: Vector) -> Vector:
    return np.asarray(vector / np.linalg.norm(vector))


def line(start: Vector, end: Vector) -> Path:
    return even(np.stack([start, end]))


def bent(start: Vector, end: Vector, by: Vector) -> Path:
    share = np.linspace(0, 1, 20)[:, None]
    return np.asarray(start + share * (end - start) + np.sin(np.pi * share) * by)


def even(path: Path) -> Path:
    """The same path in points that are equally far apart."""
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0, along[-1], max(int(along[-1] / _STEP_MM), 1) + 1)
    return np.stack([np.interp(wanted, along, path[:, axis]) for axis in range(3)], axis=1)

"""The scanner: tissues go in, HU with contrast, noise, streaks and bias come out, in whole numbers."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from export.phantoms import scanner
from export.phantoms.brain.anatomy import Floats, Labels, Random
from export.phantoms.brain.scan import Grid
from export.phantoms.patient import Build, Generator

_HU = (-1000.0, -90.0, 1350.0, 550.0, 58.0, 8.0, 40.0, 31.0, 39.0, 33.0, 14.0, 420.0)
"""Of the tissues in their order, without contrast."""
_PERFUSED = (0.0, 0.0, 0.0, 0.0, 0.03, 0.0, 0.030, 0.016, 0.026, 0.018, 0.004, 0.0)
"""Share of what is added to blood that is added to each of them."""
_PETROUS_MM = -40.0
_MOST_HU = 3071


@dataclass(frozen=True)
class Contrast:
    """What it adds to blood in arteries, and the share of that in veins: little early, nearly all late."""

    blood_hu: float
    venous_share: float


@dataclass(frozen=True)
class Acquisition:
    """How one series was made; `turn` and `shift_mm` are how the head lies, `pale_hu` what age takes from white matter.

    `noise_mm` is how far noise reaches in the image's plane, as the kernel has it; `streaks` are their phases.
    """

    scan: scanner.Scan
    contrast: Contrast
    turn: tuple[float, float, float]
    shift_mm: tuple[float, float, float]
    noise_mm: float
    pale_hu: float
    drift_hu: tuple[float, float, float]
    streaks: tuple[float, float]

    def grid(self, shape: tuple[int, int, int], step_mm: tuple[float, float, float], thickness_mm: float) -> Grid:
        return Grid(shape, step_mm, thickness_mm, self.turn, self.shift_mm)


@dataclass(frozen=True, eq=False)
class Material:
    """What lies at each place before the scanner blurs it; `places` are those of the head of plain shape."""

    hu: Floats
    infarct: NDArray[np.bool_]
    places: Floats
    tissues: Labels


def painted(tissues: Labels, acquisition: Acquisition, uneven: Floats) -> Floats:
    """HU of tissues with contrast in their small vessels, a little uneven."""
    plain = np.array(_HU, np.float32)[tissues]
    return np.asarray(plain + perfused(tissues, acquisition.contrast) + np.float32(0.8) * uneven, np.float32)


def perfused(tissues: Labels, contrast: Contrast) -> Floats:
    """HU that contrast adds to tissues."""
    return np.asarray((np.array(_PERFUSED, np.float32) * np.float32(contrast.blood_hu))[tissues], np.float32)


def acquired(hu: Floats, material: Material, acquisition: Acquisition, grid: Grid, rng: Random) -> NDArray[np.int16]:
    scan = acquisition.scan
    _, row_mm, column_mm = grid.step_mm
    blurred = gaussian_filter(hu, [0.0, scan.blur_mm / row_mm, scan.blur_mm / column_mm])
    wide = gaussian_filter(blurred, [0.0, 1.5 / row_mm, 1.5 / column_mm])
    image = blurred + np.float32(scan.edge_gain) * (blurred - wide)
    head = material.tissues > 0
    image += _streaks(material, acquisition)
    image += np.where(head, _shading(material, acquisition), 0)
    image += noise(acquisition, grid, rng) * np.where(head, np.float32(1), np.float32(0.6))
    hounsfield: NDArray[np.int16] = np.clip(np.rint(image), -1024, _MOST_HU).astype(np.int16)
    return hounsfield


def noise(acquisition: Acquisition, grid: Grid, rng: Random) -> Floats:
    """As strong as the scan's in voxels of its own; larger ones are the mean of more of it, so that it falls."""
    scan, reach = acquisition.scan, acquisition.noise_mm
    white = rng.standard_normal(grid.shape, np.float32)
    slice_mm, row_mm, column_mm = grid.step_mm
    shaped = gaussian_filter(white, [0.0, reach / row_mm, reach / column_mm])
    own = reach**2 + (scan.field_of_view_mm / 512) ** 2 / 12
    here = reach**2 + row_mm * column_mm / 6
    share = np.sqrt(own / here * min(scan.slice_thickness_mm / slice_mm, 1.0))
    return np.asarray(shaped / shaped.std() * (scan.noise_hu * share), np.float32)


def _streaks(material: Material, acquisition: Acquisition) -> Floats:
    """Dark and bright bands across the hind part of the head, between the petrous bones."""
    z, y, x = material.places
    first, second = acquisition.streaks
    near = np.exp(-(((z - _PETROUS_MM) / 9) ** 2) - ((y - 12) / 26) ** 2) * (np.abs(x) < 46)
    band = np.sin(y / 3.5 + first) + 0.6 * np.sin((y + 0.3 * x) / 2.2 + second) - 0.7
    return np.asarray(np.float32(acquisition.scan.streak_hu) * near * band, np.float32)


def _shading(material: Material, acquisition: Acquisition) -> Floats:
    """Beams that bone has hardened make the rim brighter or darker; the rest drifts from side to side."""
    z, y, x = (place / 70 for place in material.places)
    along_z, along_y, along_x = acquisition.drift_hu
    radius = np.sqrt(x**2 + y**2 + z**2)
    cupped = np.float32(acquisition.scan.cupping_hu) * np.clip(radius, 0, 1.2) ** 2
    return np.asarray(cupped + along_z * z + along_y * y + along_x * x + acquisition.scan.bias_hu, np.float32)


def draw_acquisition(rng: Random, generator: Generator, build: Build) -> Acquisition:
    """`shifted`: another kernel and dose, thicker slices, contrast that comes later and is thinner."""
    shifted = generator is Generator.shifted
    usual = scanner.draw_scan(rng, generator, build, 2.0)
    thickness = float(rng.choice([1.5, 2.0, 2.5, 3.0] if shifted else [1.0, 1.25, 1.5, 2.0]))
    scan = replace(
        usual,
        kernel="sharp" if shifted else "soft",
        blur_mm=float(rng.uniform(0.35, 0.6) if shifted else rng.uniform(0.55, 0.9)),
        edge_gain=float(rng.uniform(0.25, 0.6) if shifted else rng.uniform(0, 0.15)),
        noise_hu=float(rng.uniform(8, 15) * (1.5 if shifted else 1.0) / np.sqrt(thickness)),
        slice_thickness_mm=thickness,
        field_of_view_mm=round(float(rng.uniform(220, 250)), 1),
        streak_hu=float(rng.gamma(2.0, 3.5) * (1.5 if shifted else 1.0)),
        cupping_hu=float(rng.normal(0, 2.5 if shifted else 1.5)),
        bias_hu=float(rng.normal(0, 3.5 if shifted else 2.5)),
        arms=(),
        tube_kv=int(rng.choice([80, 100] if shifted else [100, 120])),
    )
    blood = float(rng.uniform(190, 300) if shifted else rng.uniform(260, 420))
    tilt = 0.14 if shifted else 0.09
    return Acquisition(
        scan=scan,
        contrast=Contrast(blood, float(rng.uniform(0.6, 1.0) if shifted else rng.uniform(0.15, 0.7))),
        turn=_three(rng.normal(0, tilt, 3)),
        shift_mm=_three(rng.normal(0, 1, 3) * (4, 5, 6)),
        noise_mm=float(rng.uniform(0.35, 0.5) if shifted else rng.uniform(0.5, 0.75)),
        pale_hu=float(rng.uniform(3, 9)),
        drift_hu=_three(rng.normal(0, 0.8, 3)),
        streaks=(float(rng.uniform(0, 6.28)), float(rng.uniform(0, 6.28))),
    )


def _three(values: NDArray[np.float64]) -> tuple[float, float, float]:
    first, second, third = values
    return float(first), float(second), float(third)

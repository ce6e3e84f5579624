"""What tissues look like on CT: a contrast phase goes in, attenuation in HU and three-dimensional texture come out."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from export.phantoms.canvas import Canvas, Floats, Window
from export.phantoms.patient import Build, Generator, Patient

Phase = Literal["none", "arterial", "portal", "excretory"]


@dataclass(frozen=True)
class Attenuation:
    """HU of each tissue of one patient in one phase."""

    phase: Phase
    muscle: float
    fat_subcutaneous: float
    fat_visceral: float
    fat_in_muscle: float
    liver: float
    spleen: float
    pancreas: float
    kidney_cortex: float
    kidney_medulla: float
    urine: float
    bowel_wall: float
    artery: float
    vein: float
    cortical_bone: float
    spongy_bone: float
    disc: float
    mass: float
    skin: float = 45.0
    cartilage: float = 70.0
    bile: float = 8.0
    gas: float = -920.0
    lung: float = -840.0


# artery, vein, kidney cortex, kidney medulla, urine, and what liver, spleen, pancreas, bowel wall, muscle gain
_PHASES: dict[Phase, tuple[float, ...]] = {
    "none": (42, 40, 33, 31, 5, 0, 0, 0, 0, 0),
    "arterial": (290, 60, 170, 60, 8, 12, 65, 55, 45, 3),
    "portal": (150, 145, 185, 165, 20, 50, 70, 45, 40, 8),
    "excretory": (95, 95, 120, 120, 420, 35, 45, 25, 25, 7),
}


def draw_attenuation(rng: np.random.Generator, generator: Generator, patient: Patient, build: Build) -> Attenuation:
    shares = (0.30, 0.20, 0.48, 0.02) if generator is Generator.standard else (0.2, 0.25, 0.3, 0.25)
    phase: Phase = ("none", "arterial", "portal", "excretory")[int(rng.choice(4, p=shares))]
    artery, vein, cortex, medulla, urine, liver, spleen, pancreas, wall, muscle = (
        value * float(rng.normal(1, 0.1)) for value in _PHASES[phase]
    )
    steatosis = float(rng.gamma(1.2, 9)) if rng.random() < 0.45 else 0.0
    spongy = float(np.clip(rng.normal(230 - 1.7 * patient.age_years + 40, 30), 35, 260))
    return Attenuation(
        phase=phase,
        muscle=float(rng.normal(57, 4)) - 32 * build.fat_in_muscle + muscle,
        fat_subcutaneous=float(rng.normal(-107, 4)) + 25 * build.oedema,
        fat_visceral=float(rng.normal(-100, 4)),
        fat_in_muscle=float(rng.normal(-75, 12)),
        liver=float(rng.normal(58, 5)) - steatosis + liver,
        spleen=float(rng.normal(49, 4)) + spleen,
        pancreas=float(rng.normal(38, 6)) + pancreas,
        kidney_cortex=cortex,
        kidney_medulla=medulla,
        urine=urine,
        bowel_wall=float(rng.normal(38, 6)) + wall,
        artery=artery,
        vein=vein,
        cortical_bone=float(rng.normal(480, 60)),
        spongy_bone=spongy,
        disc=float(rng.normal(85, 10)),
        mass=float(rng.normal(45, 10)) + 0.5 * wall,
    )


class Texture:
    """Smooth noise of unit variance that fills the body, so that neighbouring slices look alike."""

    _CELL_MM = 2.5
    _SHAPE = (40, 96, 96)

    def __init__(self, rng: np.random.Generator, grain_mm: float) -> None:
        noise = rng.standard_normal(self._SHAPE, dtype=np.float32)
        smooth = gaussian_filter(noise, grain_mm / self._CELL_MM, mode="wrap")
        self._noise: NDArray[np.float32] = smooth / smooth.std()

    def sample(self, canvas: Canvas, window: Window) -> Floats:
        """The noise of a window; it repeats every 240 mm in the plane."""
        x, y = canvas.x_mm[window], canvas.y_mm[window]
        z = np.full_like(x, canvas.z_mm / (2 * self._CELL_MM))
        at = np.stack([z, y / self._CELL_MM, x / self._CELL_MM])
        values: Floats = map_coordinates(self._noise, at, order=1, mode="grid-wrap", output=np.float32)
        return values

"""A patient's seed and a view in, the breast as it is compressed for it out: outline, muscle, glands, vessels."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.ndimage import map_coordinates

from export.phantoms.mammography.sheet import HEIGHT_MM, Floats, Texture, Window

View = Literal["RCC", "LCC", "RMLO", "LMLO"]
VIEWS: tuple[View, ...] = ("RCC", "LCC", "RMLO", "LMLO")
_FIBRES = 192  # of the polar map around the nipple


@dataclass(frozen=True)
class Breast:
    """Lengths in mm. `thick` is how far in from the outline the breast reaches its full thickness, as a share."""

    view: View
    middle_y: float
    depth: float
    half_height: float
    power: float
    thick: float
    density: float
    muscle: tuple[float, float]
    fibre_strength: float
    glands: Texture
    grain: Texture
    seed: tuple[int, ...]
    folds: bool

    @property
    def nipple(self) -> tuple[float, float]:
        return self.middle_y, self.depth * 0.99

    def radius(self, window: Window) -> Floats:
        """0 at the middle of the chest wall, 1 at the skin."""
        dy, dx = np.abs(window.y - self.middle_y) / self.half_height, np.maximum(window.x, 0) / self.depth
        bumps = 0.02 * np.sin(window.y / 19 + self.density * 9) + 0.015 * np.sin(window.y / 7.3)
        radius = (dy**self.power + dx**self.power) ** (1 / self.power) + bumps
        return np.asarray(radius, np.float32)

    def thickness(self, radius: Floats) -> Floats:
        """1 where the plates touch the breast, falling to 0 at the skin like a round edge."""
        edge = np.clip((radius - (1 - self.thick)) / self.thick, 0, 1)
        return np.asarray(np.sqrt(1 - edge * edge), np.float32)

    def in_muscle(self, window: Window) -> Floats:
        """From 0 to 1 across its edge; none on a view from above."""
        width, length = self.muscle
        if not width:
            return np.zeros((window.rows, window.columns), np.float32)
        at = window.y / length
        edge = width * (1 - at) + 0.06 * width * np.sin(np.pi * np.clip(at, 0, 1))
        return np.asarray(1 / (1 + np.exp(np.clip((window.x - edge) / 0.8, -30, 30))), np.float32)

    def tissue(self, window: Window, radius: Floats) -> Floats:
        """How much more than fat the beam loses: glands, their grain, fibres to the nipple, vessels."""
        envelope = 1.1 - 1.5 * np.abs(radius - 0.45) - 0.5 * np.exp(-window.x / 18)
        glandular = self.glands.on(window) * 0.8 + envelope + 2.6 * (self.density - 0.5)
        amount = 1 / (1 + np.exp(-3.0 * glandular))
        muscle = self.in_muscle(window)
        soft = 0.38 * amount + self.fibre_strength * self._fibres(window) * (0.35 + 0.65 * amount)
        soft += 0.085 * self.grain.on(window) * (0.5 + 0.5 * amount)
        soft += self._vessels(window)
        return np.asarray(soft * (1 - muscle) + muscle * (0.5 + 0.03 * self.grain.on(window)), np.float32)

    def _fibres(self, window: Window) -> Floats:
        """Ridges that run towards the nipple, wavy, finer where they meet."""
        y0, x0 = self.nipple
        dy, dx = window.y - y0, x0 + 12 - window.x
        angle, away = np.arctan2(dy, dx), np.hypot(dy, dx)
        rng = np.random.default_rng((*self.seed, 3))
        made = np.zeros(angle.shape, np.float32)
        for spokes, strength in ((26, 1.0), (55, 0.6)):
            heights = rng.standard_normal((_FIBRES, 24), dtype=np.float32)
            wavy = angle + 0.06 * np.sin(away / rng.uniform(9, 16) + rng.uniform(0, 6))
            at = np.stack([(wavy / np.pi + 1) / 2 * spokes * 2, away / 14])
            noise = map_coordinates(heights, at, order=1, mode="grid-wrap", output=np.float32)
            made += np.float32(strength) * np.maximum(0, 1 - np.abs(noise) * 4)
        return made

    def _vessels(self, window: Window) -> Floats:
        rng = np.random.default_rng((*self.seed, 5))
        made = np.zeros((window.rows, window.columns), np.float32)
        for _ in range(rng.integers(1, 4)):
            wave, phase, width = rng.uniform(20, 50), rng.uniform(0, 6), rng.uniform(0.6, 1.3)
            middle = self.middle_y + self.half_height * rng.uniform(-0.6, 0.6) + rng.uniform(-0.4, 0.4) * window.x
            line = middle + rng.uniform(2, 6) * np.sin(window.x / wave * 6 + phase)
            made += np.float32(0.1) * np.exp(-(((window.y - line) / width) ** 2))
        if self.folds:
            line = 14 + rng.uniform(10, 40) + rng.uniform(0.2, 0.5) * window.x
            made += np.float32(0.22) * np.exp(-np.abs(window.y - line) / 1.2) * (window.x < 60)
        return made


def breast(seed: int, view: View, *, shifted: bool) -> Breast:
    """Both breasts of a patient are alike, and so are the views of one; the shifted generator has other patients."""
    of_patient = np.random.default_rng([seed, int(shifted), 211])
    size = of_patient.normal(0.12 if shifted else 0.0, 0.18)
    density = float(np.clip(of_patient.normal(0.56 if shifted else 0.47, 0.2), 0.05, 0.95))
    own = np.random.default_rng([seed, int(shifted), VIEWS.index(view), 212])
    oblique = view.endswith("MLO")
    depth = float(np.clip(88 * np.exp(size) * np.exp(own.normal(0, 0.05)), 50, 165))
    half = float(np.clip(88 * np.exp(0.6 * size) * np.exp(own.normal(0, 0.06)), 55, 128))
    middle = (HEIGHT_MM / 2 + own.normal(0, 8)) + (18 if oblique else 0)
    muscle = (float(own.uniform(25, 62)), float(own.uniform(95, 175))) if oblique else (0.0, 1.0)
    waves = (44.0, 20.0, 9.0, 4.2) if shifted else (36.0, 18.0, 9.0, 4.5)
    grain = (7.0, 3.4, 1.6, 0.8, 0.4) if shifted else (6.0, 3.0, 1.5, 0.75, 0.4)
    key = (seed, int(shifted), VIEWS.index(view))
    return Breast(
        view=view, middle_y=float(middle), depth=depth, half_height=half, power=float(own.uniform(1.9, 2.5)),
        thick=float(own.uniform(0.14, 0.3)), density=float(np.clip(density + own.normal(0, 0.04), 0.02, 0.98)),
        muscle=muscle, fibre_strength=float(own.uniform(0.07, 0.16) * (1.3 if shifted else 1.0)),
        glands=Texture((*key, 21), waves, 0.72), grain=Texture((*key, 22), grain, 0.8 if shifted else 0.72),
        seed=(*key, 23), folds=bool(oblique and own.random() < 0.3),
    )  # fmt: skip

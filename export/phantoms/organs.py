"""Draws and paints what lies in the abdominal cavity: solid organs, hollow organs with their content, vessels."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from export.phantoms.canvas import BACKGROUND, VISCERAL_FAT, Canvas, Outline, draw_wobble
from export.phantoms.patient import Build, Generator
from export.phantoms.spine import SpineAt
from export.phantoms.tissue import Attenuation, Texture

Content = Literal["collapsed", "fluid", "contrast", "gas", "faeces"]
_CONTENTS: tuple[Content, ...] = ("collapsed", "fluid", "contrast", "gas", "faeces")


@dataclass(frozen=True)
class Blob:
    """An ellipsoid: its centre as shares of the trunk's half axes and a level, its radii in mm."""

    x_share: float
    y_share: float
    level: float
    radii_mm: tuple[float, float, float]
    angle: float
    wobble: tuple[float, ...]

    def cut(self, build: Build, level: float) -> Outline | None:
        """Its outline in the slice at this level, if it reaches so far."""
        away_mm = (level - self.level) * 35.0 * build.stature
        rest = 1 - (away_mm / self.radii_mm[2]) ** 2
        if rest <= 0.02:
            return None
        share = float(np.sqrt(rest))
        return Outline(
            self.x_share * build.half_width_mm,
            self.y_share * build.half_depth_mm,
            self.radii_mm[0] * share,
            self.radii_mm[1] * share,
            self.angle,
            2.0,
            self.wobble,
        )


@dataclass(frozen=True)
class Solid:
    blobs: tuple[Blob, ...]
    tissue: Literal["liver", "spleen", "pancreas", "bile", "mass"]


@dataclass(frozen=True)
class Loop:
    """A piece of stomach or bowel. `filling` shifts fluid levels, from -1 (full) to 1 (nearly all gas)."""

    blob: Blob
    wall_mm: float
    content: Content
    content_hu: float
    filling: float


@dataclass(frozen=True)
class Organs:
    solids: tuple[Solid, ...]
    kidneys: tuple[Blob, ...]
    kidney_cortex_mm: float
    loops: tuple[Loop, ...]
    mesentery: tuple[Blob, ...]
    aorta_mm: float
    cava_mm: float
    bifurcation: float
    calcified: bool
    ascites: float


class _Layout:
    """Random numbers with this patient's scale: places vary by `spread` times the usual amount."""

    def __init__(self, rng: np.random.Generator, build: Build, spread: float) -> None:
        self.rng, self.build, self.spread = rng, build, spread

    def blob(
        self, x: float, y: float, level: float, radii: tuple[float, float, float],
        *, angle: float = 0.0, wobble: float = 0.06, loose: float = 0.06,
    ) -> Blob:  # fmt: skip
        rng, size = self.rng, self.build.stature * float(self.rng.normal(1, 0.09))
        x, y = rng.normal([x, y], loose * self.spread)
        return Blob(
            float(x), float(y), float(rng.normal(level, 4 * loose * self.spread)),
            (radii[0] * size, radii[1] * size, radii[2] * size),
            float(angle + rng.normal(0, 0.15)), draw_wobble(rng, wobble),
        )  # fmt: skip

    def loop(self, blob: Blob, shares: tuple[float, ...], wall_mm: float) -> Loop:
        rng = self.rng
        content = _CONTENTS[int(rng.choice(5, p=np.array(shares) / sum(shares)))]
        means = {"collapsed": 42.0, "fluid": 16.0, "contrast": 230.0, "gas": 20.0, "faeces": 10.0}
        hu = means[content] * float(rng.normal(1, 0.25))
        return Loop(blob, wall_mm * float(rng.uniform(0.7, 1.4)), content, hu, float(rng.uniform(-0.8, 0.8)))


def draw_organs(rng: np.random.Generator, generator: Generator, build: Build) -> Organs:
    shifted = generator is Generator.shifted
    layout = _Layout(rng, build, 1.5 if shifted else 1.0)
    return Organs(
        solids=_draw_solids(layout),
        kidneys=(
            layout.blob(-0.50, 0.32, -1.2, (29, 24, 56), angle=0.6),
            layout.blob(0.50, 0.34, -1.6, (29, 24, 57), angle=-0.6),
        ),
        kidney_cortex_mm=float(rng.normal(6.5, 0.8)),
        loops=_draw_loops(layout, oral_contrast=bool(rng.random() < (0.15 if shifted else 0.3))),
        mesentery=tuple(
            layout.blob(
                float(rng.uniform(-0.5, 0.55)), float(rng.uniform(-0.6, 0.1)), float(rng.uniform(-2, 2.5)),
                (float(rng.uniform(1, 2.4)), float(rng.uniform(1, 4)), float(rng.uniform(6, 26))),
                angle=float(rng.uniform(0, 3)),
            )
            for _ in range(int(rng.integers(25, 80)))
        ),
        aorta_mm=float(rng.normal(9.5, 1.3)) * build.stature,
        cava_mm=float(rng.normal(10.5, 1.8)) * build.stature,
        bifurcation=float(rng.normal(1.0, 0.25)),
        calcified=bool(rng.random() < 0.3),
        ascites=float(rng.uniform(0.2, 1.0)) if rng.random() < (0.1 if shifted else 0.04) else 0.0,
    )  # fmt: skip


def _draw_solids(layout: _Layout) -> tuple[Solid, ...]:
    lower = float(layout.rng.gamma(1.5, 0.45))
    liver = (
        layout.blob(-0.46, -0.02, -3.9, (84, 80, 92 + 26 * lower), angle=0.15),
        layout.blob(-0.62, 0.02, -2.3, (44, 60, 62 + 22 * lower), angle=0.05),
        layout.blob(-0.05, -0.48, -3.9, (70, 34, 62), angle=-0.15),
    )
    pancreas = tuple(
        layout.blob(x, y, level, (17, 9, 15), angle=-0.3, wobble=0.12, loose=0.03)
        for x, y, level in ((-0.17, -0.12, -0.9), (-0.02, -0.2, -1.4), (0.16, -0.14, -1.7), (0.33, 0, -2.0))
    )
    return (
        Solid(liver, "liver"),
        Solid((layout.blob(0.64, 0.25, -3.2, (28, 52, 54), angle=-0.35, wobble=0.1),), "spleen"),
        Solid(pancreas, "pancreas"),
        Solid((layout.blob(-0.42, -0.40, -1.5, (15, 17, 30)),), "bile"),
        Solid(_draw_masses(layout), "mass"),
    )


def _draw_masses(layout: _Layout) -> tuple[Blob, ...]:
    """Nodes and tumours as dense as muscle, some beside the psoas: what a threshold cannot tell from muscle."""
    rng = layout.rng
    count = int(rng.integers(1, 6)) if rng.random() < 0.25 else 0
    return tuple(
        layout.blob(
            float(rng.uniform(-0.5, 0.5)), float(rng.uniform(-0.3, 0.3)), float(rng.uniform(-2.5, 3)),
            (float(rng.uniform(6, 26)), float(rng.uniform(6, 24)), float(rng.uniform(8, 30))),
            wobble=0.12,
        )
        for _ in range(count)
    )  # fmt: skip


def _draw_loops(layout: _Layout, *, oral_contrast: bool) -> tuple[Loop, ...]:
    rng = layout.rng
    small = (0.38, 0.38, 0.5 if oral_contrast else 0.02, 0.1, 0.04)
    large = (0.15, 0.12, 0.15 if oral_contrast else 0.01, 0.3, 0.42)
    loops = [layout.loop(layout.blob(0.32, -0.42, -3.3, (50, 36, 48), wobble=0.1), (0.1, 0.4, 0.2, 0.5, 0), 4)]
    for _ in range(int(rng.integers(45, 130))):
        level = float(rng.uniform(-1.4, 3.6))
        width = 0.78 * float(np.clip((level + 2.2) / 1.8, 0.3, 1))
        radii = (float(rng.uniform(9, 18)), float(rng.uniform(10, 26)), float(rng.uniform(11, 36)))
        x, y = float(rng.uniform(-width, width)), float(rng.uniform(-0.92, 0.28))
        blob = layout.blob(x, y, level, radii, angle=float(rng.uniform(0, np.pi)), wobble=0.1)
        loops.append(layout.loop(blob, small, 2.2))
    for level in np.arange(-0.8, 2.6, 0.55):
        blob = layout.blob(-0.68, -0.02, float(level), (22, 24, 19), wobble=0.1, loose=0.04)
        loops.append(layout.loop(blob, large, 2.0))
    for level in np.arange(-2.4, 2.4, 0.45):
        blob = layout.blob(0.74, 0.10, float(level), (14, 15, 15), wobble=0.12, loose=0.03)
        loops.append(layout.loop(blob, large, 2.2))
    sag = float(rng.uniform(0.0, 2.2))
    for x in np.linspace(-0.62, 0.66, 11):
        level = -1.3 + sag * (1 - (float(x) / 0.66) ** 2)
        blob = layout.blob(float(x), -0.62 + 0.3 * float(x) ** 2, level, (21, 19, 20), wobble=0.12, loose=0.04)
        loops.append(layout.loop(blob, large, 2.0))
    for x, y, level in ((-0.36, -0.1, -1.0), (-0.36, -0.02, -0.4), (-0.22, 0.05, 0.2), (0.02, 0.0, 0.3)):
        loops.append(layout.loop(layout.blob(x, y, level, (17, 14, 17), loose=0.03), small, 2.5))
    return tuple(loops)


def paint_organs(canvas: Canvas, organs: Organs, build: Build, level: float, hu: Attenuation, grain: Texture) -> None:
    """Everything intraperitoneal and the kidneys. Paint the spine's muscles afterwards: they are not displaced."""
    _paint_vessels(canvas, organs.mesentery, build, level, (hu.artery + hu.vein) / 2)
    for loop in organs.loops:
        _paint_loop(canvas, loop, build, level, hu, grain)
    for kidney in organs.kidneys:
        _paint_kidney(canvas, kidney, organs.kidney_cortex_mm, build, level, hu)
    for solid in organs.solids:
        for blob in solid.blobs:
            _paint_solid(canvas, blob, build, level, float(getattr(hu, solid.tissue)), grain)
    if organs.ascites:
        _paint_ascites(canvas, organs.ascites, grain)


def _paint_vessels(canvas: Canvas, vessels: tuple[Blob, ...], build: Build, level: float, hu: float) -> None:
    for vessel in vessels:
        outline = vessel.cut(build, level)
        if outline is not None:
            outline.paint(canvas, hu, in_cavity=True)


def _paint_solid(canvas: Canvas, blob: Blob, build: Build, level: float, hu: float, grain: Texture) -> None:
    outline = blob.cut(build, level)
    depth = outline.inside_mm(canvas) if outline is not None else None
    if depth is not None:
        window, inside = depth
        values = np.float32(hu) + 4 * grain.sample(canvas, window)
        canvas.paint(window, (inside > 0) & canvas.cavity[window], values)


def _paint_loop(canvas: Canvas, loop: Loop, build: Build, level: float, hu: Attenuation, grain: Texture) -> None:
    outline = loop.blob.cut(build, level)
    depth = outline.inside_mm(canvas) if outline is not None else None
    if depth is None or outline is None:
        return
    window, inside = depth
    free = canvas.cavity[window]
    canvas.paint(window, (inside > 0) & free, hu.bowel_wall)
    lumen = (inside > loop.wall_mm) & free
    values = np.full(inside.shape, loop.content_hu, np.float32)
    if loop.content == "faeces":
        mottled = grain.sample(canvas, window)
        values += 25 * mottled
        values[mottled > 1.1] = -550
        values[(mottled < -1.4)] = -90
    canvas.paint(window, lumen, values)
    if loop.content == "gas":
        above = (canvas.y_mm[window] - outline.y_mm) < loop.filling * outline.radius_y_mm
        canvas.paint(window, lumen & above, hu.gas)


def _paint_kidney(canvas: Canvas, kidney: Blob, cortex_mm: float, build: Build, level: float, hu: Attenuation) -> None:
    outline = kidney.cut(build, level)
    depth = outline.inside_mm(canvas) if outline is not None else None
    if depth is None or outline is None:
        return
    window, inside = depth
    kidney_mask = (inside > 0) & canvas.cavity[window]
    canvas.paint(window, kidney_mask, hu.kidney_cortex)
    canvas.paint(window, kidney_mask & (inside > cortex_mm), hu.kidney_medulla)
    if abs(level - kidney.level) < 0.7:
        towards_spine = -np.sign(outline.x_mm) * 0.45 * outline.radius_x_mm
        sinus = Outline(
            outline.x_mm + float(towards_spine), outline.y_mm - 4, outline.radius_x_mm * 0.75, 9.0, 0.0, 2.0
        )
        sinus.paint(canvas, hu.fat_visceral, VISCERAL_FAT, in_cavity=True)
        Outline(sinus.x_mm, sinus.y_mm, 7.0, 4.0).paint(canvas, hu.urine, in_cavity=True)


def _paint_ascites(canvas: Canvas, amount: float, grain: Texture) -> None:
    """Free fluid takes the place of some of the visceral fat."""
    everywhere = (slice(None), slice(None))
    fat = canvas.labels == VISCERAL_FAT
    wet = fat & (grain.sample(canvas, everywhere) > 1.2 - 1.4 * amount)
    canvas.paint(everywhere, wet, 9.0, BACKGROUND)


def paint_great_vessels(canvas: Canvas, organs: Organs, here: SpineAt, hu: Attenuation) -> None:
    """Aorta and inferior vena cava before the spine, and from their bifurcation the iliac vessels."""
    front = here.y_mm - 0.76 * here.body_half_mm
    below = here.level - organs.bifurcation
    if here.level < -0.4:
        _paint_crura(canvas, here, front, hu)
    if below < 0:
        _vessel(canvas, here.x_mm + 9, front - organs.aorta_mm - 1, organs.aorta_mm, hu.artery, organs.calcified)
    if below < 0.4:
        cava = organs.cava_mm
        Outline(here.x_mm - 17, front - 0.6 * cava, cava * 1.15, cava * 0.85).paint(canvas, hu.vein)
    if below >= 0:
        for side in (-1, 1):
            aside = side * (9 + 17 * below)
            _vessel(canvas, here.x_mm + 4 + aside, front - 9, 6.0, hu.artery, organs.calcified)
    if below >= 0.4:
        for side in (-1, 1):
            Outline(here.x_mm - 4 + side * (10 + 15 * below), front - 2, 8.0, 6.5).paint(canvas, hu.vein)
    mesenteric = (("artery", 8.0, 5.0, -18.0), ("vein", -7.0, 7.0, -20.0))
    if here.level < 0.7:
        for name, x, radius, ahead in mesenteric:
            Outline(here.x_mm + x, front + ahead - 2 * organs.aorta_mm, radius, radius).paint(
                canvas, float(getattr(hu, name)), in_cavity=True
            )


def _paint_crura(canvas: Canvas, here: SpineAt, front: float, hu: Attenuation) -> None:
    """The diaphragm's crura: muscle beside the aorta, but not what a body composition counts, so without a label."""
    size = float(np.clip((-0.4 - here.level) / 1.6, 0, 1))
    for side, length in ((-1, 17.0), (1, 13.0)):
        Outline(here.x_mm + 6 + side * 17, front - 3, 3.0 + 3 * size, length * size + 2, side * -0.3).paint(
            canvas, hu.muscle, in_cavity=True
        )


def _vessel(canvas: Canvas, x: float, y: float, radius: float, hu: float, calcified: bool) -> None:
    Outline(x, y, radius, radius).paint(canvas, hu)
    if calcified:
        Outline(x + 0.75 * radius, y + 0.4 * radius, 2.0, 3.2, 0.6).paint(canvas, 620.0)

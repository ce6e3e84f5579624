"""Paints the abdominal cavity: organs that were drawn go in, their cut at one level goes onto the canvas."""

import numpy as np

from export.phantoms.canvas import BACKGROUND, VISCERAL_FAT, Canvas, Outline
from export.phantoms.organs import Blob, Loop, Organs
from export.phantoms.patient import Build
from export.phantoms.spine import SpineAt
from export.phantoms.tissue import Attenuation, Texture


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
    if -5.4 < here.level < -0.4:
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

"""Paints liver, spleen, fluid and varices at one level onto a slice whose other organs are there already."""

from dataclasses import dataclass

import numpy as np

from export.phantoms.canvas import BACKGROUND, VISCERAL_FAT, Canvas, Floats, Mask, Window
from export.phantoms.liver.disease import Lesion, Signs
from export.phantoms.liver.shape import Liver
from export.phantoms.organs import Blob
from export.phantoms.patient import Build
from export.phantoms.tissue import Attenuation, Texture

_EVERYWHERE = (slice(None), slice(None))
_FAR_MM = 1000.0
_NEAR_MM = 20.0  # further out no bump of the surface reaches
_VESSEL_REACH = 0.075


@dataclass(frozen=True, eq=False)
class Painted:
    """Where the liver lies on this slice, and where else a sign of disease does: a large spleen, fluid, varices."""

    liver: Mask
    signs: Mask


def paint_liver(
    canvas: Canvas, liver: Liver, signs: Signs, build: Build, level: float, hu: Attenuation, grain: Texture
) -> Painted:
    """Nodules lie between darker scars, which take what the nodules gain, so that the liver's mean says nothing."""
    depth, spleen_depth = (_depth_mm(canvas, blobs, build, level) for blobs in (liver.lobes, (liver.spleen,)))
    near = _around(np.maximum(depth, spleen_depth) > -_NEAR_MM)
    fine = 4 * grain.sample(canvas, near)
    spleen, whole = np.zeros_like(canvas.cavity), np.zeros_like(canvas.cavity)
    spleen[near] = (spleen_depth[near] > 0) & canvas.cavity[near]
    canvas.paint(near, spleen[near], np.float32(hu.spleen) + fine)
    bumps = np.float32(signs.nodularity_mm) * liver.bumps.sample(canvas, near)
    whole[near] = (depth[near] + bumps > 0) & canvas.cavity[near]
    scars = np.float32(signs.coarseness) * liver.scars.sample(canvas, near)
    canvas.paint(near, whole[near], np.float32(hu.liver - signs.fat) + scars + fine)
    reach = np.float32(_VESSEL_REACH) * np.clip(depth[near] / 25, 0, 1)
    tubes = whole[near] & (np.abs(liver.tubes.sample(canvas, near)) < reach)
    canvas.paint(near, tubes, float(hu.vein))
    for kind, blob in liver.lesions:
        inside = (_depth_mm(canvas, (blob,), build, level) > 0) & whole
        canvas.paint(near, inside[near], np.float32(_lesion_hu(kind, hu)) + fine)
    fissure = (_depth_mm(canvas, (liver.fissure,), build, level) > 0) & whole
    canvas.paint(_EVERYWHERE, fissure, hu.fat_visceral, VISCERAL_FAT)
    fluid = _paint_fluid(canvas, signs, np.maximum(depth, spleen_depth), level)
    varices = _paint_varices(canvas, liver.varices, build, level, hu)
    large = spleen if signs.spleen > 1.25 else np.zeros_like(spleen)
    return Painted(whole, large | fluid | varices)


def _depth_mm(canvas: Canvas, blobs: tuple[Blob, ...], build: Build, level: float) -> Floats:
    """How deep each pixel lies inside the nearest of the blobs, negative outside."""
    depth: Floats = np.full(canvas.hu.shape, -_FAR_MM, np.float32)
    for blob in blobs:
        outline = blob.cut(build, level)
        found = outline.inside_mm(canvas) if outline is not None else None
        if found is not None:
            window, inside = found
            depth[window] = np.maximum(depth[window], inside)
    return depth


def _around(mask: Mask) -> Window:
    """The window that holds all of it."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _lesion_hu(kind: Lesion, hu: Attenuation) -> float:
    if kind == "cyst":
        return 6.0
    if kind == "metastasis":
        return hu.liver - 30
    return hu.liver + (45 if hu.phase == "arterial" else -18)


def _paint_fluid(canvas: Canvas, signs: Signs, depth: Floats, level: float) -> Mask:
    """Around liver and spleen, and lower down in the gutters at the back of both flanks."""
    fat = canvas.labels == VISCERAL_FAT
    if not signs.ascites_mm:
        return np.zeros_like(fat)
    around = depth > -np.float32(signs.ascites_mm)
    reach = 0.55 * signs.ascites_mm / 26 * np.float32(np.abs(canvas.x_mm[canvas.cavity]).max(initial=1.0))
    flanks = np.abs(canvas.x_mm) > np.abs(canvas.x_mm[canvas.cavity]).max(initial=1.0) - reach
    wet: Mask = fat & (around | (flanks & (level > -3.2)))
    canvas.paint(_EVERYWHERE, wet, float(signs.fluid_hu), BACKGROUND)
    return wet


def _paint_varices(canvas: Canvas, varices: tuple[Blob, ...], build: Build, level: float, hu: Attenuation) -> Mask:
    found: Mask = (_depth_mm(canvas, varices, build, level) > 0) & (canvas.labels == VISCERAL_FAT)
    canvas.paint(_EVERYWHERE, found, float(hu.vein), BACKGROUND)
    return found

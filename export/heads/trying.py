"""How heads are tried by the node's own code: volumes of no series in, what was drawn on them as it lies, peaks."""

from dataclasses import replace

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from export.heads.window import Floats
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.inference.preprocess import turn

Masks = NDArray[np.bool_]


def in_place(voxels: Floats, step_mm: float) -> Volume:
    """A volume of cubes of no series: slices up, rows to the back, columns to the left."""
    place = hd.VolumeGeometry.from_components(
        voxels.shape,
        spacing=(step_mm,) * 3,
        coordinate_system="PATIENT",
        position=[0.0, 0.0, 0.0],
        patient_orientation="HPL",
        frame_of_reference_uid="2.25.1",
    )
    return Volume(np.ascontiguousarray(voxels, np.float32), place, (), (), (), ())


def upright(seen: Volume, drawn: Floats) -> Floats:
    """What lies on the series' voxels, with axes as phantoms have them."""
    return np.asarray(turn(replace(seen, voxels_zyx=drawn)).voxels_zyx)


def near(acted_on: Masks, step_mm: tuple[float, float, float], near_mm: float) -> Masks:
    """Where the disease acts, and not further beside it; nowhere in a healthy person."""
    if not acted_on.any():
        return np.zeros_like(acted_on)
    return np.asarray(distance_transform_edt(~acted_on, sampling=step_mm) <= near_mm)


def peak_inside(heat: Floats, acted_on: Masks, step_mm: tuple[float, float, float], near_mm: float) -> bool:
    """Whether the peak lies near what the disease acts on."""
    peak = np.unravel_index(int(heat.argmax()), heat.shape)
    away = (np.argwhere(acted_on) - peak) * step_mm
    return bool((np.linalg.norm(away, axis=1) <= near_mm).any())

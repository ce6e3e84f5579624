"""A checked series in, voxels with their geometry and sources out."""

from __future__ import annotations

from dataclasses import dataclass

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset


@dataclass(frozen=True)
class SourceSlice:
    """Where a slice of the volume came from; `frame_number` counts from one and is there for multi-frame sources."""

    sop_class_uid: str
    sop_instance_uid: str
    frame_number: int | None


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels in HU with their place in the patient: `geometry` maps (slice, row, column) to LPS millimetres."""

    voxels_zyx: NDArray[np.float32]
    geometry: hd.VolumeGeometry
    sources: tuple[SourceSlice, ...]
    headers: tuple[Dataset, ...]
    pixel_digests: tuple[str, ...]
    cautions: tuple[str, ...]

"""Bytes of one DICOM instance in, its header and decoded frames out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Instance:
    """One instance: `header` is without pixel data, `frames` are the stored values (frames, rows, columns)."""

    header: Dataset
    frames: NDArray[np.generic]
    pixel_digest: str

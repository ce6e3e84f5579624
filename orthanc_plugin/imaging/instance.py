"""Bytes of one DICOM instance in, its header and decoded frames out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from orthanc_plugin.imaging import part10, pixels


@dataclass(frozen=True, eq=False)
class Instance:
    """One instance: `header` is without pixel data, `frames` are the stored values (frames, rows, columns).

    Colour frames are RGB, (frames, rows, columns, 3). `pixel_digest` is the same in every lossless transfer syntax.
    """

    header: Dataset
    frames: NDArray[np.integer]
    pixel_digest: str


def decode(data: bytes) -> Instance:
    """Unsuitable, with a sentence, for whatever is damaged, not an image or not what it states to be."""
    part = part10.split(data)
    frames = pixels.decode(part)
    return Instance(part.header, frames, _digest(frames))


def _digest(frames: NDArray[np.integer]) -> str:
    whole = hashlib.sha256(f"{frames.dtype.str} {frames.shape} ".encode())
    whole.update(frames.data if frames.flags.c_contiguous else frames.tobytes())
    return whole.hexdigest()

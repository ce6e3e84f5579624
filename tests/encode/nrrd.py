"""A NRRD file as dcmqi writes it in, its voxels and their places in the patient out."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TYPES = {"short": "<i2", "unsigned short": "<u2", "unsigned char": "u1", "float": "<f4"}


def marked_points_lps(path: Path, label: int | None = None) -> NDArray[np.float64]:
    """The centres of all voxels with that label, or that are not zero, in millimetres."""
    head, _, packed = path.read_bytes().partition(b"\n\n")
    fields = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
    assert (fields["encoding"], fields["space"]) == ("gzip", "left-posterior-superior")
    sizes_xyz = [int(size) for size in fields["sizes"].split()]
    voxels_zyx = np.frombuffer(gzip.decompress(packed), TYPES[fields["type"]]).reshape(sizes_xyz[::-1])
    directions = np.array([_vector(text) for text in re.findall(r"\([^)]*\)", fields["space directions"])])
    indices_xyz = np.argwhere(voxels_zyx if label is None else voxels_zyx == label)[:, ::-1]
    return np.asarray(_vector(fields["space origin"]) + indices_xyz @ directions)


def _vector(text: str) -> NDArray[np.float64]:
    return np.array([float(part) for part in text.strip("()").split(",")])

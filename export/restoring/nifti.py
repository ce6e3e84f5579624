"""A folder of NIfTI files side by side in, pairs of volumes out."""

from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from export.checkpoints import SettingsError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class NiftiPair:
    """What is seen and how it should be, on one grid."""

    name: str
    seen: Path
    good: Path

    @property
    def patient(self) -> str:
        return self.name

    def read(self) -> tuple[Floats, Floats]:
        """From the feet up, rows to the back, columns to the left."""
        seen, good = (_volume(path) for path in (self.seen, self.good))
        if seen.shape != good.shape:
            raise SettingsError(f"{self.seen.name} and {self.good.name} have other grids: {seen.shape}, {good.shape}.")
        return seen, good


def nifti_pairs(folder: Path, seen: str, good: str) -> list[NiftiPair]:
    """By what their names end with; at least one."""
    found = []
    for path in sorted(folder.rglob(f"*{seen}")):
        name = path.name.removesuffix(seen)
        other = path.with_name(name + good)
        if not other.exists():
            raise SettingsError(f"{path.name} has no {other.name} beside it.")
        found.append(NiftiPair(name, path, other))
    if not found:
        raise SettingsError(f"There is no NAME{seen} with a NAME{good} in {folder}.")
    return found


def _volume(path: Path) -> Floats:
    image = nibabel.as_closest_canonical(nibabel.load(path))
    return np.ascontiguousarray(np.asanyarray(image.dataobj).transpose(2, 1, 0)[:, ::-1, ::-1], np.float32)

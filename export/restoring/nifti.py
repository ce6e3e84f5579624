"""A folder of NIfTI files side by side in, pairs of volumes out."""

from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from export.checkpoints import SettingsError
from export.restoring.pairs import Pair, grouped, own_scale

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class NiftiPair:
    """What is seen and how it should be, on one grid, or with so many slices within each that is seen."""

    name: str
    seen: Path
    good: Path
    finer: int = 1

    @property
    def patient(self) -> str:
        return self.name

    def read(self) -> tuple[Floats, Floats]:
        """From the feet up, rows to the back, columns to the left."""
        seen, good = (_volume(path) for path in (self.seen, self.good))
        if (seen.shape[0] * self.finer, *seen.shape[1:]) != good.shape:
            raise SettingsError(
                f"{self.seen.name} and {self.good.name} have other grids: {seen.shape}, {good.shape}; "
                f"there should be {self.finer} slices of the second for each of the first."
            )
        return seen, good


def nifti_pairs(folder: Path, seen: str, good: str, finer: int = 1) -> list[NiftiPair]:
    """By what their names end with; at least one."""
    found = []
    for path in sorted(folder.rglob(f"*{seen}")):
        name = path.name.removesuffix(seen)
        other = path.with_name(name + good)
        if not other.exists():
            raise SettingsError(f"{path.name} has no {other.name} beside it.")
        found.append(NiftiPair(name, path, other, finer))
    if not found:
        raise SettingsError(f"There is no NAME{seen} with a NAME{good} in {folder}.")
    return found


@dataclass(frozen=True)
class ScaledPair:
    """Of numbers that mean nothing by themselves."""

    pair: NiftiPair

    @property
    def name(self) -> str:
        return self.pair.name

    @property
    def patient(self) -> str:
        return self.pair.patient

    def load(self, groups: int, depth: int) -> Pair:
        return own_scale(*grouped(self.pair.read(), groups, depth))


def scaled_pairs(data: str, seen: str, good: str, finer: int = 1) -> list[ScaledPair]:
    """`data` is `nifti:FOLDER`."""
    kind, _, where = data.partition(":")
    if kind != "nifti" or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms or nifti:FOLDER.")
    return [ScaledPair(pair) for pair in nifti_pairs(Path(where), seen, good, finer)]


def _volume(path: Path) -> Floats:
    image = nibabel.as_closest_canonical(nibabel.load(path))
    return np.ascontiguousarray(np.asanyarray(image.dataobj).transpose(2, 1, 0)[:, ::-1, ::-1], np.float32)

"""Where training data comes from: phantoms, or BraTS-like folders of NIfTI files, go in; `Scan`s come out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import nibabel
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from export.brain_tumour_mr import SERIES
from export.checkpoints import SettingsError
from export.phantoms.brain.case import draw_case
from export.phantoms.entry import PhantomPatient

# What others call the series at the end of a file's name, before the ending.
_NAMED = {
    "t1c": ("t1c", "t1ce", "t1gd"),
    "flair": ("flair", "t2f"),
    "t1": ("t1", "t1n"),
    "t2": ("t2", "t2w"),
}
_OUTLINED = ("seg", "label")
# Of BraTS: 1 necrosis and what does not enhance, 2 oedema, 4 (3 in newer years) what enhances.
_OF_BRATS = {1: 1, 2: 3, 3: 2, 4: 2}
_ENDINGS = (".nii.gz", ".nii")


@dataclass(frozen=True)
class Scan:
    """Four series (4, slices, rows, columns) on one grid of cubes, from 0 to about 1; parts of the tumour from 1.

    They are necrosis, what enhances, oedema; None where nobody outlined them. Axes go up, to the back, to the left.
    """

    images: NDArray[np.float32]
    parts: NDArray[np.uint8] | None


class Entry(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def patient(self) -> str: ...
    def load(self, step_mm: float) -> Scan: ...


@dataclass(frozen=True)
class PhantomEntry(PhantomPatient):
    drawing = ("brain.anatomy", "brain.scan", "brain.case")

    def load(self, step_mm: float) -> Scan:
        series, parts = draw_case(self.seed, shifted=self.shifted).in_cubes(step_mm)
        return Scan(np.stack([scaled(series[name]) for name in SERIES]), parts)


def scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """As the card asks the node to."""
    low, high = np.percentile(values, (1.0, 99.5))
    return np.asarray(np.clip((values - low) / max(float(high - low), 1e-6), 0, 1), np.float32)


@dataclass(frozen=True)
class NiftiEntry:
    """A patient's files, by series, in one space; `outlines` of them or None."""

    name: str
    files: dict[str, Path]
    outlines: Path | None

    @property
    def patient(self) -> str:
        return self.name

    def load(self, step_mm: float) -> Scan:
        first = nibabel.as_closest_canonical(nibabel.load(self.files[SERIES[0]]))
        images = [scaled(self._on_grid(self.files[name], first, step_mm, order=1)) for name in SERIES]
        parts = None
        if self.outlines is not None:
            stored = np.rint(self._on_grid(self.outlines, first, step_mm, order=0)).astype(int)
            parts = np.zeros(stored.shape, np.uint8)
            for theirs, ours in _OF_BRATS.items():
                parts[stored == theirs] = ours
        return Scan(np.stack(images), parts)

    @staticmethod
    def _on_grid(path: Path, first: object, step_mm: float, order: int) -> NDArray[np.float32]:
        """NIfTI's axes go right, forward, up (RAS+); ours up, back, left."""
        image = nibabel.as_closest_canonical(nibabel.load(path))
        if image.shape != first.shape or not np.allclose(image.affine, first.affine, atol=1e-2):  # type: ignore[attr-defined]
            raise SettingsError(f"{path.name} is not on the grid of the patient's other files.")
        values = np.asanyarray(image.dataobj).astype(np.float32).transpose(2, 1, 0)[:, ::-1, ::-1]
        own_mm = np.sqrt((image.affine[:3, :3] ** 2).sum(axis=0))[::-1]
        shape = np.maximum(np.rint(np.array(values.shape) * own_mm / step_mm), 1).astype(int)
        zoom = np.array(values.shape) / shape
        found = affine_transform(values, zoom, (zoom - 1) / 2, output_shape=tuple(shape), order=order, mode="nearest")
        return np.asarray(found, np.float32)


def list_entries(data: str, patients: int) -> list[Entry]:
    """`data` is `phantoms` or `nifti:FOLDER` with a folder for each patient, as BraTS has them."""
    kind, _, where = data.partition(":")
    if kind == "phantoms" and not where:
        return [PhantomEntry(seed) for seed in range(patients)]
    if kind != "nifti" or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms or nifti:FOLDER.")
    found: list[Entry] = list(_nifti(Path(where)))
    if not found:
        raise SettingsError(f"There is no folder with all of {', '.join(SERIES)} as NIfTI files in {where}.")
    return found


def _nifti(folder: Path) -> Iterator[NiftiEntry]:
    for patient in sorted(each for each in folder.iterdir() if each.is_dir()):
        files = {_ending(path): path for path in sorted(patient.iterdir()) if path.name.endswith(_ENDINGS)}
        series = {
            name: next((files[each] for each in called if each in files), None) for name, called in _NAMED.items()
        }
        known = {name: path for name, path in series.items() if path is not None}
        if len(known) == len(SERIES):
            yield NiftiEntry(patient.name, known, next((files[each] for each in _OUTLINED if each in files), None))


def _ending(path: Path) -> str:
    """The last word of the name: `t1ce` of `BraTS_001_t1ce.nii.gz`."""
    bare = next(path.name.removesuffix(ending) for ending in _ENDINGS if path.name.endswith(ending))
    return bare.replace("-", "_").rpartition("_")[2].lower()

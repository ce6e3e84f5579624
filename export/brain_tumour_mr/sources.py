"""Where training data comes from: phantoms, or BraTS-like folders of NIfTI files, go in; `Scan`s come out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import highdicom as hd
import nibabel
import numpy as np
from numpy.typing import NDArray

from export.brain_tumour_mr import SERIES
from export.checkpoints import SettingsError
from export.cubes import labels_in_cubes, shape_in_cubes, values_in_cubes
from export.phantoms.brain.case import Case, draw_case
from export.phantoms.brain.scan import Grid, labels, seen
from export.phantoms.entry import PhantomPatient
from orthanc_plugin.inference.resample import on_grid

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
_FINEST = 0.75
"""Of a cube's edge: pixels and slices of phantoms are no smaller, which takes a third of the time."""


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
        return scan_of(draw_case(self.seed, shifted=self.shifted), step_mm)


def scan_of(case: Case, step_mm: float) -> Scan:
    """The scanner's series laid on the first and brought to cubes by the node's own code.

    Where the head has moved between them it is known by how much. Cubes that are drawn at once are sharper than thick
    slices ever get.
    """
    grids, cubes = _coarse(case, step_mm), cubes_of(case, step_mm)
    coarse, first = replace(case, grids=grids), grids[SERIES[0]]
    images = []
    for name in SERIES:
        values, _ = coarse.series(name)
        laid = on_grid(values, _place(grids[name]), _place(first), float(values.min()))
        images.append(scaled(values_in_cubes(laid, cubes.shape), values))
    return Scan(np.stack(images), labels(seen(case.head, cubes)))


def cubes_of(case: Case, step_mm: float) -> Grid:
    first = _coarse(case, step_mm)[SERIES[0]]
    return first.of_shape(shape_in_cubes(first.shape, first.step_mm, step_mm))


def _coarse(case: Case, step_mm: float) -> dict[str, Grid]:
    finest = _FINEST * step_mm
    return {
        name: grid.coarsened(max(grid.step_mm[0], finest), max(grid.step_mm[1], finest))
        for name, grid in case.grids.items()
    }


def _place(grid: Grid) -> hd.VolumeGeometry:
    """In the head, which has turned and moved in the scanner."""
    scanner, head = np.eye(4), np.eye(4)
    scanner[:3, :3] = np.diag(grid.step_mm)[::-1]
    scanner[:3, 3] = -scanner[:3, :3] @ ((np.array(grid.shape) - 1) / 2)
    head[:3, :3], head[:3, 3] = grid.rotation.T, -np.array(grid.shift_mm)
    return hd.VolumeGeometry(head @ scanner, grid.shape, "PATIENT")


def scaled(values: NDArray[np.float32], whole: NDArray[np.float32]) -> NDArray[np.float32]:
    """As the card asks the node to, by the percentiles of the whole series."""
    low, high = np.percentile(whole, (1.0, 99.5))
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
        own_mm = np.sqrt((first.affine[:3, :3] ** 2).sum(axis=0))[::-1]
        shape = shape_in_cubes(first.shape[::-1], tuple(own_mm.tolist()), step_mm)
        series = [_values(self.files[name], first) for name in SERIES]
        images = [scaled(values_in_cubes(values, shape), values) for values in series]
        parts = None
        if self.outlines is not None:
            stored = labels_in_cubes(np.rint(_values(self.outlines, first)).astype(np.uint8), shape)
            parts = np.zeros(stored.shape, np.uint8)
            for theirs, ours in _OF_BRATS.items():
                parts[stored == theirs] = ours
        return Scan(np.stack(images), parts)


def _values(path: Path, first: Any) -> NDArray[np.float32]:
    """NIfTI's axes go right, forward, up (RAS+); ours up, back, left."""
    image = nibabel.as_closest_canonical(nibabel.load(path))
    if image.shape != first.shape or not np.allclose(image.affine, first.affine, atol=1e-2):
        raise SettingsError(f"{path.name} is not on the grid of the patient's other files.")
    values = np.asanyarray(image.dataobj).astype(np.float32).transpose(2, 1, 0)[:, ::-1, ::-1]
    return np.ascontiguousarray(values)


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

"""Where training data comes from: phantoms, DICOM series with SEG, or NIfTI pairs go in, `Case`s come out."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from export.abdominal_muscle_ct import TISSUES
from export.checkpoints import SettingsError
from export.labelled import Pair, pairs
from export.phantoms import abdomen
from export.phantoms.entry import PhantomPatient

_LEVELS_FILE = "levels.csv"
_STRUCTURES = tuple((tissue.split()[0],) for tissue in TISSUES)
_Voxel = TypeVar("_Voxel", bound=np.generic)


@dataclass(frozen=True)
class Case:
    """Slices of one patient, from the feet up, rows to the back and columns to the left, as DICOM lays them.

    `labels_zyx` counts the tissues from 1. `offsets_mm`: how far each slice is above mid L3, NaN where not known.
    """

    voxels_zyx: NDArray[np.int16]
    labels_zyx: NDArray[np.uint8]
    offsets_mm: NDArray[np.float32]


@dataclass(frozen=True)
class Kept:
    """How many slices of a case, on how many rows; of phantoms at heights between these above mid L3."""

    slices: int
    rows: int
    lowest_mm: float
    highest_mm: float


class Entry(Protocol):
    """A case that is made when it is needed. One patient may have several; `case` is its name."""

    @property
    def case(self) -> str: ...
    @property
    def patient(self) -> str: ...
    def load(self, kept: Kept) -> Case: ...


@dataclass(frozen=True)
class PhantomEntry(PhantomPatient):
    drawing = ("abdomen", "canvas", "cavity", "ends", "organs", "patient", "scanner", "spine", "tissue", "trunk")

    @property
    def case(self) -> str:
        return self.name

    def load(self, kept: Kept) -> Case:
        """The first slice is near mid L3, the others anywhere in the range."""
        anatomy = abdomen.draw_anatomy(self.seed, shifted=self.shifted)
        rng = np.random.default_rng([self.seed, int(self.shifted), 9])
        heights = np.append(rng.uniform(-8, 8), rng.uniform(kept.lowest_mm, kept.highest_mm, kept.slices - 1))
        rendered = [anatomy.render(float(z), kept.rows) for z in heights]
        return Case(
            voxels_zyx=np.stack([image for image, _ in rendered]),
            labels_zyx=np.stack([labels for _, labels in rendered]),
            offsets_mm=heights.astype(np.float32),
        )


def list_entries(data: str, patients: int) -> list[Entry]:
    """`data` is `phantoms`, `dicom:FOLDER` or `nifti:FOLDER`; phantoms are as many as asked for."""
    if data == "phantoms":
        return [PhantomEntry(seed) for seed in range(patients)]
    found = pairs(data, _STRUCTURES)
    levels = _read_levels(Path(data.partition(":")[2]))
    return [RealEntry(pair, levels.get(pair.name)) for pair in found]


@dataclass(frozen=True)
class RealEntry:
    pair: Pair
    l3_mm: float | None

    @property
    def case(self) -> str:
        return self.pair.name

    @property
    def patient(self) -> str:
        return self.pair.patient

    def load(self, kept: Kept) -> Case:
        """Evenly over the whole stack."""
        stack = self.pair.read()
        count = min(kept.slices, len(stack.voxels_zyx))
        chosen = np.linspace(0, len(stack.voxels_zyx) - 1, count).round().astype(int)
        offsets = stack.heights_mm[chosen] - (np.nan if self.l3_mm is None else self.l3_mm)
        voxels, labels = stack.voxels_zyx[chosen], stack.labels_zyx[chosen]
        return Case(_to_rows(voxels, kept.rows), _to_rows(labels, kept.rows), offsets.astype(np.float32))


def _to_rows(slices: NDArray[_Voxel], rows: int) -> NDArray[_Voxel]:
    """Brings square slices to this many rows by the nearest voxel, which keeps labels whole."""
    if slices.shape[1] != slices.shape[2]:
        raise SettingsError(f"The slices have {slices.shape[1]} x {slices.shape[2]} pixels; they must be square.")
    if slices.shape[1] == rows:
        return slices
    nearest = ((np.arange(rows) + 0.5) * slices.shape[1] / rows).astype(int)
    return slices[:, nearest][:, :, nearest]


def _read_levels(folder: Path) -> dict[str, float]:
    """`levels.csv` (case, l3_z_mm): the height of mid L3 per series UID or NIfTI name; without it no level is known."""
    path = folder / _LEVELS_FILE
    if not path.exists():
        return {}
    with path.open(newline="") as lines:
        return {row["case"]: float(row["l3_z_mm"]) for row in csv.DictReader(lines)}

"""CBIS-DDSM in, its patients out: DICOM files in folders that `mass_case_description_*.csv` names, with a pathology."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.breast_cancer_mg import BENIGN, MALIGNANT
from export.breast_cancer_mg.study import Case, Key, Outline, Study, read_pixels
from export.breast_mass_mg.sources import Pixels
from export.checkpoints import SettingsError

_COLUMNS = ("patient_id", "left or right breast", "image view", "pathology", "image file path", "ROI mask file path")
_TABLES = "mass_case_description_*.csv"


@dataclass(frozen=True)
class Row:
    """One lesion on one view: the folders of the image and of its mask."""

    slot: str
    malignant: bool
    image: Path
    mask: Path


@dataclass(frozen=True)
class CbisCase:
    """There are no earlier studies in this set."""

    patient: str
    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        return f"cbis-ddsm-{self.patient}"

    def load(self) -> Study:
        views: dict[Key, tuple[Pixels, Outline]] = {}
        for row in self.rows:
            key = ("now", row.slot)
            pixels, outline = views.get(key) or _image(row)
            lesion = mask_of(row, (pixels.shape[0], pixels.shape[1]))
            outline[lesion] = np.maximum(outline[lesion], MALIGNANT if row.malignant else BENIGN)
            views[key] = pixels, outline
        sides = {row.slot[0] for row in self.rows}
        return Study(views, {side: any(r.malignant for r in self.rows if r.slot[0] == side) for side in sides})


def _image(row: Row) -> tuple[Pixels, Outline]:
    pixels = read_pixels(_files(row.image)[0])
    return pixels, np.zeros(pixels.shape, np.uint8)


def mask_of(row: Row, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Beside the mask its folder holds what was cut out of the image, under names that do not tell which is which."""
    for path in _files(row.mask):
        found = read_pixels(path)
        if found.shape == shape:
            return np.asarray(found > found.max() / 2)
    raise SettingsError(
        f"{row.mask} holds no mask as large as its mammogram ({shape[0]} x {shape[1]}); download the set again."
    )


def _files(folder: Path) -> list[Path]:
    """Whatever tools that download the set made of the names below."""
    found = sorted(folder.rglob("*.dcm"))
    if not found:
        raise SettingsError(f"There is no DICOM file in {folder}, which the table names; download it.")
    return found


def cases(folder: Path) -> Sequence[Case]:
    found: dict[str, list[Row]] = {}
    for line in _table(folder):
        side, view = line["left or right breast"].strip().upper()[:1], line["image view"].strip().upper()
        image, mask = (_folder(folder, line[column]) for column in ("image file path", "ROI mask file path"))
        if image.exists():
            row = Row(side + view, line["pathology"].strip().upper() == "MALIGNANT", image, mask)
            found.setdefault(line["patient_id"].strip(), []).append(row)
    return [CbisCase(patient, tuple(found[patient])) for patient in sorted(found)]


def _folder(root: Path, named: str) -> Path:
    """The table names a file; what is above it in the first place is kept by all tools."""
    first = named.strip().replace("\\", "/").split("/")[0]
    return next(iter(sorted(root.rglob(first))), root / first)


def _table(folder: Path) -> list[Mapping[str, str]]:
    found: list[Mapping[str, str]] = []
    for path in sorted(folder.rglob(_TABLES)):
        with path.open(newline="", encoding="utf-8-sig") as lines:
            found += list(csv.DictReader(lines))
    if not found or not all(column in found[0] for column in _COLUMNS):
        raise SettingsError(f"There is no {_TABLES} with the columns {', '.join(_COLUMNS)} in {folder}.")
    return found

"""INbreast in, its patients out: DICOM files, outlines as XML, and a table with a BI-RADS category for each image.

The table is the spreadsheet saved as CSV. Categories from 4 on count as malignant: the set has no other verdict on all.
"""

import ast
import csv
import plistlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from export.breast_cancer_mg import BENIGN, MALIGNANT
from export.breast_cancer_mg.study import Case, Key, Outline, Study, read_pixels
from export.breast_mass_mg.sources import Pixels
from export.checkpoints import SettingsError

_COLUMNS = ("Laterality", "View", "Acquisition date", "File Name", "Bi-Rads")
_OUTLINED = ("mass", "spiculated", "distortion", "asymmetry", "cluster")
_SUSPICIOUS = ("4", "5", "6")


@dataclass(frozen=True)
class Row:
    """One image; `outlines` is the XML file with what lies on it, None where nothing was outlined."""

    path: Path
    slot: str
    day: str
    malignant: bool
    outlines: Path | None


@dataclass(frozen=True)
class InbreastCase:
    """The images of one patient, by when they were taken."""

    patient: str
    days: tuple[tuple[Row, ...], ...]

    @property
    def name(self) -> str:
        return f"inbreast-{self.patient}-{len(self.days)}"

    def load(self) -> Study:
        """The newest study and the one before it."""
        views: dict[Key, tuple[Pixels, Outline]] = {}
        for when, rows in zip(("now", "before"), reversed(self.days), strict=False):
            for row in rows:
                pixels = read_pixels(row.path)
                value = MALIGNANT if row.malignant else BENIGN
                shape = (pixels.shape[0], pixels.shape[1])
                views[when, row.slot] = pixels, outlined(row.outlines, shape, value)
        sides: dict[str, bool] = {}
        for row in self.days[-1]:
            sides[row.slot[0]] = sides.get(row.slot[0], False) or row.malignant
        return Study(views, sides)


def cases(folder: Path) -> Sequence[Case]:
    rows = _rows(folder)
    found = []
    for patient in sorted(rows):
        days = sorted({row.day for row in rows[patient]})
        found.append(InbreastCase(patient, tuple(tuple(r for r in rows[patient] if r.day == day) for day in days)))
    return found


def _rows(folder: Path) -> Mapping[str, list[Row]]:
    """By patient, whom the names of the files tell: ID_PATIENT_MG_R_CC_ANON.dcm."""
    files = {path.name.partition("_")[0]: path for path in sorted(folder.rglob("*.dcm"))}
    outlines = {path.stem: path for path in sorted(folder.rglob("*.xml"))}
    found: dict[str, list[Row]] = {}
    for line in _table(folder):
        name, side = line["File Name"].strip(), line["Laterality"].strip().upper()[:1]
        if name not in files or not line["Bi-Rads"].strip():
            continue
        view = "CC" if line["View"].strip().upper() == "CC" else "MLO"
        malignant = line["Bi-Rads"].strip().startswith(_SUSPICIOUS)
        row = Row(files[name], side + view, line["Acquisition date"].strip(), malignant, outlines.get(name))
        found.setdefault(files[name].stem.split("_")[1], []).append(row)
    return found


def _table(folder: Path) -> list[dict[str, str]]:
    for path in sorted(folder.rglob("*.csv")):
        with path.open(newline="", encoding="utf-8-sig") as lines:
            first = lines.readline()
            lines.seek(0)
            rows = list(csv.DictReader(lines, delimiter=";" if ";" in first else ","))
        if rows and all(column in rows[0] for column in _COLUMNS):
            return rows
    raise SettingsError(
        f"There is no table with the columns {', '.join(_COLUMNS)} in {folder}; save INbreast.xls as CSV."
    )


def outlined(path: Path | None, shape: tuple[int, int], value: int) -> Outline:
    """What somebody drew around lesions; single calcifications are left out."""
    drawn = Image.new("L", (shape[1], shape[0]))
    if path is not None:
        with path.open("rb") as file:
            told = plistlib.load(file)
        for roi in (each for image in told["Images"] for each in image["ROIs"]):
            points = [ast.literal_eval(point) for point in roi["Point_px"]]
            if len(points) > 2 and any(word in str(roi["Name"]).lower() for word in _OUTLINED):
                ImageDraw.Draw(drawn).polygon([(float(x), float(y)) for x, y in points], fill=value)
    return np.asarray(drawn, np.uint8)

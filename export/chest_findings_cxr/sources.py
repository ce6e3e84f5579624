"""Where training data come from: phantoms, the ChestX-ray14 layout, or DICOM with a table go in, `Study`s come out."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pydicom
from PIL import Image
from pydicom.pixels.processing import apply_modality_lut

from export.checkpoints import SettingsError
from export.phantoms.chest import FINDINGS
from export.phantoms.chest.film import Floats, Mask
from export.phantoms.chest.radiograph import radiograph

TABLE = "Data_Entry_2017.csv"
BOXES = "BBox_List_2017.csv"
DICOM_TABLE = "findings.csv"
OTHER_NAMES = {"edema": "oedema", "pleural_thickening": "pleural thickening", "infiltrate": "infiltration"}
NOTHING = "no finding"


@dataclass(frozen=True, eq=False)
class Study:
    """One image, bright where the beam lost much; `places` has the masks of the findings whose place is known."""

    image: Floats
    truth: tuple[bool, ...]
    places: Mapping[str, Mask]


class Entry(Protocol):
    """An image that is made or read when it is needed."""

    @property
    def name(self) -> str: ...
    @property
    def patient(self) -> str: ...
    def load(self) -> Study: ...


@dataclass(frozen=True)
class PhantomEntry:
    seed: int
    shifted: bool = False

    @property
    def name(self) -> str:
        return f"phantom-{self.seed}"

    @property
    def patient(self) -> str:
        return self.name

    def load(self) -> Study:
        made = radiograph(self.seed, shifted=self.shifted)
        return Study(made.image, made.truth, made.places)


@dataclass(frozen=True)
class FileEntry:
    """`boxes` are (finding, left, top, width, height) in pixels of the file."""

    path: Path
    patient: str
    findings: frozenset[str]
    boxes: tuple[tuple[str, float, float, float, float], ...] = ()

    @property
    def name(self) -> str:
        return self.path.name

    def load(self) -> Study:
        image = png(self.path) if self.path.suffix.lower() == ".png" else dicom(self.path)
        places: dict[str, Mask] = {}
        for finding, left, top, width, height in self.boxes:
            mask = places.setdefault(finding, np.zeros(image.shape, bool))
            mask[round(top) : round(top + height), round(left) : round(left + width)] = True
        return Study(image, tuple(name in self.findings for name in FINDINGS), places)


def png(path: Path) -> Floats:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"), np.float32)


def dicom(path: Path) -> Floats:
    """As the node reads it: a lookup of the device is applied, MONOCHROME1 is turned round."""
    header = pydicom.dcmread(path)
    values = np.asarray(apply_modality_lut(header.pixel_array, header), np.float32)
    inverted = header.PhotometricInterpretation == "MONOCHROME1"
    return np.asarray(values.max() - values if inverted else values, np.float32)


def entries_of(data: str, count: int) -> list[Entry]:
    """`phantoms`, `chestxray14:FOLDER` or `dicom:FOLDER`."""
    kind, _, folder = data.partition(":")
    if data == "phantoms":
        return [PhantomEntry(seed) for seed in range(count)]
    if kind == "chestxray14":
        return list(_chestxray14(Path(folder)))
    if kind == "dicom":
        return list(_dicom_entries(Path(folder)))
    raise SettingsError(f"{data} is no kind of data; give phantoms, chestxray14:FOLDER or dicom:FOLDER.")


def findings_in(words: str, where: str) -> frozenset[str]:
    """The findings of one cell, joined by |; a name that is not one of the fourteen is refused."""
    found = set()
    for word in filter(None, (each.strip().lower() for each in words.split("|"))):
        name = OTHER_NAMES.get(word, word)
        if name in FINDINGS:
            found.add(name)
        elif name != NOTHING:
            raise SettingsError(f"{where} names the finding {word}, which is none of the fourteen; correct the table.")
    return frozenset(found)


def _chestxray14(folder: Path) -> Iterator[Entry]:
    """The table, PNG files anywhere below the folder, and the table of boxes where it is there."""
    files = {path.name: path for path in folder.rglob("*.png")}
    boxes = _boxes(folder / BOXES)
    for row in _rows(folder / TABLE):
        path = files.get(row["Image Index"])
        if path is not None:
            found = findings_in(row["Finding Labels"], TABLE)
            yield FileEntry(path, row["Patient ID"], found, tuple(boxes.get(path.name, ())))


def _boxes(path: Path) -> dict[str, list[tuple[str, float, float, float, float]]]:
    """Its columns are name, finding, then x, y, width, height, however the header spells these."""
    found: dict[str, list[tuple[str, float, float, float, float]]] = {}
    if not path.exists():
        return found
    with path.open(newline="") as lines:
        for name, label, *numbers in list(csv.reader(lines))[1:]:
            [finding] = findings_in(label, BOXES)
            left, top, width, height = map(float, numbers[:4])
            found.setdefault(name, []).append((finding, left, top, width, height))
    return found


def _dicom_entries(folder: Path) -> Iterator[Entry]:
    """DICOM files anywhere below the folder; the table has `instance` (UID or file name) and `findings` joined by |."""
    labels = {row["instance"]: findings_in(row["findings"], DICOM_TABLE) for row in _rows(folder / DICOM_TABLE)}
    for path in sorted(each for each in folder.rglob("*") if each.is_file() and pydicom.misc.is_dicom(each)):
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SOPInstanceUID", "PatientID"])
        for key in (str(header.SOPInstanceUID), path.name):
            if key in labels:
                yield FileEntry(path, str(header.get("PatientID", "")) or key, labels[key])
                break


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        raise SettingsError(f"{path} is not there; the folder needs {path.name} with the findings of its images.")
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))

"""Where patients come from: phantoms, or folders of DICOM with labels.csv; slices, masks, label and values out."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import highdicom
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.uid import CTImageStorage, SegmentationStorage

from export.checkpoints import SettingsError
from export.liver_cirrhosis_ct import SIGNS, VALUES
from export.phantoms.liver.case import HIGHEST_LEVEL, LOWEST_LEVEL, Case, draw_case
from orthanc_plugin.inference.resample import planes

LABELS_FILE = "labels.csv"
_LIVER_ENDS = -1.0  # the level below which few livers reach
_BELOW_SHARE = 0.25  # of the slices
_DRAWN_FINER = 2
_SEXES = {"M": 1.0, "F": 0.0}


@dataclass(frozen=True, eq=False)
class Scan:
    """`hu` [S, rows, rows], `liver` masks of the same shape, `share` [S] of the body, NaN where no mask is known.

    `clinical` [K] holds the values in their order and `signs` [S] those of disease, NaN where unknown.
    """

    hu: NDArray[np.int16]
    liver: NDArray[np.uint8]
    share: NDArray[np.float32]
    clinical: NDArray[np.float32]
    signs: NDArray[np.float32]
    cirrhosis: bool


class Entry(Protocol):
    @property
    def patient(self) -> str: ...

    def load(self, slices: int, rows: int) -> Scan: ...


@dataclass(frozen=True)
class PhantomEntry:
    seed: int
    shifted: bool = False

    @property
    def patient(self) -> str:
        return f"phantom {self.seed}{' shifted' if self.shifted else ''}"

    def load(self, slices: int, rows: int) -> Scan:
        """Most slices where the liver lies, some below it, spread evenly with chance between."""
        case = draw_case(self.seed, shifted=self.shifted)
        drawn = [case.render(z, _DRAWN_FINER * rows) for z in _heights(case, slices)]
        shrunk = [planes(each.hu.astype(np.float32), (rows, rows)) for each in drawn]
        masks = [planes(each.liver.astype(np.float32), (rows, rows)) > 0.5 for each in drawn]
        return Scan(
            hu=np.rint(np.stack(shrunk)).astype(np.int16),
            liver=np.stack(masks).astype(np.uint8),
            share=np.array([each.share for each in drawn], np.float32),
            clinical=in_order(case.clinical()),
            signs=np.array([getattr(case.disease.signs, name) for name in SIGNS], np.float32),
            cirrhosis=case.disease.cirrhosis,
        )


def _heights(case: Case, slices: int) -> list[float]:
    rng = np.random.default_rng([case.seed, 23])
    below = round(slices * _BELOW_SHARE)
    levels = [
        *_spread(rng, HIGHEST_LEVEL, _LIVER_ENDS, slices - below),
        *_spread(rng, _LIVER_ENDS, LOWEST_LEVEL, below),
    ]
    edges = case.anatomy.build.vertebra_edges_mm
    heights = np.linspace(-edges[-1], -edges[0], 400)
    known = np.array([case.anatomy.build.level(float(z)) for z in heights])
    return [float(heights[np.abs(known - level).argmin()]) for level in levels]


def _spread(rng: np.random.Generator, first: float, last: float, count: int) -> list[float]:
    return [float(first + (last - first) * (number + rng.random()) / count) for number in range(count)]


def in_order(values: dict[str, float]) -> NDArray[np.float32]:
    return np.array([values.get(name, np.nan) for name in VALUES], np.float32)


def list_entries(data: str, phantoms: int) -> list[Entry]:
    """`data` is phantoms (so many of them) or dicom:FOLDER."""
    if data == "phantoms":
        return [PhantomEntry(seed) for seed in range(phantoms)]
    kind, _, where = data.partition(":")
    if kind != "dicom" or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms or dicom:FOLDER.")
    entries: list[Entry] = list(_dicom_entries(Path(where)))
    if not entries:
        raise SettingsError(f"No CT series in {where} is of a patient that {LABELS_FILE} names.")
    return entries


@dataclass(frozen=True)
class RealEntry:
    """One series; without a segmentation of the liver every slice of it counts as one that shows the liver."""

    patient: str
    slices: tuple[Path, ...]
    segmentation: Path | None
    clinical: tuple[float, ...]
    signs: tuple[float, ...]
    cirrhosis: bool

    def load(self, slices: int, rows: int) -> Scan:
        image = highdicom.get_volume_from_series([pydicom.dcmread(path) for path in self.slices])
        image = image.to_patient_orientation("HPL")
        chosen = np.linspace(0, len(image.array) - 1, min(slices, len(image.array))).round().astype(int)
        hu = image.array[chosen].astype(np.float32)
        if hu.shape[1] != hu.shape[2]:
            raise SettingsError(f"The slices have {hu.shape[1]} x {hu.shape[2]} pixels; they must be square.")
        liver = self._liver(image)[chosen]
        share = liver.sum(axis=(1, 2)) / np.maximum((hu > -300).sum(axis=(1, 2)), 1)
        return Scan(
            hu=np.rint(planes(hu, (rows, rows))).astype(np.int16),
            liver=(planes(liver.astype(np.float32), (rows, rows)) > 0.5).astype(np.uint8),
            share=share.astype(np.float32) if self.segmentation else np.full(len(chosen), np.nan, np.float32),
            clinical=np.array(self.clinical, np.float32),
            signs=np.array(self.signs, np.float32),
            cirrhosis=self.cirrhosis,
        )

    def _liver(self, image: highdicom.Volume) -> NDArray[np.bool_]:
        mask = np.zeros(image.spatial_shape, bool)
        if self.segmentation is None:
            return mask
        found = highdicom.seg.segread(self.segmentation)
        for number in found.segment_numbers:
            if "liver" in found.get_segment_description(number).segment_label.lower():
                segment = found.get_volume(segment_numbers=[number], combine_segments=True, relabel=True)
                mask |= np.asarray(segment.match_geometry(image).array) > 0
        return mask


def _dicom_entries(folder: Path) -> Iterator[Entry]:
    """One entry a CT series whose PatientID the labels name; other objects in the folder are passed over."""
    labels = _read_labels(folder / LABELS_FILE)
    series: dict[str, list[Path]] = {}
    patients: dict[str, str] = {}
    segmentations: dict[str, Path] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and pydicom.misc.is_dicom(p)):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        if header.SOPClassUID == CTImageStorage:
            series.setdefault(header.SeriesInstanceUID, []).append(path)
            patients[header.SeriesInstanceUID] = str(header.PatientID)
        elif header.SOPClassUID == SegmentationStorage:
            segmentations[header.ReferencedSeriesSequence[0].SeriesInstanceUID] = path
    for uid, paths in series.items():
        label = labels.get(patients[uid])
        if label is not None:
            values, signs = (tuple(_number(label.get(name)) for name in names) for names in (VALUES, SIGNS))
            cirrhosis = label["cirrhosis"] == "1"
            yield RealEntry(patients[uid], tuple(paths), segmentations.get(uid), values, signs, cirrhosis)


def _read_labels(path: Path) -> dict[str, dict[str, str]]:
    """`patient,cirrhosis` and any of values and signs by their names; an empty cell is one that is not known."""
    if not path.exists():
        raise SettingsError(
            f"There is no {path.name} in {path.parent}; it says of each patient whether it is cirrhosis."
        )
    with path.open(newline="") as lines:
        return {row["patient"]: row for row in csv.DictReader(lines)}


def _number(cell: str | None) -> float:
    if not cell:
        return float("nan")
    return _SEXES[cell] if cell in _SEXES else float(cell)

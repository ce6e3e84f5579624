"""A name in, a phantom's DICOM files out that carry UIDs no other name gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from export.phantoms import abdomen
from export.phantoms.dicom import write_series
from tests.builders.series import Scan, part10, slices


@dataclass(frozen=True)
class PushedSeries:
    """Files from the head down, as a scanner numbers them."""

    study_uid: str
    series_uid: str
    files: tuple[Path, ...]

    def part(self, chosen: slice) -> PushedSeries:
        return replace(self, files=self.files[chosen])

    def datasets(self) -> dict[str, Dataset]:
        read = (pydicom.dcmread(path) for path in self.files)
        return {str(dataset.SOPInstanceUID): dataset for dataset in read}

    def edited(self, edit: Callable[[int, Dataset], None]) -> PushedSeries:
        """Each file changed in place; `edit` gets its number from 0 and what stands in it."""
        for number, path in enumerate(self.files):
            dataset = pydicom.dcmread(path)
            edit(number, dataset)
            dataset.save_as(path)
        return self


def built_series(folder: Path, scan: Scan) -> PushedSeries:
    """A few small slices of noise, for models that are made up; they say how many they are, as scanners do."""
    folder.mkdir(parents=True)
    datasets = slices(scan)
    for dataset in datasets:
        dataset.ImagesInAcquisition = len(datasets)
    files = tuple(folder / f"{number}.dcm" for number in range(len(datasets)))
    for path, dataset in zip(files, datasets, strict=True):
        path.write_bytes(part10(dataset))
    return PushedSeries(scan.uid("study"), scan.uid("series"), files)


@cache
def anatomy(seed: int, slices: int, rows: int, spacing_z_mm: float) -> abdomen.Phantom:
    return abdomen.phantom(seed, slices=slices, rows=rows, spacing_z_mm=spacing_z_mm)


def phantom_series(
    folder: Path,
    name: str,
    *,
    seed: int = 11,
    slices: int = 12,
    rows: int = 128,
    spacing_z_mm: float = 10.0,
    body_part: str = "ABDOMEN",
    transfer_syntax: str = ExplicitVRLittleEndian,
    study_uid: str | None = None,
) -> PushedSeries:
    files = write_series(
        anatomy(seed, slices, rows, spacing_z_mm),
        folder,
        uid_seed=name,
        body_part=body_part,
        transfer_syntax=UID(transfer_syntax),
        study_uid=study_uid,
    )
    first = pydicom.dcmread(files[0], stop_before_pixels=True)
    return PushedSeries(str(first.StudyInstanceUID), str(first.SeriesInstanceUID), tuple(files))

"""A study of each modality, as files, and what a viewer must show of it: bright balls in even bodies, single images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    PositronEmissionTomographyImageStorage,
    UltrasoundImageStorage,
    generate_uid,
)

from export.phantoms import abdomen
from export.phantoms.dicom import write_series
from export.phantoms.regions.region import phantom
from tests.builders.series import AXIAL, OBLIQUE, Scan, part10, slices

FLAT = {
    "MG": (DigitalMammographyXRayImageStorageForPresentation, "breast", "radiograph"),
    "CR": (ComputedRadiographyImageStorage, "chest", "radiograph"),
    "US": (UltrasoundImageStorage, "abdomen", "ultrasound"),
}
ENLARGED = 4


@dataclass(frozen=True)
class Study:
    description: str
    study_uid: str
    series_uid: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Ball(Scan):
    """A body of 300 with a ball of 900 in it, in nothing."""

    slices: int = 12
    rows: int = 96
    columns: int = 96
    pixel_spacing_mm: tuple[float, float] = (1.5, 1.5)
    origin_mm: tuple[float, float, float] = (-60.0, -80.0, 40.0)
    intercept: float = 0.0

    def hounsfield(self, index: int) -> NDArray[np.float64]:
        z, y, x = np.mgrid[index : index + 1, : self.rows, : self.columns][:, 0]
        body = ((y - 48) / 40) ** 2 + ((x - 48) / 44) ** 2 < 1
        ball = ((z - 6) * self.step_mm) ** 2 + ((y - 40) * 1.5) ** 2 + ((x - 62) * 1.5) ** 2 < 18**2
        return np.where(ball, 900.0, np.where(body, 300.0, 0.0))


def all_of(folder: Path) -> dict[str, Study]:
    """By modality."""
    stacks = {"MR": Ball(modality="MR", orientation=OBLIQUE, name="MR"), "PT": Ball(orientation=AXIAL, name="PT")}
    return (
        {"CT": ct(folder / "CT")}
        | {modality: stack(folder / modality, modality, scan) for modality, scan in stacks.items()}
        | {modality: single(folder / modality, modality) for modality in FLAT}
    )


def ct(folder: Path) -> Study:
    """The phantom that the shipped model knows."""
    files = write_series(abdomen.phantom(7, slices=20, rows=256), folder, uid_seed="browser")
    return study("CT abdomen (synthetic)", files)


def stack(folder: Path, modality: str, scan: Scan) -> Study:
    datasets = slices(scan)
    for dataset in datasets:
        name(dataset, modality)
        dataset.WindowCenter, dataset.WindowWidth = 500, 1000
        del dataset.RescaleType
        if modality == "PT":
            dataset.SOPClassUID, dataset.Modality = PositronEmissionTomographyImageStorage, "PT"
            dataset.Units, dataset.RescaleType = "CNTS", "CNTS"
    return written(folder, modality, datasets)


def single(folder: Path, modality: str) -> Study:
    sop_class, region, view = FLAT[modality]
    seed = next(seed for seed in range(7000, 7200) if phantom(seed, region).view == view)
    image = np.kron(phantom(seed, region).image, np.ones((ENLARGED, ENLARGED)))
    low, high = np.percentile(image, (0.5, 99.5))
    stored = np.clip(np.rint((image - low) / (high - low) * 255), 0, 255).astype(np.uint8)
    return written(folder, modality, [flat(modality, sop_class, region.upper(), stored)])


def flat(modality: str, sop_class: UID, region: str, stored: NDArray[np.uint8]) -> Dataset:
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SOPClassUID = sop_class
    for keyword in ("Study", "Series", "SOP"):
        setattr(header, f"{keyword}InstanceUID", generate_uid(entropy_srcs=["browser", modality, keyword]))
    header.StudyDate, header.StudyTime, header.StudyID, header.AccessionNumber = "20260102", "101500", "S1", ""
    header.PatientID, header.PatientBirthDate, header.PatientSex = f"BROWSER-{modality}", "19610102", "F"
    header.ReferringPhysicianName, header.Manufacturer = "", "Scanner works"
    header.BodyPartExamined, header.SeriesNumber, header.InstanceNumber = region, 3, 1
    header.ImageType, header.PatientOrientation = ["ORIGINAL", "PRIMARY"], ["L", "F"]
    header.Rows, header.Columns = stored.shape
    header.ImagerPixelSpacing = [0.5, 0.5]
    header.BitsAllocated = header.BitsStored = 8
    header.HighBit, header.PixelRepresentation, header.SamplesPerPixel = 7, 0, 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.WindowCenter, header.WindowWidth = 128, 256
    header.PixelData = stored.tobytes()
    header.Modality = modality
    name(header, modality)
    return header


def name(dataset: Dataset, modality: str) -> None:
    dataset.PatientName = f"Phantom^{modality}"
    dataset.StudyDescription = f"{modality} for the viewer"
    dataset.SeriesDescription = f"{modality} source"


def written(folder: Path, modality: str, datasets: list[Dataset]) -> Study:
    folder.mkdir(parents=True)
    for number, dataset in enumerate(datasets):
        (folder / f"{number:03}.dcm").write_bytes(part10(dataset))
    first = datasets[0]
    files = tuple(sorted(folder.glob("*.dcm")))
    return Study(f"{modality} for the viewer", str(first.StudyInstanceUID), str(first.SeriesInstanceUID), files)


def study(description: str, files: list[Path]) -> Study:
    from pydicom import dcmread

    first = dcmread(files[0], stop_before_pixels=True)
    return Study(description, str(first.StudyInstanceUID), str(first.SeriesInstanceUID), tuple(files))

"""Phantom radiographs of the chest, as random images of two labels: pneumonia is spread out, cancer is round."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid
from scipy.ndimage import gaussian_filter

LABELS = ("lung cancer", "pneumonia")


def radiograph(label: str, seed: int, rows: int = 96) -> NDArray[np.uint16]:
    """Brighter is denser, 12 bits."""
    random = np.random.default_rng([seed, len(label)])
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : rows * 1j]
    density = 0.8 - 0.55 * sum(np.exp(-(((x - side) / 0.33) ** 4) - (y / 0.75) ** 4) for side in (-0.45, 0.45))
    side, height = random.choice([-0.45, 0.45]), random.uniform(-0.4, 0.4)
    distance = np.hypot(x - side, y - height)
    if label == "pneumonia":
        texture = gaussian_filter(random.normal(size=density.shape), rows / 40) * rows / 12
        density += 0.25 * np.exp(-((distance / 0.4) ** 2)) * (1 + texture)
    else:
        density += 0.45 * (distance < random.uniform(0.1, 0.16))
    density += random.normal(0, 0.02, density.shape)
    return np.clip(density * 3000, 0, 4095).astype(np.uint16)


def write_png(label: str, seed: int, path: Path, rows: int = 96) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((radiograph(label, seed, rows) >> 4).astype(np.uint8)).save(path)


def write_dicom(label: str, seed: int, path: Path, rows: int = 96) -> None:
    """Computed radiography; each seed is a patient of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = Dataset()
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(dataset, keyword, generate_uid(entropy_srcs=[keyword, label, str(seed)]))
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.PatientID, dataset.PatientName = f"PHANTOM-{label}-{seed}", "Phantom^Chest"
    dataset.PatientBirthDate, dataset.PatientSex = "", "O"
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20240105", "101500", "1"
    dataset.AccessionNumber, dataset.ReferringPhysicianName = "", ""
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "CR", "CHEST", "PA"
    dataset.SeriesNumber, dataset.InstanceNumber = 1, 1
    dataset.Manufacturer, dataset.PatientOrientation = "Phantom generator", ["L", "F"]
    dataset.ImagerPixelSpacing = [3.5, 3.5]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = rows, rows
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = radiograph(label, seed, rows).astype("<u2").tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)

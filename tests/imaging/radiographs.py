"""Single images as machines send them: radiographs and ultrasound, without a place in space."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    UltrasoundImageStorage,
)

CLASSES = {
    "CR": ComputedRadiographyImageStorage,
    "DX": DigitalXRayImageStorageForPresentation,
    "US": UltrasoundImageStorage,
}


def radiograph(modality: str, *, number: int = 1, inverted: bool = False, colour: bool = False) -> Dataset:
    """48 rows, 40 columns, dark at the top and bright below; `inverted` stores it as MONOCHROME1."""
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.SOPClassUID, header.SOPInstanceUID = CLASSES[modality], f"1.2.826.0.1.3680043.8.498.9.{number}"
    header.PatientName, header.PatientID, header.PatientBirthDate, header.PatientSex = "Doe^Jo", "P-1", "19610102", "F"
    header.StudyInstanceUID, header.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.8.1", "1.2.826.0.1.3680043.8.498.8.2"
    header.StudyDate, header.StudyTime, header.StudyID, header.AccessionNumber = "20260102", "101500", "S1", "A-9"
    header.ReferringPhysicianName, header.Manufacturer = "", "Scanner works"
    header.Modality, header.BodyPartExamined, header.SeriesNumber, header.InstanceNumber = modality, "CHEST", 3, number
    header.ImageType, header.PatientOrientation = ["ORIGINAL", "PRIMARY"], ["L", "F"]
    header.Rows, header.Columns = 48, 40
    header.ImagerPixelSpacing = [0.5, 0.5]
    grey = np.repeat(np.linspace(0, 200, 48).astype(np.uint8)[:, None], 40, axis=1)
    header.BitsAllocated = header.BitsStored = 8
    header.HighBit, header.PixelRepresentation = 7, 0
    if colour:
        header.SamplesPerPixel, header.PhotometricInterpretation, header.PlanarConfiguration = 3, "RGB", 0
        header.PixelData = np.stack([grey, grey // 2, grey // 4], axis=-1).tobytes()
    else:
        header.SamplesPerPixel = 1
        header.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
        header.PixelData = (255 - grey if inverted else grey).tobytes()
    return header

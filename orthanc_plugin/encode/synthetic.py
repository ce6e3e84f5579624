"""What is true of an image in, what of it holds of an image in another modality that no scanner made out."""

from __future__ import annotations

from copy import copy

from pydicom.dataset import Dataset

GROUPS = frozenset({0x0010, 0x0012})
"""The patient's, and those of a trial."""
FOLLOWING = frozenset(
    {
        *("SpecificCharacterSet", "TimezoneOffsetFromUTC"),
        *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber"),
        *("IssuerOfAccessionNumberSequence", "ReferringPhysicianName", "ProcedureCodeSequence"),
        *("FrameOfReferenceUID", "PositionReferenceIndicator", "PatientPosition", "BodyPartExamined", "Laterality"),
        *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "SliceLocation"),
        *("ImageType", "InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName"),
    }
)
SYNTHETIC = "SYNTHETIC"


def in_modality(plain: Dataset, modality: str) -> Dataset:
    """Patient, study and place stay; how the source was acquired says nothing of what is made of it."""
    result = Dataset()
    for element in plain:
        if element.tag.group in GROUPS or element.keyword in FOLLOWING:
            result.add(copy(element))
    result.Modality = modality
    result.ImageType = [*list(plain.get("ImageType") or ("DERIVED", "SECONDARY"))[:2], "AXIAL"]
    return result

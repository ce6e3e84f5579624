"""Source headers in, the image library of a report (TID 1600) out."""

from __future__ import annotations

from collections.abc import Sequence

from highdicom.sr import (
    CodeContentItem,
    CodedConcept,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    ImageContentItem,
    NumContentItem,
    RelationshipTypeValues,
    UIDRefContentItem,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume

PIXELS = Code("{pixels}", "UCUM", "Pixels")
COSINE = Code("{-1:1}", "UCUM", "{-1:1}")
SOURCE = Code("260753009", "SCT", "Source")
ORIENTATION = (
    *(codes.DCM.ImageOrientationPatientRowX, codes.DCM.ImageOrientationPatientRowY),
    *(codes.DCM.ImageOrientationPatientRowZ, codes.DCM.ImageOrientationPatientColumnX),
    *(codes.DCM.ImageOrientationPatientColumnY, codes.DCM.ImageOrientationPatientColumnZ),
)
OF_IMAGES = RelationshipTypeValues.HAS_ACQ_CONTEXT


def image_library(headers: Sequence[Dataset], imaged: Imaged) -> ContainerContentItem:
    """One group: what all of its images share is said once, of a volume matrix, orientation and spacing, too."""
    library = ContainerContentItem(codes.DCM.ImageLibrary, relationship_type=RelationshipTypeValues.CONTAINS)
    group = ContainerContentItem(codes.DCM.ImageLibraryGroup, relationship_type=RelationshipTypeValues.CONTAINS)
    images = [
        ImageContentItem(
            SOURCE,
            referenced_sop_class_uid=header.SOPClassUID,
            referenced_sop_instance_uid=header.SOPInstanceUID,
            relationship_type=RelationshipTypeValues.CONTAINS,
        )
        for header in headers
    ]
    group.ContentSequence = ContentSequence([*_shared(headers[0], imaged), *images])
    library.ContentSequence = ContentSequence([group])
    return library


def _shared(header: Dataset, imaged: Imaged) -> list[ContentItem]:
    """Descriptors of TID 1602 and, for cross-sections, TID 1604."""
    if not isinstance(imaged, Volume):
        return [CodeContentItem(codes.DCM.Modality, _modality(header), relationship_type=OF_IMAGES)]
    geometry = imaged.geometry
    row_mm, column_mm = geometry.pixel_spacing
    items: list[ContentItem] = [CodeContentItem(codes.DCM.Modality, _modality(header), relationship_type=OF_IMAGES)]
    if geometry.frame_of_reference_uid is not None:
        place = UIDRefContentItem(codes.DCM.FrameOfReferenceUID, geometry.frame_of_reference_uid, OF_IMAGES)
        items.append(place)
    items += [
        _number(codes.DCM.PixelDataRows, int(header.Rows), PIXELS),
        _number(codes.DCM.PixelDataColumns, int(header.Columns), PIXELS),
        _number(codes.DCM.HorizontalPixelSpacing, column_mm, codes.UCUM.Millimeter),
        _number(codes.DCM.VerticalPixelSpacing, row_mm, codes.UCUM.Millimeter),
        _number(codes.DCM.SpacingBetweenSlices, geometry.spacing_between_slices, codes.UCUM.Millimeter),
    ]
    cosines = geometry.get_plane_orientation()[0].ImageOrientationPatient
    return items + [_number(name, float(cosine), COSINE) for name, cosine in zip(ORIENTATION, cosines, strict=True)]


def _modality(header: Dataset) -> CodedConcept:
    """CID 29 codes a modality by the very letters of the attribute."""
    return CodedConcept(header.Modality, "DCM", MODALITY_MEANINGS.get(header.Modality, header.Modality))


MODALITY_MEANINGS = {
    "CR": "Computed Radiography",
    "CT": "Computed Tomography",
    "DX": "Digital Radiography",
    "MG": "Mammography",
    "MR": "Magnetic Resonance",
    "NM": "Nuclear Medicine",
    "PT": "Positron emission tomography",
    "RF": "Radio Fluoroscopy",
    "US": "Ultrasound",
    "XA": "X-Ray Angiography",
}


def _number(name: Code, value: float, unit: Code) -> NumContentItem:
    return NumContentItem(name, value, unit, relationship_type=OF_IMAGES)

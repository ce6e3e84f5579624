"""Source headers in, the image library of a report (TID 1600) out."""

from __future__ import annotations

from collections.abc import Sequence

from highdicom.sr import ContainerContentItem, ContentSequence, ImageContentItem, RelationshipTypeValues
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID

from orthanc_plugin.encode.descriptor import Descriptor, Number
from orthanc_plugin.encode.descriptors import descriptors, matrix, stated
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume

COSINE = Code("{-1:1}", "UCUM", "{-1:1}")
SOURCE = Code("260753009", "SCT", "Source")
POSITION = (codes.DCM.ImagePositionPatientX, codes.DCM.ImagePositionPatientY, codes.DCM.ImagePositionPatientZ)
ORIENTATION = (
    *(codes.DCM.ImageOrientationPatientRowX, codes.DCM.ImageOrientationPatientRowY),
    *(codes.DCM.ImageOrientationPatientRowZ, codes.DCM.ImageOrientationPatientColumnX),
    *(codes.DCM.ImageOrientationPatientColumnY, codes.DCM.ImageOrientationPatientColumnZ),
)


def image_library(imaged: Imaged, beside: Sequence[Dataset]) -> ContainerContentItem:
    """The images that the findings lie on in the first group, each series that was used beside them in one of its own.

    Headers come as they arrived: a library speaks of the images, not of what was made of them.
    """
    library = ContainerContentItem(codes.DCM.ImageLibrary, relationship_type=RelationshipTypeValues.CONTAINS)
    of_all = [*_place(imaged)] if isinstance(imaged, Volume) else []
    groups = [_group(in_order(imaged), of_all)]
    by_series: dict[str, list[Dataset]] = {}
    for header in beside:
        by_series.setdefault(str(header.SeriesInstanceUID), []).append(header)
    library.ContentSequence = ContentSequence([*groups, *(_group(headers, []) for headers in by_series.values())])
    return library


def in_order(imaged: Imaged) -> list[Dataset]:
    """One header an instance, in the order of the slices or images."""
    by_uid = {str(header.SOPInstanceUID): header for header in imaged.headers}
    return [by_uid[uid] for uid in dict.fromkeys(source.sop_instance_uid for source in imaged.sources)]


def _group(headers: Sequence[Dataset], of_all: Sequence[Descriptor]) -> ContainerContentItem:
    """What all of its images share is said once."""
    said = [tuple(dict.fromkeys((*descriptors(header), *matrix(header), *_position(header)))) for header in headers]
    shared = set(said[0]).intersection(*said[1:])
    group = ContainerContentItem(codes.DCM.ImageLibraryGroup, relationship_type=RelationshipTypeValues.CONTAINS)
    group.ContentSequence = ContentSequence(
        [
            *(descriptor.item() for descriptor in (*(each for each in said[0] if each in shared), *of_all)),
            *(
                _image(header, [each for each in of_one if each not in shared])
                for header, of_one in zip(headers, said, strict=True)
            ),
        ]
    )
    return group


def _image(header: Dataset, own: Sequence[Descriptor]) -> ImageContentItem:
    image = ImageContentItem(
        SOURCE,
        referenced_sop_class_uid=header.SOPClassUID,
        referenced_sop_instance_uid=header.SOPInstanceUID,
        relationship_type=RelationshipTypeValues.CONTAINS,
    )
    if own:
        image.ContentSequence = ContentSequence([descriptor.item() for descriptor in own])
    return image


def _position(header: Dataset) -> list[Descriptor]:
    """Of a cross-section that is an instance of its own (TID 1604)."""
    found = stated(header, "ImagePositionPatient", len(POSITION)) or ()
    return [
        Descriptor(name, Number(value, codes.UCUM.Millimeter)) for name, value in zip(POSITION, found, strict=False)
    ]


def _place(volume: Volume) -> list[Descriptor]:
    """Descriptors of cross-sections (TID 1604) that all slices share."""
    geometry = volume.geometry
    row_mm, column_mm = geometry.pixel_spacing
    spacings = (
        (codes.DCM.HorizontalPixelSpacing, column_mm),
        (codes.DCM.VerticalPixelSpacing, row_mm),
        (codes.DCM.SpacingBetweenSlices, geometry.spacing_between_slices),
    )
    said = [Descriptor(name, Number(float(value), codes.UCUM.Millimeter)) for name, value in spacings]
    if geometry.frame_of_reference_uid is not None:
        said.insert(0, Descriptor(codes.DCM.FrameOfReferenceUID, UID(geometry.frame_of_reference_uid)))
    cosines = geometry.get_plane_orientation()[0].ImageOrientationPatient
    directions = zip(ORIENTATION, cosines, strict=True)
    return said + [Descriptor(name, Number(float(cosine), COSINE)) for name, cosine in directions]

"""Images in, the image library of a CAD report (TID 4020) out, with the references that its other items make to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from highdicom.sr import ContainerContentItem, ContentItem, ContentSequence, ImageContentItem, RelationshipTypeValues
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from orthanc_plugin.encode.descriptor import Descriptor
from orthanc_plugin.encode.descriptors import descriptors, projection
from orthanc_plugin.encode.library import SOURCE, in_order
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import SourceSlice

# Where the library stands in the report: below the root, after the language.
PATH = (1, 2)
BREASTS: Mapping[Code, Code] = {
    codes.SCT.Left: Code("80248007", "SCT", "Left breast"),
    codes.SCT.Right: Code("73056007", "SCT", "Right breast"),
    codes.SCT.Bilateral: Code("63762007", "SCT", "Both breasts"),
}
ORDER = (
    codes.DCM.ImageLaterality,
    codes.DCM.ImageView,
    codes.DCM.PatientOrientationRow,
    codes.DCM.PatientOrientationColumn,
    codes.DCM.StudyDate,
    codes.DCM.StudyTime,
    codes.DCM.ContentDate,
    codes.DCM.ContentTime,
    codes.DCM.HorizontalPixelSpacing,
    codes.DCM.VerticalPixelSpacing,
    codes.DCM.PositionerPrimaryAngle,
    codes.DCM.PositionerSecondaryAngle,
)


@dataclass(frozen=True, eq=False)
class Library:
    """`entries` are the instances one by one, then the frames of multi-frame ones that something was found on."""

    headers: tuple[Dataset, ...]
    entries: tuple[SourceSlice, ...]
    sources: tuple[SourceSlice, ...]
    of_breast: bool

    @classmethod
    def of(cls, imaged: Imaged, slices: Sequence[int], *, of_breast: bool) -> Library:
        headers = tuple(in_order(imaged))
        whole = [SourceSlice(str(header.SOPClassUID), str(header.SOPInstanceUID), None) for header in headers]
        entries = tuple(dict.fromkeys((*whole, *(imaged.sources[index] for index in slices))))
        return cls(headers, entries, imaged.sources, of_breast)

    def item(self) -> ContainerContentItem:
        library = ContainerContentItem(codes.DCM.ImageLibrary, relationship_type=RelationshipTypeValues.CONTAINS)
        by_uid = {str(header.SOPInstanceUID): header for header in self.headers}
        library.ContentSequence = ContentSequence(
            [self._entry(entry, by_uid[entry.sop_instance_uid]) for entry in self.entries]
        )
        return library

    def reference(self, slice_index: int, relationship: RelationshipTypeValues) -> Dataset:
        return self._reference(self.entries.index(self.sources[slice_index]), relationship)

    def references(self, relationship: RelationshipTypeValues) -> Iterator[Dataset]:
        """To all instances."""
        for place in range(len(self.headers)):
            yield self._reference(place, relationship)

    def _reference(self, place: int, relationship: RelationshipTypeValues) -> Dataset:
        reference = Dataset()
        reference.RelationshipType = relationship.value
        reference.ReferencedContentItemIdentifier = [*PATH, place + 1]
        return reference

    def _entry(self, entry: SourceSlice, header: Dataset) -> ImageContentItem:
        image = ImageContentItem(
            SOURCE,
            referenced_sop_class_uid=entry.sop_class_uid,
            referenced_sop_instance_uid=entry.sop_instance_uid,
            referenced_frame_numbers=None if entry.frame_number is None else [entry.frame_number],
            relationship_type=RelationshipTypeValues.CONTAINS,
        )
        said = self._said(header)
        if said:
            image.ContentSequence = ContentSequence(said)
        return image

    def _said(self, header: Dataset) -> list[ContentItem]:
        told: dict[Code, Descriptor] = {}
        for each in (*descriptors(header), *projection(header)):
            told.setdefault(each.name, each)
        if self.of_breast and codes.DCM.ImageLaterality in told:
            side = told.pop(codes.DCM.ImageLaterality)
            if isinstance(side.value, Code) and side.value in BREASTS:
                told[side.name] = replace(side, value=BREASTS[side.value])
        return [told[name].item() for name in ORDER if name in told]

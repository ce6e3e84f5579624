"""What a making lies on in, the source images of one result with frames as highdicom takes them out; and their names.

highdicom copies the place of each frame from its source. Single images have none in the patient: they get one in a
space that is made up for each, which `without_place` takes away again where a result may do without.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import CTImageStorage

from orthanc_plugin.encode.context import altered
from orthanc_plugin.encode.identity import derived_uid
from orthanc_plugin.encode.making import Making
from orthanc_plugin.imaging.image import Images
from orthanc_plugin.imaging.volume import SourceSlice, Volume

Scalar = TypeVar("Scalar", bound=np.generic)

FRAME_CONTENT = Tag("FrameContentSequence")
PLANE_POSITION = Tag("PlanePositionSequence")


@dataclass(frozen=True, eq=False)
class Sources:
    """Of a volume all slices, of single images those of one instance; `part` tells such a result from its siblings.

    `images` are headers whose planes are the frames one by one. `indices` say which slice or image of the making each
    frame is, `names` which source.
    """

    header: Dataset
    images: tuple[Dataset, ...]
    indices: tuple[int, ...]
    names: tuple[SourceSlice, ...]
    shape_yx: tuple[int, int]
    placed: bool
    part: str = ""

    def of(self, values_zyx: NDArray[Scalar]) -> NDArray[Scalar]:
        """What findings say of these frames, in their own matrix."""
        rows, columns = self.shape_yx
        return values_zyx[self.indices[0] : self.indices[-1] + 1, :rows, :columns]

    def only(self, indices: Sequence[int]) -> Sources:
        """The same with fewer frames."""
        if len(indices) == len(self.indices):
            return self
        places = [self.indices.index(index) for index in indices]
        first = self.images[0]
        images = [self.images[place] for place in places] if len(self.images) > 1 else [_with_frames(first, places)]
        names = tuple(self.names[place] for place in places)
        return replace(self, images=tuple(images), indices=tuple(indices), names=names)


def sources(making: Making) -> tuple[Sources, ...]:
    imaged = making.imaged
    if isinstance(imaged, Volume):
        images = tuple(_in_order(making.headers, imaged))
        indices = tuple(range(len(imaged)))
        return (Sources(making.header, images, indices, imaged.sources, imaged.shape_yx(0), True),)
    return tuple(_flat(header, imaged, alone=len(making.headers) == 1) for header in making.headers)


def named(images: Sequence[Dataset]) -> list[SourceSlice]:
    """What items of a Source Image Sequence name."""
    return [
        SourceSlice(
            str(image.ReferencedSOPClassUID), str(image.ReferencedSOPInstanceUID), image.get("ReferencedFrameNumber")
        )
        for image in images
    ]


def name_frames(result: Dataset, on: Sources) -> None:
    """References to what highdicom was given become references to the sources."""
    given = {name: index for index, name in enumerate(_given_names(on.images))}
    for image in _images_of_frames(result):
        [name] = named([image])
        source = on.names[given[name]]
        image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = source.sop_class_uid, source.sop_instance_uid
        if source.frame_number is not None:
            image.ReferencedFrameNumber = source.frame_number
    if not on.placed:
        _name_whole(result, on.header)


def without_place(result: Dataset, on: Sources) -> None:
    """Frames are then told apart by their place in a stack, and lie pixel by pixel on the image that they name."""
    _drop(result, "FrameOfReferenceUID", "PositionReferenceIndicator", "DimensionOrganizationType")
    shared = result.SharedFunctionalGroupsSequence[0]
    del shared.PlaneOrientationSequence
    if on.header.get("PixelSpacing"):
        _drop(shared.PixelMeasuresSequence[0], "SliceThickness", "SpacingBetweenSlices")
    else:
        del shared.PixelMeasuresSequence
    for item in result.DimensionIndexSequence:
        if item.FunctionalGroupPointer == PLANE_POSITION:
            item.DimensionIndexPointer = Tag("InStackPositionNumber")
            item.FunctionalGroupPointer = FRAME_CONTENT
            item.DimensionDescriptionLabel = "In-Stack Position Number"
    for groups in result.PerFrameFunctionalGroupsSequence:
        del groups.PlanePositionSequence
        content = groups.FrameContentSequence[0]
        content.StackID, content.InStackPositionNumber = "1", _last(content.DimensionIndexValues)
    result.PatientOrientation = on.header.get("PatientOrientation") or []


def _images_of_frames(result: Dataset) -> list[Dataset]:
    """Each once: frames of several segments share theirs."""
    images = [
        image
        for groups in result.PerFrameFunctionalGroupsSequence
        for derivation in groups.DerivationImageSequence
        for image in derivation.SourceImageSequence
    ]
    return list({id(image): image for image in images}.values())


def _given_names(images: Sequence[Dataset]) -> Iterator[SourceSlice]:
    for image in images:
        class_uid, uid = str(image.SOPClassUID), str(image.SOPInstanceUID)
        if "PerFrameFunctionalGroupsSequence" not in image:
            yield SourceSlice(class_uid, uid, None)
            continue
        for number in range(1, len(image.PerFrameFunctionalGroupsSequence) + 1):
            yield SourceSlice(class_uid, uid, number)


def _in_order(headers: Sequence[Dataset], volume: Volume) -> list[Dataset]:
    """Sources whose planes are the volume's slices one by one: highdicom then copies each place from its source."""
    if volume.sources[0].frame_number is None:
        return [_turned(header, headers[0]) for header in headers]
    [header] = headers
    return [_with_frames(header, [int(source.frame_number or 1) - 1 for source in volume.sources])]


def _with_frames(header: Dataset, places: Sequence[int]) -> Dataset:
    used = [altered(header.PerFrameFunctionalGroupsSequence[place]) for place in places]
    return altered(header, PerFrameFunctionalGroupsSequence=used, NumberOfFrames=len(used))


def _turned(header: Dataset, first: Dataset) -> Dataset:
    """Scanners round the directions of each slice anew; a result has one orientation for all of them."""
    if header.ImageOrientationPatient == first.ImageOrientationPatient:
        return header
    return altered(header, ImageOrientationPatient=first.ImageOrientationPatient)


def _flat(header: Dataset, imaged: Images, alone: bool) -> Sources:
    """The images of one instance as single frames, one above the other in a space of their own."""
    uid = str(header.SOPInstanceUID)
    indices = tuple(index for index, source in enumerate(imaged.sources) if source.sop_instance_uid == uid)
    shape_yx = imaged.shape_yx(indices[0])
    plain = altered(
        header,
        SOPClassUID=CTImageStorage,
        FrameOfReferenceUID=derived_uid("space", uid),
        PositionReferenceIndicator="",
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=list(imaged.spacings_mm[indices[0]] or (1, 1)),
        SliceThickness=1,
    )
    _drop(plain, "NumberOfFrames", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
    images = tuple(
        altered(plain, SOPInstanceUID=f"2.25.{place + 2}", ImagePositionPatient=[0, 0, place])
        for place in range(len(indices))
    )
    names = tuple(imaged.sources[index] for index in indices)
    return Sources(header, images, indices, names, shape_yx, False, "" if alone else uid)


def _name_whole(result: Dataset, header: Dataset) -> None:
    """What the result as a whole names: the one instance, where highdicom was given its frames as images."""
    image = Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    result.SourceImageSequence = [image]
    series = Dataset()
    series.SeriesInstanceUID, series.ReferencedInstanceSequence = header.SeriesInstanceUID, [image]
    result.ReferencedSeriesSequence = [series]


def _drop(dataset: Dataset, *keywords: str) -> None:
    for keyword in keywords:
        if keyword in dataset:
            delattr(dataset, keyword)


def _last(values: int | Sequence[int]) -> int:
    """Of an attribute that is a list only where it has several values."""
    return values if isinstance(values, int) else values[-1]

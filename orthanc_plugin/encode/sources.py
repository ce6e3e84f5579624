"""What a making lies on in, the source images of one result with frames as highdicom takes them out; and their names.

highdicom copies the place of each frame from its source. Images without a place in the patient have one in a space of
their own, a frame of reference that nothing else is in: results must state a place, and viewers break on those without.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from orthanc_plugin.encode.context import altered
from orthanc_plugin.encode.identity import derived_uid
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.place import Place, place_of
from orthanc_plugin.imaging.image import Images
from orthanc_plugin.imaging.volume import SourceSlice, Volume

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Sources:
    """Of a volume all slices, of single images those of one instance; `part` tells such a result from its siblings.

    `images` are headers whose planes are the frames one by one, `instances` those that they come from where they were
    made up of their frames. `indices` say which slice or image of the making each frame is, `names` which source.
    """

    header: Dataset
    images: tuple[Dataset, ...]
    indices: tuple[int, ...]
    names: tuple[SourceSlice, ...]
    shape_yx: tuple[int, int]
    instances: tuple[Dataset, ...] = ()
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
        apart = imaged.sources[0].frame_number is not None and len(making.headers) > 1
        images = _taken_apart(making.headers, imaged) if apart else _in_order(making.headers, imaged)
        indices, instances = tuple(range(len(imaged))), making.headers if apart else ()
        return (Sources(making.header, tuple(images), indices, imaged.sources, imaged.shape_yx(0), instances),)
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
    if on.instances:
        _name_whole(result, on.instances)


def represent(result: Dataset, on: Sources, telling: Sequence[int]) -> None:
    """The first of these slices that it has a frame on stands for the result: viewers open it there."""
    groups = result.PerFrameFunctionalGroupsSequence
    shown = named([each.DerivationImageSequence[0].SourceImageSequence[0] for each in groups])
    wanted = (on.names[on.indices.index(index)] for index in telling if index in on.indices)
    stands = next((name for name in wanted if name in shown), None)
    if stands is not None:
        result.RepresentativeFrameNumber = shown.index(stands) + 1


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


def _taken_apart(headers: Sequence[Dataset], volume: Volume) -> Iterator[Dataset]:
    """Frames of several multi-frame instances as single images: highdicom takes one such instance at most."""
    by_uid = {str(header.SOPInstanceUID): header for header in headers}
    places = [place_of(by_uid[source.sop_instance_uid], source.frame_number) for source in volume.sources]
    plain = _of_one_frame(headers[0])
    for number, place in enumerate(places):
        if place is not None and places[0] is not None:
            yield _at(plain, Place(place.position_mm, places[0].orientation, places[0].spacing_mm), number)


def _with_frames(header: Dataset, places: Sequence[int]) -> Dataset:
    used = [altered(header.PerFrameFunctionalGroupsSequence[place]) for place in places]
    return altered(header, PerFrameFunctionalGroupsSequence=used, NumberOfFrames=len(used))


def _turned(header: Dataset, first: Dataset) -> Dataset:
    """Scanners round the directions of each slice anew; a result has one orientation for all of them."""
    if header.ImageOrientationPatient == first.ImageOrientationPatient:
        return header
    return altered(header, ImageOrientationPatient=first.ImageOrientationPatient)


def _flat(header: Dataset, imaged: Images, alone: bool) -> Sources:
    """The images of one instance as single frames, which is how highdicom can be told where each of them lies."""
    uid = str(header.SOPInstanceUID)
    indices = tuple(index for index, source in enumerate(imaged.sources) if source.sop_instance_uid == uid)
    names = tuple(imaged.sources[index] for index in indices)
    places = _stated_places(header, names) or _own_places(imaged.spacings_mm[indices[0]], len(names))
    plain = _of_one_frame(header)
    if not _stated_places(header, names):
        plain = altered(plain, FrameOfReferenceUID=derived_uid("space", uid), PositionReferenceIndicator="")
    images = tuple(_at(plain, place, number) for number, place in enumerate(places))
    return Sources(header, images, indices, names, imaged.shape_yx(indices[0]), (header,), "" if alone else uid)


def _of_one_frame(header: Dataset) -> Dataset:
    """As if of a class without frames."""
    plain = altered(header, SOPClassUID=CTImageStorage, SliceThickness=header.get("SliceThickness") or 1)
    for keyword in ("NumberOfFrames", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        if keyword in plain:
            delattr(plain, keyword)
    return plain


def _stated_places(header: Dataset, names: Sequence[SourceSlice]) -> list[Place]:
    """Where the header says that its frames lie; nowhere when it leaves that open, or one lies on or across another."""
    places = [place_of(header, name.frame_number) for name in names] if header.get("FrameOfReferenceUID") else []
    known = [place for place in places if place is not None]
    alike = {(place.orientation, place.spacing_mm) for place in known}
    apart = {place.position_mm for place in known}
    return known if len(apart) == len(names) and len(alike) == 1 else []


def _own_places(spacing_mm: tuple[float, float] | None, count: int) -> list[Place]:
    """One above the other."""
    return [Place((0, 0, number), (1, 0, 0, 0, 1, 0), spacing_mm or (1, 1)) for number in range(count)]


def _at(plain: Dataset, place: Place, number: int) -> Dataset:
    return altered(
        plain,
        SOPInstanceUID=f"2.25.{number + 2}",
        ImagePositionPatient=list(place.position_mm),
        ImageOrientationPatient=list(place.orientation),
        PixelSpacing=list(place.spacing_mm),
    )


def _name_whole(result: Dataset, headers: Sequence[Dataset]) -> None:
    """What the result as a whole names: the instances, where highdicom was given their frames as images."""
    images = []
    for header in headers:
        image = Dataset()
        image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
        images.append(image)
    result.SourceImageSequence = images
    series = Dataset()
    series.SeriesInstanceUID, series.ReferencedInstanceSequence = headers[0].SeriesInstanceUID, images
    result.ReferencedSeriesSequence = [series]

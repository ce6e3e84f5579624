"""Derived images in, nothing out: Broken with a sentence where one lies elsewhere than its source or says other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from pydicom.dataset import Dataset

from orthanc_plugin.encode.check import demand
from orthanc_plugin.encode.check_frames import same_space
from orthanc_plugin.encode.derived_frames import in_frames
from orthanc_plugin.encode.grey import Grey, grey
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.place import Place, place_of
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import DerivedImage


def derived_images(results: Sequence[Dataset], making: Making) -> None:
    """Each instance lies where its image lies and holds its values; an image lacks no slice and repeats none."""
    left = list(results)
    for image in making.findings.images:
        count = 1 if in_frames(making, image) else len(making.imaged) * image.finer
        demand(len(left) >= count, f"The image {image.label} lacks slices, or repeats them.")
        instances, left = left[:count], left[count:]
        stored = grey(image, making.imaged)
        if in_frames(making, image):
            _frames(instances[0], image, stored, making)
            continue
        series = {str(result.SeriesInstanceUID) for result in instances}
        demand(len(series) == 1, f"The image {image.label} is not one series.")
        seen = sorted(_index(result, image, stored, making) for result in instances)
        demand(seen == list(range(count)), f"The image {image.label} lacks slices, or repeats them.")
    demand(not left, "There is a derived image that the model did not give.")


def _frames(result: Dataset, image: DerivedImage, stored: Grey, making: Making) -> None:
    """Frames lie where those lie that they name, and hold their values."""
    sources, header = making.imaged.sources, making.headers[0]
    same = same_space(result, header, ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID"))
    demand(same, f"The image {image.label} is of another patient, study or space.")
    demand(result.ImageType[0] == "DERIVED", f"The image {image.label} claims to be an original.")
    demand(result.NumberOfFrames == len(sources), f"The image {image.label} lacks frames, or repeats them.")
    for number, source in enumerate(sources, start=1):
        [derivation] = result.PerFrameFunctionalGroupsSequence[number - 1].DerivationImageSequence
        named = derivation.SourceImageSequence[0].get("ReferencedFrameNumber")
        here = f"Frame {number} of the image {image.label}"
        demand(named == source.frame_number, f"{here} names another frame than it is derived from.")
        place, there = place_of(result, number), place_of(header, source.frame_number)
        alike = place is not None and there is not None and place.same(there)
        demand(alike, f"{here} lies elsewhere than the frame that it names.")
    expected = b"".join(stored.pixels(each[: result.Rows, : result.Columns]).tobytes() for each in image.values_zyx)
    demand(result.PixelData == expected, f"The image {image.label} holds other values than the model gave.")


def _index(result: Dataset, image: DerivedImage, stored: Grey, making: Making) -> int:
    """Which slice it is."""
    imaged, here = making.imaged, f"Instance {result.InstanceNumber} of the image {image.label}"
    names = [(source.sop_instance_uid, source.frame_number) for source in imaged.sources]
    [named] = result.SourceImageSequence
    name = (str(named.ReferencedSOPInstanceUID), named.get("ReferencedFrameNumber"))
    demand(name in names, f"{here} names an image that is not among its sources.")
    index = names.index(name)
    header = next(header for header in imaged.headers if header.SOPInstanceUID == name[0])
    same = same_space(result, header, ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID"))
    demand(same, f"{here} is of another patient, study or space.")
    demand((result.Rows, result.Columns) == imaged.shape_yx(index), f"{here} has another matrix.")
    place, there = place_of(result, None), place_of(header, name[1])
    within = [number for number, each in enumerate(_within(there, image.finer, imaged)) if _alike(place, each)]
    demand(len(within) == 1, f"{here} lies elsewhere than the image that it names.")
    demand(result.ImageType[0] == "DERIVED", f"{here} claims to be an original.")
    number = index * image.finer + within[0]
    expected = stored.pixels(image.values_zyx[number, : result.Rows, : result.Columns])
    demand(result.PixelData == expected.tobytes(), f"{here} holds other values than the model gave for its image.")
    return number


def _within(place: Place | None, finer: int, imaged: Imaged) -> list[Place | None]:
    """Where the slices within one lie, along the way to the next."""
    if finer == 1 or place is None or not isinstance(imaged, Volume):
        return [place] * (finer == 1)
    first, second = imaged.geometry.map_indices_to_reference(np.array([[0, 0, 0], [1, 0, 0]]))
    middle, shares = np.array(place.position_mm), (np.arange(finer) + 0.5) / finer - 0.5
    return [replace(place, position_mm=tuple(middle + share * (second - first))) for share in shares]


def _alike(place: Place | None, there: Place | None) -> bool:
    return place == there or (place is not None and there is not None and place.same(there))

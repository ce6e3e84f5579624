"""Pixels that people look at in, secondary captures out: the page, and all slices to scroll through."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from highdicom.sc import SCImage
from highdicom.sr import CodedConcept
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, MultiFrameTrueColorSecondaryCaptureImageStorage

from orthanc_plugin.encode.context import (
    burned_in_annotation,
    series_attributes,
    series_description,
    settle,
    state_side,
)
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.page import page, shown_slices
from orthanc_plugin.encode.scrolling import frames, scrolled
from orthanc_plugin.imaging.image import Imaged


def capture(making: Making) -> Dataset:
    """The page; patient identity is in the header only, unless the destination's profile asks for it."""
    result = image(making, page(making), "SC")
    result.BurnedInAnnotation = burned_in_annotation(making.imaged, making.profile.patient_on_page)
    result.SourceImageSequence = source_images(making.imaged, shown_slices(making.findings))
    return result


def scrolling(making: Making) -> Dataset:
    """Slices with overlay as frames of one image, in a series of its own beside the page's."""
    slices = scrolled(making)
    pixels = frames(making, slices)
    result = image(making, pixels[0], "SC", part="scrolling")
    result.SeriesDescription = series_description("SC scrolling", making.origin)
    result.SOPClassUID = result.file_meta.MediaStorageSOPClassUID = MultiFrameTrueColorSecondaryCaptureImageStorage
    result.NumberOfFrames = len(pixels)
    result.FrameIncrementPointer = 0x00182001  # the page number vector: frames follow one another in space, not in time
    result.PageNumberVector = list(range(1, len(pixels) + 1))
    result.PixelData = pixels.tobytes()
    result.BurnedInAnnotation = burned_in_annotation(making.imaged, patient_on_page=False)
    result.SourceImageSequence = source_images(making.imaged, slices)
    return result


def image(making: Making, pixels: NDArray[np.uint8], kind: str, part: str = "") -> Dataset:
    """RGB, uncompressed, since every viewer reads that."""
    result = SCImage.from_ref_dataset(
        ref_dataset=making.header,
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **series_attributes(kind, making.header, making.identity, making.origin, part),
    )
    # A page has no orientation as a whole; the pictures on it carry their own letters.
    result.PatientOrientation = []
    result.BurnedInAnnotation = "NO"
    result.ImageComments = "\n".join(making.remarks)
    result.DateOfSecondaryCapture, result.TimeOfSecondaryCapture = result.ContentDate, result.ContentTime
    settle(result, making.header, making.imaged, making.origin)
    state_side(result, making.header)
    return result


def source_images(imaged: Imaged, slices: Iterable[int]) -> list[Dataset]:
    """The images that are shown."""
    return [_source(imaged, index) for index in slices]


def _source(imaged: Imaged, index: int) -> Dataset:
    source, item = imaged.sources[index], Dataset()
    item.ReferencedSOPClassUID = source.sop_class_uid
    item.ReferencedSOPInstanceUID = source.sop_instance_uid
    if source.frame_number is not None:
        item.ReferencedFrameNumber = source.frame_number
    item.PurposeOfReferenceCodeSequence = [CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)]
    return item

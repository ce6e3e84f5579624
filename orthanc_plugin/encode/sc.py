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

from orthanc_plugin.encode.context import series_attributes, settle
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.page import page, shown_slices
from orthanc_plugin.encode.scrolling import frames, scrolled
from orthanc_plugin.imaging.image import Imaged

# Of the body parts that scanners name in the standard's words (PS3.16 annex L), those of which everyone has one.
UNPAIRED = frozenset({"ABDOMEN", "BRAIN", "CHEST", "CSPINE", "HEAD", "HEART", "LSPINE", "NECK", "PELVIS", "TSPINE"})


def capture(making: Making) -> Dataset:
    """The page; patient identity is in the header only, unless the destination's profile asks for it."""
    result = image(making, page(making), "SC")
    if making.profile.patient_on_page:
        result.BurnedInAnnotation = "YES"
    result.SourceImageSequence = source_images(making.imaged, shown_slices(making.findings))
    return result


def scrolling(making: Making) -> Dataset:
    """Slices with overlay as frames of one image, in a series of its own beside the page's."""
    slices = scrolled(making)
    pixels = frames(making, slices)
    result = image(making, pixels[0], "SC", part="scrolling")
    result.SOPClassUID = result.file_meta.MediaStorageSOPClassUID = MultiFrameTrueColorSecondaryCaptureImageStorage
    result.NumberOfFrames = len(pixels)
    result.FrameIncrementPointer = 0x00182001  # the page number vector: frames follow one another in space, not in time
    result.PageNumberVector = list(range(1, len(pixels) + 1))
    result.PixelData = pixels.tobytes()
    result.SourceImageSequence = source_images(making.imaged, slices)
    return result


def image(making: Making, pixels: NDArray[np.uint8], kind: str, part: str = "") -> Dataset:
    """RGB, uncompressed, since every viewer reads that."""
    attributes = series_attributes(kind, making.header, making.identity, making.origin)
    if part:
        attributes["series_instance_uid"] = making.identity.series_uid(f"{kind} {part}")
        attributes["sop_instance_uid"] = making.identity.instance_uid(f"{kind} {part}")
    result = SCImage.from_ref_dataset(
        ref_dataset=making.header,
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **attributes,
    )
    # A page has no orientation as a whole; the pictures on it carry their own letters.
    result.PatientOrientation = []
    result.copy_patient_and_study_information(making.header)
    result.BurnedInAnnotation = "NO"
    result.ImageComments = "\n".join(making.remarks)
    result.DateOfSecondaryCapture, result.TimeOfSecondaryCapture = result.ContentDate, result.ContentTime
    settle(result, making.header, making.imaged, making.origin)
    if "Laterality" not in result and result.get("BodyPartExamined") not in UNPAIRED:
        result.Laterality = ""  # type 2C: whether the body part is one of a pair is not known, and that is said
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

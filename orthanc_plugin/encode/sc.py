"""Findings in, the page that people read as a secondary capture out."""

from __future__ import annotations

from highdicom.sc import SCImage
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from orthanc_plugin.encode.context import series_attributes, settle
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.page import page
from orthanc_plugin.imaging.image import Imaged

# Of the body parts that scanners name in the standard's words (PS3.16 annex L), those of which everyone has one.
UNPAIRED = frozenset({"ABDOMEN", "BRAIN", "CHEST", "CSPINE", "HEAD", "HEART", "LSPINE", "NECK", "PELVIS", "TSPINE"})


def capture(making: Making) -> Dataset:
    """RGB, uncompressed, since every viewer reads that; patient identity is in the header only."""
    findings, imaged, origin = making.findings, making.imaged, making.origin
    result = SCImage.from_ref_dataset(
        ref_dataset=making.header,
        pixel_array=page(findings, imaged, origin),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **series_attributes("SC", making.header, making.identity, origin),
    )
    # A page has no orientation as a whole; the picture on it carries its own letters.
    result.PatientOrientation = []
    result.copy_patient_and_study_information(making.header)
    result.BurnedInAnnotation = "NO"
    result.ImageComments = "\n".join(making.remarks)
    result.DateOfSecondaryCapture, result.TimeOfSecondaryCapture = result.ContentDate, result.ContentTime
    result.SourceImageSequence = [_source(imaged, findings.key_slice)]
    settle(result, making.header, imaged, origin)
    if "Laterality" not in result and result.get("BodyPartExamined") not in UNPAIRED:
        result.Laterality = ""  # type 2C: whether the body part is one of a pair is not known, and that is said
    return result


def _source(imaged: Imaged, slice_index: int) -> Dataset:
    """The image that is shown."""
    source, item = imaged.sources[slice_index], Dataset()
    item.ReferencedSOPClassUID = source.sop_class_uid
    item.ReferencedSOPInstanceUID = source.sop_instance_uid
    if source.frame_number is not None:
        item.ReferencedFrameNumber = source.frame_number
    item.PurposeOfReferenceCodeSequence = [CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)]
    return item

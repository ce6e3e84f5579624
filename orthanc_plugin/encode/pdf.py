"""A making in, its page as an encapsulated PDF out, for those that show nothing else."""

from __future__ import annotations

from io import BytesIO

from highdicom.base import SOPClass
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from orthanc_plugin.encode.context import burned_in_annotation, moment, series_attributes, settle
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.page import page, shown_slices
from orthanc_plugin.encode.sc import source_images
from orthanc_plugin.encode.theme import LIGHT

# The page then is as wide as A4 on its side.
DOTS_PER_INCH = 110
ST_LENGTH = 1024
MEDIA_TYPE = "application/pdf"


def page_document(making: Making) -> Dataset:
    """Light, as it may be printed; who the patient is stands in the header, and on the page where that is asked for."""
    header, origin = making.header, making.origin
    result = SOPClass(
        study_instance_uid=header.StudyInstanceUID,
        sop_class_uid=EncapsulatedPDFStorage,
        modality="DOC",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        patient_id=header.PatientID,
        accession_number=header.AccessionNumber,
        study_id=header.StudyID,
        **series_attributes("PDF", header, making.identity, origin),
    )
    result.ConversionType = "WSD"
    result.AcquisitionDateTime = ""
    result.BurnedInAnnotation = burned_in_annotation(making.imaged, making.profile.patient_on_page)
    result.DocumentTitle = origin.title[:ST_LENGTH]
    result.ConceptNameCodeSequence = []
    result.SourceInstanceSequence = _sources(making)
    written = _pdf(making)
    result.MIMETypeOfEncapsulatedDocument = MEDIA_TYPE
    result.EncapsulatedDocumentLength = len(written)
    result.EncapsulatedDocument = written + b"\0" * (len(written) % 2)
    settle(result, header, making.imaged, origin)
    return result


def _sources(making: Making) -> list[Dataset]:
    """The instances that are shown; a document refers to no frames."""
    items = {
        item.ReferencedSOPInstanceUID: item for item in source_images(making.imaged, shown_slices(making.findings))
    }
    for item in items.values():
        item.pop("ReferencedFrameNumber", None)
    return list(items.values())


def _pdf(making: Making) -> bytes:
    """One page; its dates are those of the making, so that the same making gives the same bytes."""
    buffer, made_at = BytesIO(), moment(making.header, making.origin).timetuple()
    Image.fromarray(page(making, LIGHT)).save(
        buffer,
        "PDF",
        resolution=DOTS_PER_INCH,
        quality=92,
        subsampling=0,
        title=making.origin.title,
        creationDate=made_at,
        modDate=made_at,
    )
    return buffer.getvalue()

"""A making whose other series were laid on the first one in, a Spatial Registration object that says how out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from highdicom.base import SOPClass
from highdicom.sr import CodedConcept
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, SpatialRegistrationStorage
from pydicom.valuerep import DA, TM, format_number_as_ds

from orthanc_plugin.encode.context import LO_LENGTH, moment, series_attributes, settle
from orthanc_plugin.encode.making import Making


def registration(making: Making) -> Dataset:
    header = making.header
    attributes = series_attributes("REG", header, making.identity, making.origin)
    result = SOPClass(
        study_instance_uid=header.StudyInstanceUID,
        sop_class_uid=SpatialRegistrationStorage,
        modality="REG",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        patient_id=header.PatientID,
        accession_number=header.AccessionNumber,
        study_id=header.StudyID,
        **attributes,
    )
    result.ContentLabel = "REGISTRATION"
    result.ContentDescription = making.origin.notice[:LO_LENGTH]
    result.ContentCreatorName = ""
    result.FrameOfReferenceUID = str(making.imaged.headers[0].FrameOfReferenceUID)
    result.PositionReferenceIndicator = str(header.get("PositionReferenceIndicator") or "")
    same = _item(result.FrameOfReferenceUID, making.imaged.headers, np.eye(4))
    laid = [_item(str(each.headers[0].FrameOfReferenceUID), each.headers, each.matrix) for each in making.laid]
    result.RegistrationSequence = [same, *laid]
    _refer(result, [making.imaged.headers, *(each.headers for each in making.laid)])
    settle(result, header, making.imaged, making.origin)
    made_at = moment(header, making.origin)
    result.ContentDate, result.ContentTime = DA(made_at.date()), TM(made_at.time())
    return result


def _item(frame_of_reference_uid: str, headers: Sequence[Dataset], matrix: NDArray[np.float64]) -> Dataset:
    transform = Dataset()
    transform.FrameOfReferenceTransformationMatrixType = "RIGID"
    transform.FrameOfReferenceTransformationMatrix = [format_number_as_ds(float(value)) for value in matrix.ravel()]
    how = Dataset()
    how.FrameOfReferenceTransformationComment = ""
    how.RegistrationTypeCodeSequence = [CodedConcept.from_code(codes.DCM.ImageContentBasedAlignment)]
    how.MatrixSequence = [transform]
    item = Dataset()
    item.FrameOfReferenceUID = frame_of_reference_uid
    item.ReferencedImageSequence = [_reference(header) for header in headers]
    item.MatrixRegistrationSequence = [how]
    return item


def _reference(header: Dataset) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    return reference


def _refer(result: Dataset, groups: Sequence[Sequence[Dataset]]) -> None:
    """Common Instance Reference: series of this study, and those of others (priors), study by study."""
    studies: dict[str, list[Dataset]] = {}
    for headers in groups:
        series = Dataset()
        series.SeriesInstanceUID = headers[0].SeriesInstanceUID
        series.ReferencedInstanceSequence = [_reference(header) for header in headers]
        studies.setdefault(str(headers[0].StudyInstanceUID), []).append(series)
    own = studies.pop(str(result.StudyInstanceUID), [])
    if own:
        result.ReferencedSeriesSequence = own
    if studies:
        result.StudiesContainingOtherReferencedInstancesSequence = [
            _study(uid, series) for uid, series in studies.items()
        ]


def _study(uid: str, series: list[Dataset]) -> Dataset:
    item = Dataset()
    item.StudyInstanceUID, item.ReferencedSeriesSequence = uid, series
    return item

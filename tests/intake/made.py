"""Sources in, what a node or a person makes of them out: a result that names them, a key object that rejects them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from pydicom.dataset import Dataset

from tests.builders.series import Scan


def result(source: Sequence[Dataset], name: str = "result") -> Dataset:
    """A secondary capture of a node."""
    made = deepcopy(source[0])
    scan = Scan(name=f"{source[0].SeriesInstanceUID} {name}")
    made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    made.SOPInstanceUID, made.SeriesInstanceUID = scan.uid("result"), scan.uid("series of the result")
    made.ConversionType, made.Manufacturer = "WSD", "Inference node"
    made.SourceImageSequence = [reference(dataset) for dataset in source]
    return made


def rejection(rejected: Sequence[Dataset], title: str = "113001", maker: str = "A PACS") -> Dataset:
    """A key object selection with just what the reader looks at."""
    first = rejected[0]
    scan = Scan(name=f"{first.SOPInstanceUID} {title} {maker}")
    made = Dataset()
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID"):
        made[keyword] = first[keyword]
    made.file_meta = deepcopy(first.file_meta)
    made.SOPClassUID, made.Modality, made.Manufacturer = "1.2.840.10008.5.1.4.1.1.88.59", "KO", maker
    made.SOPInstanceUID, made.SeriesInstanceUID = scan.uid("note"), scan.uid("series of notes")
    named = Dataset()
    named.CodeValue, named.CodingSchemeDesignator, named.CodeMeaning = title, "DCM", "Rejected"
    made.ConceptNameCodeSequence = [named]
    study, series = Dataset(), Dataset()
    study.StudyInstanceUID, study.ReferencedSeriesSequence = first.StudyInstanceUID, [series]
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ReferencedSOPSequence = [reference(dataset) for dataset in rejected]
    made.CurrentRequestedProcedureEvidenceSequence = [study]
    return made


def reference(dataset: Dataset) -> Dataset:
    made = Dataset()
    made.ReferencedSOPClassUID, made.ReferencedSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    return made

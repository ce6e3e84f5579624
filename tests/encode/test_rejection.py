"""The key object that rejects results: valid, about just these, in the study's own context, the same each time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.encode.making import Predecessor
from orthanc_plugin.encode.rejection import RECALLED, SUPERSEDED, Rejection, rejection_note
from orthanc_plugin.routing.results import result_kind
from tests.encode.making import read_back, volume, written
from tests.judges import dciodvfy, dsrdump

SOURCE = volume().headers[0]
MADE_AT = datetime(2026, 2, 3, 14, 5, 6, 789, tzinfo=UTC)
OUTLINES = Predecessor(SOURCE.StudyInstanceUID, "2.25.10", "1.2.840.10008.5.1.4.1.1.66.4", "2.25.1")
REPORT = Predecessor(SOURCE.StudyInstanceUID, "2.25.20", "1.2.840.10008.5.1.4.1.1.88.34", "2.25.2")


def note(*rejected: Predecessor, context: Dataset = SOURCE) -> Dataset:
    said = Rejection(SUPERSEDED, "Superseded by newer results of abdomen 1.0.1.", rejected or (OUTLINES, REPORT))
    return read_back(rejection_note(context, said, MADE_AT))


def test_it_references_just_what_is_rejected_under_the_title_and_says_why() -> None:
    found = note()

    assert (found.Modality, found.SOPClassUID) == ("KO", "1.2.840.10008.5.1.4.1.1.88.59")
    [title] = found.ConceptNameCodeSequence
    assert (title.CodeValue, title.CodingSchemeDesignator) == ("113001", "DCM")
    [study] = found.CurrentRequestedProcedureEvidenceSequence
    assert {
        (series.SeriesInstanceUID, instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID)
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    } == {(each.series_uid, each.sop_class_uid, each.sop_instance_uid) for each in (OUTLINES, REPORT)}
    said = {item.ValueType: item for item in found.ContentSequence}
    assert said["TEXT"].TextValue == "Superseded by newer results of abdomen 1.0.1."
    assert said["IMAGE"].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "2.25.1"
    assert said["COMPOSITE"].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "2.25.2"


def test_it_is_in_the_context_of_the_study() -> None:
    found = note()

    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "StudyDate", "AccessionNumber"):
        assert found[keyword].value == SOURCE[keyword].value
    assert found.SpecificCharacterSet == SOURCE.SpecificCharacterSet
    assert "Rows" not in found


def test_the_header_that_gives_the_context_stays_as_it_is() -> None:
    context = volume().headers[0]
    before = written(context)

    rejection_note(context, Rejection(SUPERSEDED, "Superseded.", (OUTLINES, REPORT)), MADE_AT)

    assert written(context) == before


def test_the_same_rejection_is_the_same_file_in_whatever_order_it_is_said() -> None:
    assert written(note()) == written(note())
    assert note(REPORT, OUTLINES).SOPInstanceUID == note().SOPInstanceUID
    assert note(REPORT).SOPInstanceUID != note().SOPInstanceUID
    recalled = rejection_note(SOURCE, Rejection(RECALLED, "Recalled.", (OUTLINES, REPORT)), MADE_AT)
    assert recalled.SOPInstanceUID != note().SOPInstanceUID


def test_it_is_no_source_for_anybody() -> None:
    assert result_kind({"SOPClassUID": note().SOPClassUID}) == "structured report or key object selection"


@pytest.mark.parametrize("rejected", [(OUTLINES, REPORT), (REPORT,)])
def test_it_conforms(rejected: tuple[Predecessor, ...], tmp_path: Path) -> None:
    path = tmp_path / "rejection.dcm"
    path.write_bytes(written(note(*rejected)))
    assert dciodvfy(path) == []
    assert "Rejected for Quality Reasons" in dsrdump(path)

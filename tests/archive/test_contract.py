"""What every archive does for the node, whatever stands behind it."""

from __future__ import annotations

import hashlib
from io import BytesIO

import pydicom
import pytest

from orthanc_plugin.errors import Broken, Unsuitable
from tests.archive.conftest import Place
from tests.archive.results import KIND, SCAN, result
from tests.builders.series import Scan, part10, slices

SOURCE = slices(SCAN)
SERIES_UID = SOURCE[0].SeriesInstanceUID


@pytest.fixture
def filled(place: Place) -> Place:
    for dataset in [*SOURCE, *slices(Scan(slices=2, name="another"))]:
        place.receive(dataset)
    return place


def test_a_series_is_known_with_its_study_and_instances(filled: Place) -> None:
    stored = filled.archive.series(SERIES_UID)
    assert stored.study_uid == SOURCE[0].StudyInstanceUID
    assert stored.series_uid == SERIES_UID
    assert stored.sop_instance_uids == tuple(sorted(dataset.SOPInstanceUID for dataset in SOURCE))


def test_files_come_as_they_were_sent(filled: Place) -> None:
    assert sorted(filled.archive.read(SERIES_UID)) == sorted(part10(dataset) for dataset in SOURCE)


def test_some_instances_alone_can_be_read(filled: Place) -> None:
    wanted = SOURCE[1]

    assert list(filled.archive.read(SERIES_UID, [str(wanted.SOPInstanceUID)])) == [part10(wanted)]


def test_reading_can_be_given_up(filled: Place) -> None:
    files = filled.archive.read(SERIES_UID)
    next(files)
    files.close()  # type: ignore[attr-defined]


def test_the_fingerprint_stays_while_nothing_changes(filled: Place) -> None:
    before = filled.archive.series(SERIES_UID).fingerprint
    filled.archive.store(KIND, result())
    assert filled.archive.series(SERIES_UID).fingerprint == before


@pytest.mark.parametrize("change", ["an instance more", "an instance less", "other content", "another name"])
def test_the_fingerprint_changes_with_the_series(filled: Place, change: str) -> None:
    before = filled.archive.series(SERIES_UID).fingerprint
    if change == "an instance more":
        filled.receive(slices(Scan(slices=4, name=SCAN.name))[3])
    if change == "an instance less":
        filled.delete(SOURCE[1])
    if change == "other content":
        other = slices(SCAN)[1]
        other.WindowCenter = 40
        filled.replace(other)
    if change == "another name":
        for dataset in SOURCE:
            filled.delete(dataset)
        for dataset in slices(SCAN):
            dataset.PatientName = "Someone^Else"
            filled.receive(dataset)
    assert filled.archive.series(SERIES_UID).fingerprint != before


def test_a_series_that_is_not_there(filled: Place) -> None:
    with pytest.raises(Unsuitable):
        filled.archive.series("1.2.3")
    with pytest.raises(Unsuitable):
        list(filled.archive.read("1.2.3"))


def test_a_series_under_two_patients(filled: Place) -> None:
    for dataset in slices(SCAN):
        dataset.PatientID = "SOMEONE-ELSE"
        dataset.StudyInstanceUID = SCAN.uid("another study")
        filled.receive(dataset)
    with pytest.raises(Unsuitable, match="in more than one study or under more than one patient"):
        filled.archive.series(SERIES_UID)


def test_a_result_is_stored_once(filled: Place) -> None:
    first = filled.archive.store(KIND, result())
    again = filled.archive.store(KIND, result())
    assert (first.was_there, again.was_there) == (False, True)
    assert (first.kind, first.sop_instance_uid, first.series_instance_uid) == (
        KIND,
        result().SOPInstanceUID,
        result().SeriesInstanceUID,
    )
    [stored] = filled.archive.read(result().SeriesInstanceUID)
    assert pydicom.dcmread(BytesIO(stored)).PixelData == result().PixelData


def test_the_time_and_the_release_are_no_other_content(filled: Place) -> None:
    filled.archive.store(KIND, result(time="101112", version="0.1.0"))
    assert filled.archive.store(KIND, result(time="202122", version="0.2.0")).was_there
    [stored] = filled.archive.read(result().SeriesInstanceUID)
    assert pydicom.dcmread(BytesIO(stored)).ContentTime == "101112"


def test_other_content_never_comes_under_an_old_uid(filled: Place) -> None:
    filled.archive.store(KIND, result(pixel=1))
    with pytest.raises(Broken) as refused:
        filled.archive.store(KIND, result(pixel=2))
    holder = refused.value.sentence.split(" holds ")[0]
    assert refused.value.sentence == (
        f"{holder} holds another SC under the same SOP instance UID ({result().SOPInstanceUID}), so this one was not "
        "stored; delete the other one if it is wrong, and retry."
    )
    [stored] = filled.archive.read(result().SeriesInstanceUID)
    assert pydicom.dcmread(BytesIO(stored)).PixelData == result(pixel=1).PixelData


def test_the_receipt_has_the_hash_of_the_file_that_is_stored(filled: Place) -> None:
    first = filled.archive.store(KIND, result(time="101112"))
    [stored] = filled.archive.read(result().SeriesInstanceUID)
    assert first.sha256 == hashlib.sha256(stored).hexdigest()
    assert filled.archive.store(KIND, result(time="202122")).sha256 == first.sha256


def test_a_result_is_found_by_its_uid(filled: Place) -> None:
    filled.archive.store(KIND, result())
    [stored] = filled.archive.read(result().SeriesInstanceUID)
    assert filled.archive.file(result().SOPInstanceUID) == stored
    assert filled.archive.file("1.2.3") is None


def test_a_result_that_is_no_dicom(filled: Place) -> None:
    odd = result()
    odd.Rows = "many"
    with pytest.raises(Broken) as refused:
        filled.archive.store(KIND, odd)
    assert refused.value.sentence == "The SC can't be written as a DICOM file; report it, with the model's name."


def test_a_result_is_taken_back(filled: Place) -> None:
    filled.archive.store(KIND, result())
    filled.archive.withdraw(result().SOPInstanceUID)
    with pytest.raises(Unsuitable):
        filled.archive.series(result().SeriesInstanceUID)
    assert filled.archive.series(SERIES_UID).sop_instance_uids
    filled.archive.withdraw(result().SOPInstanceUID)

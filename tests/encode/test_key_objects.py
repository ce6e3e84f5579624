from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode.key_objects import selection, worth_opening
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import encode
from orthanc_plugin.imaging.volume import Volume
from tests import judges
from tests.encode import making, outlined, test_classes

ON = making.volume()
FINDINGS = making.findings(ON)
MAKING = Making(FINDINGS, ON, making.origin())
WITH_KEY_OBJECTS = Profile().model_copy(update={"objects": ("SEG", "SR", "KO")})


def references(result: Dataset, value_type: str) -> list[Dataset]:
    return [item.ReferencedSOPSequence[0] for item in result.ContentSequence if item.ValueType == value_type]


def test_the_judges_hold_nothing_against_it(volume: Volume, tmp_path: Path) -> None:
    made = Making(making.findings(volume), volume, making.origin(), WITH_KEY_OBJECTS)
    path = tmp_path / "ko.dcm"
    path.write_bytes(making.written(encode(made)[-1].dataset))

    assert judges.dciodvfy(path) == []
    assert "Of Interest" in judges.dsrdump(path)


@pytest.mark.parametrize("source", outlined.FLAT)
def test_the_judges_hold_nothing_against_that_of_single_images(source: str, tmp_path: Path) -> None:
    path = tmp_path / "ko.dcm"
    path.write_bytes(making.written(selection(outlined.made(outlined.FLAT[source]()), [])))

    assert judges.dciodvfy(path) == []


def test_the_same_making_gives_the_same_bytes() -> None:
    assert making.written(selection(MAKING, [])) == making.written(selection(MAKING, []))


def test_it_names_what_is_worth_opening_and_our_results_on_it() -> None:
    made = replace(MAKING, findings=replace(FINDINGS, worth_opening=(3, 1)), profile=WITH_KEY_OBJECTS)

    segmentation, report, selected = (result.dataset for result in encode(made))

    images = [str(each.ReferencedSOPInstanceUID) for each in references(selected, "IMAGE")]
    assert images == [*(ON.sources[index].sop_instance_uid for index in (1, 3)), segmentation.SOPInstanceUID]
    assert [each.ReferencedSOPInstanceUID for each in references(selected, "COMPOSITE")] == [report.SOPInstanceUID]
    [study] = selected.CurrentRequestedProcedureEvidenceSequence
    declared = [
        each.ReferencedSOPInstanceUID
        for series in study.ReferencedSeriesSequence
        for each in series.ReferencedSOPSequence
    ]
    assert sorted(declared) == sorted([*images, report.SOPInstanceUID])
    assert selected.ConceptNameCodeSequence[0].CodeValue == "113000"
    assert str(selected.PatientName) == "Müller^Jürgen"


def test_what_the_destination_does_not_take_is_not_named() -> None:
    made = replace(MAKING, profile=Profile().model_copy(update={"objects": ("KO",)}))

    [selected] = encode(made)

    assert references(selected.dataset, "COMPOSITE") == []
    uids = {source.sop_instance_uid for source in ON.sources}
    assert {each.ReferencedSOPInstanceUID for each in references(selected.dataset, "IMAGE")} <= uids


def test_of_a_multi_frame_source_the_frames_are_named() -> None:
    on = making.enhanced_volume()
    findings = replace(making.findings(on), worth_opening=(3, 1))

    [reference] = references(selection(Making(findings, on, making.origin()), []), "IMAGE")

    assert list(reference.ReferencedFrameNumber) == [on.sources[3].frame_number, on.sources[1].frame_number]


def test_without_findings_nothing_is_worth_opening() -> None:
    nothing = replace(FINDINGS, segments=(), worth_opening=())
    classified = test_classes.findings(ON)
    absent = replace(classified, classes=tuple(each for each in classified.classes if each.verdict == "absent"))

    assert worth_opening(nothing) == worth_opening(absent) == ()
    assert worth_opening(replace(FINDINGS, worth_opening=())) == (FINDINGS.key_slice,)
    assert worth_opening(classified) == (classified.key_slice,)
    nowhere = replace(making.findings(ON, np.zeros((3, 6, 64, 80), bool)), worth_opening=())
    assert [result.kind for result in encode(replace(MAKING, findings=nowhere, profile=WITH_KEY_OBJECTS))] == ["SR"]

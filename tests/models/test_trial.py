from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import UID

from orthanc_plugin.archive.folder import FolderArchive
from orthanc_plugin.errors import ConfigurationError, Unsuitable
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.trial import Bench, attempt, trials_of
from orthanc_plugin.routing.role import Role
from tests.builders import ultrasound
from tests.builders.series import Scan, part10
from tests.inference.graphs import model, stage, write_classifier
from tests.models.conftest import written


def test_results_lie_beside_the_files_without_any_server(
    bright: Path, series: Path, tmp_path: Path, device: Device
) -> None:
    out = tmp_path / "results"

    paths = attempt(bright, [str(series)], out, device)

    assert sorted(path.name for path in paths) == ["SC.dcm", "SEG.dcm", "SR.dcm", "preview.png"]
    assert sorted(path.name for path in out.iterdir()) == ["SC.dcm", "SEG.dcm", "SR.dcm", "preview.png"]
    source = pydicom.dcmread(series / "0.dcm")
    outlined = pydicom.dcmread(out / "SEG.dcm")
    assert (outlined.Modality, outlined.StudyInstanceUID) == ("SEG", source.StudyInstanceUID)
    assert outlined.PatientID == source.PatientID
    with Image.open(out / "preview.png") as preview:
        np.testing.assert_array_equal(np.asarray(preview), pydicom.dcmread(out / "SC.dcm").pixel_array)


def test_a_second_trial_takes_the_place_of_the_first(
    bright: Path, series: Path, tmp_path: Path, device: Device
) -> None:
    out = tmp_path / "results"
    attempt(bright, [str(series)], out, device)
    first = pydicom.dcmread(out / "SEG.dcm")

    attempt(bright, [str(path) for path in series.iterdir()], out, device)

    assert pydicom.dcmread(out / "SEG.dcm").SOPInstanceUID == first.SOPInstanceUID
    assert len(list(out.iterdir())) == 4


def test_several_results_of_a_kind_have_files_of_their_own(
    bright: Path, series: Path, tmp_path: Path, device: Device
) -> None:
    attempt(bright, [str(series)], tmp_path / "out", device)
    one = pydicom.dcmread(tmp_path / "out" / "SEG.dcm")
    other = pydicom.dcmread(tmp_path / "out" / "SEG.dcm")
    other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = UID(f"{one.SOPInstanceUID[:60]}.1")
    bench = Bench(FolderArchive(series), tmp_path / "again")

    for each in (one, other):
        bench.store("SEG", each)

    names = {path.name: pydicom.dcmread(path).SOPInstanceUID for path in (tmp_path / "again").iterdir()}
    assert names == {"SEG.dcm": one.SOPInstanceUID, "SEG-2.dcm": other.SOPInstanceUID}


def test_each_series_has_a_folder_of_its_own(bright: Path, tmp_path: Path, device: Device) -> None:
    for name in ("one", "two"):
        written(tmp_path / name, Scan(slices=2, name=name))

    attempt(bright, [str(tmp_path / "one"), str(tmp_path / "two")], tmp_path / "out", device)

    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("SEG.dcm")) == [
        "1/SEG.dcm",
        "2/SEG.dcm",
    ]


def test_a_classifier_ends_in_a_report_and_a_page(series: Path, tmp_path: Path, device: Device) -> None:
    folder = tmp_path / "classes"
    write_classifier(folder / "model.onnx", [0.0, 1.0])
    code = {"value": "233604007", "scheme": "SCT", "meaning": "Pneumonia"}
    items = [{"label": label, "code": code, "threshold": 0.5} for label in ("no", "yes")]
    source = {"stage": "only", "output": "logits"}
    classes = {"from": source, "activation": "softmax", "exclusive": True, "items": items}
    model(folder, [stage(outputs=["logits", "heat"])], {"classes": classes})

    paths = attempt(folder, [str(series)], tmp_path / "out", device)

    assert sorted(path.name for path in paths) == ["SC.dcm", "SR.dcm", "preview.png"]


def test_files_that_are_no_dicom(bright: Path, tmp_path: Path, device: Device) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(ConfigurationError) as caught:
        attempt(bright, [str(tmp_path / "notes.txt")], tmp_path / "out", device)
    assert caught.value.sentence == "None of the files is DICOM; name DICOM files or folders of them."
    with pytest.raises(ConfigurationError) as caught:
        attempt(bright, [str(tmp_path / "nothing")], tmp_path / "out", device)
    assert caught.value.sentence == f"{tmp_path / 'nothing'} is not there; name DICOM files or folders of them."


def test_with_several_roles_each_path_names_its_role(series: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other", Scan(slices=2, name="other"))

    roles = {"t1": Role(), "t2": Role()}
    (trial,) = trials_of(roles, [f"t2={other}", f"t1={series}"])

    assert [(role, len(paths)) for role, _, paths in trial.roles] == [("t1", 3), ("t2", 2)]
    with pytest.raises(ConfigurationError) as caught:
        trials_of(roles, [str(series)])
    assert caught.value.sentence == "The model takes t1, t2; give each path as t1=PATH."
    with pytest.raises(ConfigurationError) as caught:
        trials_of(roles, [f"t1={series}", f"t1={other}"])
    assert caught.value.sentence == "The role t1 has 2 series; give the files of exactly one."
    with pytest.raises(ConfigurationError) as caught:
        trials_of(roles, [f"t1={series}"])
    assert caught.value.sentence == "The role t2 has 0 series; give the files of exactly one."
    (trial,) = trials_of({"t1": Role(), "t2": Role(required=False)}, [f"t1={series}"])
    assert [role for role, _, _ in trial.roles] == ["t1"]


class TestRegion:
    """Of an ultrasound image, by the shipped model that looks at one."""

    LIVER = Path(__file__).resolve().parents[2] / "onnx_models" / "liver-steatosis-us"

    @pytest.fixture
    def clip(self, tmp_path: Path) -> Path:
        path = tmp_path / "clip.dcm"
        path.write_bytes(part10(ultrasound.dataset("RGB", frames=2)))
        return path

    def test_that_is_named_is_the_one_that_is_looked_at(self, clip: Path, tmp_path: Path, device: Device) -> None:
        out = tmp_path / "out"

        attempt(self.LIVER, [str(clip)], out, device, {"roi": "130,120,50,50", "roi_frame": 2.0})

        report = pydicom.dcmread(out / "SR.dcm")
        [groups] = [
            item
            for item in report.ContentSequence
            if item.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements"
        ]
        *grades, region = groups.ContentSequence
        assert len(grades) == 4
        by_name = {item.ConceptNameCodeSequence[0].CodeMeaning: item for item in region.ContentSequence}
        assert by_name["Finding"].ConceptCodeSequence[0].CodeMeaning == "Steatosis of liver"
        assert "Severity" in by_name and "Sum Variance of GLCM" in by_name
        place = by_name["Image Region"]
        assert place.GraphicData == [130, 120, 180, 120, 180, 170, 130, 170, 130, 120]
        assert place.ContentSequence[0].ReferencedSOPSequence[0].ReferencedFrameNumber == 2
        texts = [item.TextValue for item in region.ContentSequence if item.ValueType == "TEXT"]
        assert {"roi = 130,120,50,50", "roi_frame = 2.0"} <= set(texts)

    def test_that_is_none_is_refused(self, clip: Path, tmp_path: Path, device: Device) -> None:
        with pytest.raises(Unsuitable) as caught:
            attempt(self.LIVER, [str(clip)], tmp_path / "out", device, {"roi": "280,200,50,50"})
        assert caught.value.sentence == (
            "The region 280,200,50,50 leaves the image, which has 240 rows and 300 columns; correct roi."
        )


def test_series_of_a_role_that_takes_all_of_them_are_one_trial(tmp_path: Path) -> None:
    for name in ("one", "two", "then"):
        written(tmp_path / name, Scan(slices=1, name=name))
    paths = [str(tmp_path / "one"), str(tmp_path / "two")]
    (alone,) = trials_of({"views": Role(every=True)}, paths)
    assert [role for role, _, _ in alone.roles] == ["views", "views"]
    assert len({uid for _, uid, _ in alone.roles}) == 2
    roles = {"now": Role(every=True), "before": Role(every=True, required=False)}
    (both,) = trials_of(roles, [*(f"now={path}" for path in paths), f"before={tmp_path / 'then'}"])
    assert [role for role, _, _ in both.roles] == ["now", "now", "before"]


def test_what_a_series_is_compared_with_can_be_left_out(series: Path, tmp_path: Path) -> None:
    earlier = written(tmp_path / "earlier", Scan(slices=2, name="earlier"))
    before = Role.model_validate({"from": "prior", "compared_with": "now", "required": False})
    roles = {"now": Role(), "before": before}

    (alone,) = trials_of(roles, [str(series)])
    (both,) = trials_of(roles, [f"now={series}", f"before={earlier}"])

    assert [role for role, _, _ in alone.roles] == ["now"]
    assert [(role, len(paths)) for role, _, paths in both.roles] == [("now", 3), ("before", 2)]

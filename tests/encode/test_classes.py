"""What a classifier finds becomes a valid report and page, on volumes and on single images of any kind."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode.identity import Identity
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.page import COLUMN
from orthanc_plugin.encode.picture import picture
from orthanc_plugin.encode.results import encode
from orthanc_plugin.encode.view import around, view
from orthanc_plugin.imaging.image import Imaged, images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble, together
from orthanc_plugin.measure.classes import border
from orthanc_plugin.measure.findings import ClassFinding, Figure, Findings, Measurement, SliceScore, ValueMap, Verdict
from tests import judges
from tests.builders import series
from tests.encode import making
from tests.imaging.radiographs import radiograph

PNEUMONIA = Code("233604007", "SCT", "Pneumonia")
TUMOUR = Code("pretend", "99TEST", "Tumour")
SAID: tuple[tuple[str, Code, float, Verdict], ...] = (
    ("Pneumonia", PNEUMONIA, 0.875, "present"),
    ("Tumour", TUMOUR, 0.25, "absent"),
)


def flat(*datasets: Dataset) -> Imaged:
    return images(assemble([decode(series.part10(dataset)) for dataset in datasets]))


SOURCES: dict[str, Callable[[], Imaged]] = {
    "CT": making.volume,
    "DX": lambda: flat(radiograph("DX")),
    "CR": lambda: flat(radiograph("CR")),
    "US in colour": lambda: flat(radiograph("US", colour=True)),
}


def findings(on: Imaged, heat: bool = False) -> Findings:
    index = len(on) // 2
    shape = on.shape_yx(index)
    identity = Identity.of(on, making.origin())
    found = [
        ClassFinding(label, code, share, 0.5, verdict, identity.tracking_uid(label), index, border(shape))
        for label, code, share, verdict in SAID
    ]
    return Findings(
        segments=(),
        planar=(),
        key_slice=index,
        headline="Present: Pneumonia (0.88)",
        figures=(Figure("Pneumonia: present", "0.88", "> 0.50"), Figure("Tumour: absent", "0.25", "> 0.50")),
        cautions=(),
        classes=tuple(found),
        heat_yx=np.linspace(0, 1, shape[0] * shape[1], dtype=np.float32).reshape(shape) if heat else None,
    )


@pytest.mark.parametrize("source", SOURCES)
def test_the_judges_hold_nothing_against_it(source: str, tmp_path: Path) -> None:
    on = SOURCES[source]()

    results = encode(Making(findings(on, heat=True), on, making.origin()))

    assert [result.kind for result in results] == ["SR", "SC"]
    for result in results:
        path = tmp_path / f"{result.kind}.dcm"
        path.write_bytes(making.written(result.dataset))
        assert judges.dciodvfy(path) == []
    assert "Imaging Measurement Report" in judges.dsrdump(tmp_path / "SR.dcm")


def slice_by_slice(on: Imaged) -> Findings:
    said = findings(on)
    scores = tuple(SliceScore(index, 0.5 + index / 20, UID(f"2.25.7{index}")) for index in range(len(on)))
    return replace(said, classes=(replace(said.classes[0], by_slice=scores), *said.classes[1:]))


@pytest.mark.slow
@pytest.mark.parametrize("of", [findings, slice_by_slice])
def test_the_template_is_kept(of: Callable[[Imaged], Findings], tmp_path: Path) -> None:
    """On CT, since the judge does not know the procedure code of radiographs."""
    on = making.volume()
    report, _ = encode(Making(of(on), on, making.origin()))
    path = tmp_path / "sr.dcm"
    path.write_bytes(making.written(report.dataset))

    assert judges.pixelmed_sr(path) == []


def test_each_class_says_how_likely_it_is_and_whether_that_is_enough() -> None:
    on = flat(radiograph("DX"))
    report, _ = encode(Making(findings(on), on, making.origin()))
    document = making.read_back(report.dataset)

    said = {}
    [groups] = [
        item
        for item in document.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements"
    ]
    for group in groups.ContentSequence:
        by_name = {item.ConceptNameCodeSequence[0].CodeMeaning: item for item in group.ContentSequence}
        finding = by_name["Finding"].ConceptCodeSequence[0].CodeMeaning
        presence = by_name["Presence of property"].ConceptCodeSequence[0].CodeMeaning
        probability = float(by_name["Probability"].MeasuredValueSequence[0].NumericValue)
        texts = [item.TextValue for item in group.ContentSequence if item.ValueType == "TEXT"]
        assert "operating threshold = 0.5" in texts
        assert by_name["Image Region"].GraphicData == [0, 0, 40, 0, 40, 48, 0, 48, 0, 0]
        said[finding] = (presence, probability)
    assert said == {"Pneumonia": ("Present", 0.875), "Tumour": ("Absent", 0.25)}


def test_the_most_telling_slices_have_groups_of_their_own_without_a_verdict(tmp_path: Path) -> None:
    on = making.volume()
    report, page = encode(Making(slice_by_slice(on), on, making.origin()))
    document = making.read_back(report.dataset)
    [groups] = [
        item
        for item in document.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements"
    ]
    said = []
    for group in list(groups.ContentSequence)[2:]:
        by_name = {item.ConceptNameCodeSequence[0].CodeMeaning: item for item in group.ContentSequence}
        assert "Presence of property" not in by_name
        assert by_name["Tracking Identifier"].TextValue == "Pneumonia, this image alone"
        [image] = by_name["Image Region"].ContentSequence
        probability = float(by_name["Probability"].MeasuredValueSequence[0].NumericValue)
        said.append((image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID, probability))
    assert said == [(on.sources[index].sop_instance_uid, pytest.approx(0.5 + index / 20)) for index in (5, 4, 3, 2, 1)]
    for name, dataset in (("sr", report.dataset), ("sc", page.dataset)):
        (tmp_path / name).write_bytes(making.written(dataset))
        assert judges.dciodvfy(tmp_path / name) == []


def test_the_page_draws_a_bar_a_slice() -> None:
    on = making.volume()
    plain, drawn = (
        encode(Making(said, on, making.origin()))[1].dataset.pixel_array for said in (findings(on), slice_by_slice(on))
    )
    changed = (plain != drawn).any(axis=2)
    assert changed[:, : COLUMN - 20].sum() == 0
    assert changed.sum() > 1000


def test_what_is_undetermined_says_so_and_from_where_to_where() -> None:
    on = flat(radiograph("DX"))
    said = findings(on)
    unsure = replace(said.classes[0], probability=0.5, verdict="undetermined", undetermined=(0.25, 0.75))
    report, _ = encode(Making(replace(said, classes=(unsure,)), on, making.origin()))
    document = making.read_back(report.dataset)

    [group] = next(
        below.ContentSequence
        for below in document.ContentSequence
        if below.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements"
    )
    [verdict] = [
        item.ConceptCodeSequence[0].CodeMeaning
        for item in group.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeMeaning == "Presence of property"
    ]
    assert verdict == "Undetermined"
    texts = [item.TextValue for item in group.ContentSequence if item.ValueType == "TEXT"]
    assert "operating threshold = 0.5, undetermined from 0.25 to 0.75" in texts


def test_the_letters_of_a_single_image_are_its_headers() -> None:
    stated = radiograph("DX")
    stated.PatientOrientation = ["L", "F"]
    unstated = radiograph("DX")
    del unstated.PatientOrientation

    assert around(flat(stated), 0) == ("R", "L", "H", "F")
    assert around(flat(unstated), 0) == ("", "", "", "")


def test_heat_reddens_where_the_network_looked() -> None:
    on = flat(radiograph("DX"))
    cool, hot = (
        np.asarray(picture(view(each, on, each.key_slice), (96, 96)), np.int16)
        for each in (findings(on), findings(on, heat=True))
    )

    redder = (hot - cool)[..., 0] - (hot - cool)[..., 2]
    assert redder[70:80, 60:75].mean() > redder[15:25, 60:75].mean() + 20


def test_another_role_beside_the_images_makes_other_results() -> None:
    on = flat(radiograph("DX"))
    other = replace(making.origin(), beside=("ab" * 32,))

    assert Identity.of(on, making.origin()) != Identity.of(on, other)


def test_images_that_were_used_beside_are_evidence() -> None:
    on, beside = making.volume(), flat(radiograph("DX"))
    report, _ = encode(Making(findings(on), on, making.origin(), beside=beside.headers))

    declared = {
        instance.ReferencedSOPInstanceUID
        for keyword in ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence")
        for study in report.dataset.get(keyword) or []
        for of_series in study.ReferencedSeriesSequence
        for instance in of_series.ReferencedSOPSequence
    }
    assert beside.headers[0].SOPInstanceUID in declared


def test_a_side_is_told_at_its_site_and_cancer_by_its_own_name() -> None:
    on = flat(radiograph("DX"))
    said = findings(on)
    left = Code("7771000", "SCT", "Left")
    breast = Code("76752008", "SCT", "Breast")
    percent = Measurement(codes.DCM.ProbabilityOfCancer, 87.5, codes.UCUM.Percent)
    sided = replace(said.classes[0], measured=percent, site=breast, laterality=left)
    result = encode(Making(replace(said, classes=(sided, said.classes[1])), on, making.origin()))[0].dataset
    first, second = hd.sr.srread(BytesIO(making.written(result))).content.get_planar_roi_measurement_groups()
    [site] = first.finding_sites
    assert (site.value.meaning, site.laterality.meaning) == ("Breast", "Left")
    [measured] = first.get_measurements()
    assert (measured.name, measured.value, measured.unit) == (codes.DCM.ProbabilityOfCancer, 87.5, codes.UCUM.Percent)
    assert second.finding_sites == []
    assert second.get_measurements()[0].name == codes.DCM.Probability


def test_of_images_in_several_series_each_is_named_in_its_own() -> None:
    datasets = [radiograph("DX", number=number) for number in (1, 2)]
    datasets[1].SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.8.3"
    on = images(together([assemble([decode(series.part10(dataset))]) for dataset in datasets]))
    said = findings(on, heat=True)
    profile = Profile().model_copy(update={"objects": ("SR", "PM", "SC", "KO"), "maps_not_on": ()})
    maps = (ValueMap("Heat map", codes.DCM.Saliency, codes.UCUM.NoUnits, (0, 1), np.ones((2, 48, 40), np.float32)),)
    made = encode(Making(replace(said, maps=maps, worth_opening=(1,)), on, making.origin(), profile))
    assert [result.kind for result in made] == ["PM", "PM", "SR", "SC", "KO"]
    report, selection = made[2].dataset, made[4].dataset
    named = {
        str(item.SeriesInstanceUID): [str(each.ReferencedSOPInstanceUID) for each in item.ReferencedSOPSequence]
        for dataset in (report, selection)
        for item in dataset.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    }
    for dataset in datasets:
        assert str(dataset.SOPInstanceUID) in named[str(dataset.SeriesInstanceUID)]
    assert "1.2.826.0.1.3680043.8.498.9.2" not in named[str(datasets[0].SeriesInstanceUID)]

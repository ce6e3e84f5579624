"""An image library says of each image what its header states (TID 1602 to 1607), once where all images share it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.encode.library import image_library
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import encode
from orthanc_plugin.encode.sr import report
from orthanc_plugin.imaging.image import Imaged, images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from tests import judges
from tests.encode import making, test_classes
from tests.imaging.radiographs import radiograph


def value(item: Any) -> Any:
    if item.ValueType == "CODE":
        return item.ConceptCodeSequence[0].CodeMeaning
    return float(item.value) if item.ValueType == "NUM" else str(item.value)


def told(item: Dataset) -> dict[str, Any]:
    return {
        below.ConceptNameCodeSequence[0].CodeMeaning: value(below)
        for below in item.get("ContentSequence", [])
        if below.ValueType != "IMAGE"
    }


def images_of(group: Dataset) -> list[Dataset]:
    return [item for item in group.ContentSequence if item.ValueType == "IMAGE"]


def of(imaged: Imaged, *beside: Dataset) -> list[Dataset]:
    return list(image_library(imaged, beside).ContentSequence)


def coded(value: str, meaning: str, scheme: str = "SCT") -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def test_of_a_radiograph_it_tells_view_side_and_orientation() -> None:
    header = radiograph("DX")
    header.ViewPosition, header.ImageLaterality = "PA", "B"

    [group] = of(test_classes.flat(header))

    assert told(group) == {
        "Modality": "Digital Radiography",
        "Target Region": "Chest",
        "Image Laterality": "Bilateral",
        "Study Date": "2026-01-02",
        "Study Time": "10:15:00",
        "Image View": "postero-anterior",
        "Patient Orientation Row": "L",
        "Patient Orientation Column": "F",
        "Horizontal Pixel Spacing": 0.5,
        "Vertical Pixel Spacing": 0.5,
        "Pixel Data Rows": 48,
        "Pixel Data Columns": 40,
    }


def test_a_view_that_the_header_codes_goes_before_its_letters_and_has_its_modifiers() -> None:
    header = radiograph("CR")
    header.ViewPosition = "PA"
    view = coded("399162004", "cranio-caudal")
    view.ViewModifierCodeSequence = [coded("399163009", "Magnification")]
    header.ViewCodeSequence = [view]

    [group] = of(test_classes.flat(header))

    assert told(group)["Image View"] == "cranio-caudal"
    [item] = [each for each in group.ContentSequence if each.ConceptNameCodeSequence[0].CodeMeaning == "Image View"]
    assert [value(modifier) for modifier in item.ContentSequence] == ["Magnification"]


def test_of_ultrasound_it_tells_what_there_is() -> None:
    [group] = of(test_classes.flat(radiograph("US", colour=True)))

    assert told(group) == {
        "Modality": "Ultrasound",
        "Target Region": "Chest",
        "Study Date": "2026-01-02",
        "Study Time": "10:15:00",
        "Pixel Data Rows": 48,
        "Pixel Data Columns": 40,
    }


def test_what_differs_between_images_stands_below_each_of_them() -> None:
    one, other = radiograph("DX"), radiograph("DX", number=2)
    one.ViewPosition, other.ViewPosition = "PA", "LL"

    [group] = of(test_classes.flat(one, other))

    assert "Image View" not in told(group)
    assert told(group)["Modality"] == "Digital Radiography"
    assert [told(image) for image in images_of(group)] == [
        {"Image View": "postero-anterior"},
        {"Image View": "left lateral"},
    ]


def test_slices_tell_where_they_lie() -> None:
    on = making.volume()

    [group] = of(on)

    assert told(group)["Spacing between slices"] == 3
    z_mm = [told(image)["Image Position (Patient) Z"] for image in images_of(group)]
    assert z_mm == [float(header.ImagePositionPatient[2]) for header in on.headers]
    assert len(set(z_mm)) == len(on)


def test_images_that_were_used_beside_have_a_group_of_their_own(tmp_path: Path) -> None:
    on, beside = making.volume(), test_classes.flat(radiograph("DX")).headers

    groups = of(on, *beside)

    assert [told(group)["Modality"] for group in groups] == ["Computed Tomography", "Digital Radiography"]
    what = Making(making.findings(on), on, making.origin(), beside=beside)
    [written] = [result.dataset for result in encode(what) if result.kind == "SR"]
    (tmp_path / "sr.dcm").write_bytes(making.written(written))
    assert judges.dciodvfy(tmp_path / "sr.dcm") == []


def injected() -> Dataset:
    item = Dataset()
    item.RadionuclideCodeSequence = [coded("77004003", "^18^Fluorine")]
    item.RadionuclideHalfLife, item.RadionuclideTotalDose = 6586.2, 370e6
    return item


def spiral() -> Dataset:
    shared, acquired, made = Dataset(), Dataset(), Dataset()
    acquired.AcquisitionType, made.ReconstructionAlgorithm = "SPIRAL", "ITERATIVE"
    shared.CTAcquisitionTypeSequence, shared.CTReconstructionSequence = [acquired], [made]
    return shared


@pytest.mark.parametrize(
    ("modality", "changes", "expected"),
    [
        ("MR", {"SequenceName": "*tse2d1"}, {"Pulse Sequence Name": "*tse2d1"}),
        (
            "PT",
            {"RadiopharmaceuticalInformationSequence": [injected()]},
            {
                "Radionuclide": "^18^Fluorine",
                "Half-life of radiopharmaceutical": 6586.2,
                "Radionuclide Total Dose": 370e6,
            },
        ),
        (
            "CT",
            {"SharedFunctionalGroupsSequence": [spiral()]},
            {"CT Acquisition Type": "Spiral Acquisition", "Reconstruction Algorithm": "Iterative Reconstruction"},
        ),
    ],
)
def test_each_modality_tells_how_it_acquired(modality: str, changes: dict[str, Any], expected: dict[str, Any]) -> None:
    on = making.volume()
    for header in on.headers:
        header.Modality = modality
        for keyword, changed in changes.items():
            setattr(header, keyword, changed)

    [group] = of(on)

    assert expected.items() <= told(group).items()


SOUND = (
    *("dx_cr_chest/gdcm-CR-MONO1-10-chest.dcm", "us_abdomen/fo-dicom_abdominal", "mg/nema_wg04_digitised"),
    *("pt/tcia_acrin_flt_breast/1.dcm", "mr_brain/siemens_t1_sag", "ct_thorax/tcia_covid_ny_sbu"),
)


@pytest.mark.filterwarnings("ignore")  # what pydicom finds odd in them
@pytest.mark.parametrize("place", SOUND)
def test_reports_on_real_headers_stand_before_the_judges(place: str, real_dicom: Path, tmp_path: Path) -> None:
    """Those of one series each, by the first file's."""
    given = real_dicom / "real" / place
    instances = [decode(path.read_bytes()) for path in sorted(given.rglob("*.dcm") if given.is_dir() else [given])]
    first = instances[0].header.SeriesInstanceUID
    on = images(assemble([each for each in instances if each.header.SeriesInstanceUID == first]))

    what = Making(test_classes.findings(on), on, making.origin())
    (tmp_path / "sr.dcm").write_bytes(making.written(report(what, ())))

    assert judges.dciodvfy(tmp_path / "sr.dcm") == []
    assert "Image Library" in judges.dsrdump(tmp_path / "sr.dcm")


def garbled(header: Dataset) -> None:
    header.StudyDate, header.StudyTime = "20261399", "noon"
    header.PatientOrientation = ["L"]
    header.ViewPosition = "SOMEWHERE"


def halved(header: Dataset) -> None:
    header.ImagerPixelSpacing = [0.5]
    header.ViewCodeSequence = [coded("399162004", "")]


@pytest.mark.filterwarnings("ignore")  # what pydicom finds odd in them
@pytest.mark.parametrize("spoil", [garbled, halved])
def test_what_a_scanner_garbled_is_left_out(spoil: Callable[[Dataset], None]) -> None:
    on = test_classes.flat(radiograph("DX"))
    header = making.read_back(on.headers[0])
    spoil(header)
    sound = told(of(on)[0])

    [group] = of(replace(on, headers=(header,)))

    assert told(group).items() < sound.items()
    assert told(group)["Modality"] == "Digital Radiography"

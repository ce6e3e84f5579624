"""A region that was looked at becomes a group of a report with a place and its numbers, and a line on the page."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode.identity import Identity
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.picture import REGION, picture
from orthanc_plugin.encode.results import encode
from orthanc_plugin.encode.view import view
from orthanc_plugin.imaging.image import Images, images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.parenchyma import Box
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.measure.findings import Findings, Measurement, RegionFinding, ValueMap
from tests import judges
from tests.builders import series, ultrasound
from tests.encode import making

BOX = Box(120, 100, 50, 50)
STEATOSIS, LIVER = Code("197321007", "SCT", "Steatosis of liver"), Code("10200004", "SCT", "Liver")
SEVERITY, MILD = Code("246112005", "SCT", "Severity"), Code("255604002", "SCT", "Mild")
AUTOCORRELATION = Code("QWB0", "IBSI", "Autocorrelation of GLCM")


def on(kind: str, frames: int = 1) -> Images:
    return images(assemble([decode(series.part10(ultrasound.dataset(kind, frames)))]))


def findings(of: Images) -> Findings:
    region = RegionFinding(
        label="Region on image 1",
        finding=STEATOSIS,
        site=LIVER,
        tracking_uid=Identity.of(of, making.origin()).tracking_uid("Region on image 1"),
        slice_index=0,
        contour_xy=BOX.contour_xy,
        measurements=(Measurement(AUTOCORRELATION, 6.25, codes.UCUM.NoUnits),),
        evaluations=((codes.DCM.PresenceOfProperty, codes.SCT.Present), (SEVERITY, MILD)),
    )
    heat = np.where(ultrasound.fan(), np.float32(0.7), np.float32(0))
    shown = ValueMap("Heat map: Mild", codes.DCM.Probability, codes.UCUM.NoUnits, (0,), heat[np.newaxis])
    return Findings((), (), 0, "Mild", (), (), regions=(region,), maps=(shown,), worth_opening=(0,))


@pytest.mark.parametrize("kind", ["MONOCHROME2", "RGB", "YBR_FULL", "PALETTE COLOR"])
@pytest.mark.parametrize("frames", [1, 2])
def test_the_judges_hold_nothing_against_it_however_the_source_is_stored(
    kind: str, frames: int, tmp_path: Path
) -> None:
    of = on(kind, frames)

    results = encode(Making(findings(of), of, making.origin(), Profile(Objects=("SR", "SC", "PM"))))

    assert sorted(result.kind for result in results) == ["PM", "SC", "SR"]
    for result in results:
        path = tmp_path / f"{result.kind}.dcm"
        path.write_bytes(making.written(result.dataset))
        assert judges.dciodvfy(path) == []


def test_the_report_says_what_was_measured_where_and_what_follows() -> None:
    of = on("RGB", frames=2)
    report, *_ = encode(Making(findings(of), of, making.origin()))
    document = making.read_back(report.dataset)

    [group] = next(
        below.ContentSequence
        for below in document.ContentSequence
        if below.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements"
    )
    by_name = {item.ConceptNameCodeSequence[0].CodeMeaning: item for item in group.ContentSequence}
    said = {name: by_name[name].ConceptCodeSequence[0].CodeMeaning for name in ("Finding", "Finding Site", "Severity")}
    assert said == {"Finding": "Steatosis of liver", "Finding Site": "Liver", "Severity": "Mild"}
    assert by_name["Presence of property"].ConceptCodeSequence[0].CodeMeaning == "Present"
    number = by_name["Autocorrelation of GLCM"]
    assert float(number.MeasuredValueSequence[0].NumericValue) == 6.25
    region = by_name["Image Region"]
    assert region.GraphicData == [120, 100, 170, 100, 170, 150, 120, 150, 120, 100]
    assert region.ContentSequence[0].ReferencedSOPSequence[0].ReferencedFrameNumber == 1


def test_the_page_shows_the_region() -> None:
    of = on("MONOCHROME2")

    drawn = np.asarray(picture(view(findings(of), of, 0), (2 * ultrasound.COLUMNS, 2 * ultrasound.ROWS)))

    yellow = (drawn == REGION).all(axis=-1)
    rows, columns = np.flatnonzero(yellow.any(axis=1)), np.flatnonzero(yellow.any(axis=0))
    assert (rows.min() // 2, rows.max() // 2, columns.min() // 2, columns.max() // 2) == pytest.approx(
        (100, 150, 120, 170), abs=1
    )
    assert not yellow[210:290, 250:330].any()

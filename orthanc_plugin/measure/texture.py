"""Regions whose texture was looked at and the verdicts on them in, the same with their codes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID

from orthanc_plugin.inference.texture import Region
from orthanc_plugin.measure.findings import ClassFinding, Figure, Findings, Measurement, RegionFinding
from orthanc_plugin.measure.worth import worth_opening
from orthanc_plugin.routing.outputs import Classes

# What a region is where nothing is said of it but its numbers; docs/codes.md lists the codes of this scheme.
EVEN_TISSUE = Code("even-tissue", "99INODE", "Region of even tissue")
# Sum of squares is what IBSI calls the joint variance (PS3.16 CID 7468).
NAMES = {
    "autocorrelation": Code("QWB0", "IBSI", "Autocorrelation of GLCM"),
    "sum-of-squares": Code("UR99", "IBSI", "Joint Variance of GLCM"),
    "sum-average": Code("ZGXS", "IBSI", "Sum Average of GLCM"),
    "sum-variance": Code("OEEB", "IBSI", "Sum Variance of GLCM"),
}
ON_THE_PAGE = {
    "autocorrelation": "Texture, autocorrelation",
    "sum-of-squares": "Texture, sum of squares",
    "sum-average": "Texture, sum average",
    "sum-variance": "Texture, sum variance",
}
NONE = codes.SCT.None_
SEVERITY = Code("246112005", "SCT", "Severity")
Track = Callable[[str], UID]


def with_regions(
    findings: Findings, classes: Classes, looked_at: Sequence[Region], images: int, track: Track
) -> Findings:
    """`track` gives the tracking UID of what is found under a name; `images` is how many there were to look at."""
    key = next((each for each in looked_at if each.index == findings.key_slice), looked_at[0])
    return replace(
        findings,
        regions=tuple(
            _region(each, label, each is key, findings.classes, classes, track)
            for each, label in zip(looked_at, _labels(looked_at), strict=True)
        ),
        figures=(
            *findings.figures,
            *(Figure(ON_THE_PAGE[n], f"{_mean(looked_at, key.index, n):.2f}", "") for n in NAMES),
        ),
        cautions=(*findings.cautions, *_left_out(images - len({each.index for each in looked_at}))),
        worth_opening=worth_opening((*findings.worth_opening, *(each.index for each in looked_at))),
    )


def _labels(looked_at: Sequence[Region]) -> Iterator[str]:
    before: Counter[int] = Counter()
    for each in looked_at:
        before[each.index] += 1
        number = "" if before[each.index] == 1 else f" {before[each.index]}"
        yield f"Region{number} on image {each.index + 1}"


def _mean(looked_at: Sequence[Region], index: int, name: str) -> float:
    values = [each.numbers[name] for each in looked_at if each.index == index]
    return sum(values) / len(values)


def _region(
    region: Region, label: str, is_key: bool, found: Sequence[ClassFinding], classes: Classes, track: Track
) -> RegionFinding:
    """The verdict is about all images together, and stands at the first region of the one that is shown."""
    said = is_key and classes.finding is not None
    return RegionFinding(
        label=label,
        finding=classes.finding.code() if said and classes.finding is not None else EVEN_TISSUE,
        site=None if classes.site is None else classes.site.code(),
        tracking_uid=track(label),
        slice_index=region.index,
        contour_xy=region.box.contour_xy,
        measurements=tuple(Measurement(code, region.numbers[n], codes.UCUM.NoUnits) for n, code in NAMES.items()),
        evaluations=tuple(_evaluations(found, classes)) if said else (),
    )


def _evaluations(found: Sequence[ClassFinding], classes: Classes) -> Iterator[tuple[Code, Code]]:
    """Whether the finding is there, and how severe it is; undetermined where no grade is present."""
    grades = dict(zip((item.label for item in classes.items), classes.items, strict=True))
    present = [grades[each.label].severity for each in found if each.verdict == "present"]
    severity = present[0].code() if present and present[0] is not None else None
    if severity is None:
        yield codes.DCM.PresenceOfProperty, codes.SCT.Undetermined
        return
    yield codes.DCM.PresenceOfProperty, codes.SCT.Absent if severity == NONE else codes.SCT.Present
    yield SEVERITY, severity


def _left_out(count: int) -> Iterator[str]:
    if count > 0:
        yield f"Images on which no region was looked at were left out ({count})."

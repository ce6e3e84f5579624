"""What a model found on a study and on an earlier one of the same patient in, what changed in between out.

Compared are numbers of the same thing: of a structure in all slices, of one that lies on the same site, of what all
came to. A structure that was looked for and not found has a volume of 0. Brightness is left out: between two scanners
it changes by itself. So is the volume of what is measured at a site, which is as large as what was scanned of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID

from orthanc_plugin.measure.findings import Conclusion, Figure, Findings, Measurement
from orthanc_plugin.measure.tissue import CM3

CHANGE = Code("change", "99INODE", "Change since the earlier study")
CHANGE_PERCENT = Code("change-percent", "99INODE", "Change since the earlier study in percent of it")
SYMBOLS = {"cm3": "cm³", "cm2": "cm²", "mm3": "mm³", "mm2": "mm²", "cm2/m2": "cm²/m²", "1": "", "{ratio}": ""}


@dataclass(frozen=True)
class Of:
    """Whose number it is, and which."""

    label: str
    site: str
    name: Code
    method: Code | None = None

    @property
    def said(self) -> str:
        place = f" at {self.site.removesuffix(' vertebra')}" if self.site else ""
        how = f" ({self.method.meaning})" if self.method is not None else ""
        what = self.name.meaning
        named = what if self.label.lower() in what.lower() else f"{self.label}, {what.lower()}"
        return f"{named}{place}{how}"


@dataclass(frozen=True)
class Change:
    of: Of
    now: Measurement
    before: float

    @property
    def difference(self) -> float:
        return self.now.value - self.before

    @property
    def percent(self) -> float | None:
        """None where there was nothing before."""
        return 100 * self.difference / self.before if self.before else None

    def measurements(self) -> Iterator[Measurement]:
        yield replace(self.now, value=self.difference, derivation=CHANGE)
        if self.percent is not None:
            yield replace(self.now, value=self.percent, unit=codes.UCUM.Percent, derivation=CHANGE_PERCENT)

    def figure(self) -> Figure:
        """As a reader says it: from what to what, and by how much."""
        share = "new" if self.percent is None else f"{self.percent:+.0f} %".replace("-", "−")
        unit = SYMBOLS.get(self.now.unit.value, self.now.unit.value)
        return Figure(self.of.said, f"{_rounded(self.before)} → {_rounded(self.now.value)} ({share})", unit)


def compared(now: Findings, before: Findings, track: Callable[[str], UID]) -> Findings:
    """What was found now, with what changed: on the page, and as conclusions of the report."""
    found, things = list(changes(now, before)), _things(now)
    of_label = {label: [each for each in found if each.of.label == label] for label in things}
    return replace(
        now,
        figures=(*now.figures, *(change.figure() for change in found)),
        conclusions=(
            *now.conclusions,
            *(_concluded(label, things[label], its, track) for label, its in of_label.items() if its),
        ),
    )


def changes(now: Findings, before: Findings) -> Iterator[Change]:
    """In the order in which the first has its numbers."""
    earlier = _numbers(before)
    for of, measurement in _numbers(now).items():
        other = earlier.get(of)
        if other is not None and other.unit == measurement.unit and (other.value or measurement.value):
            yield Change(of, measurement, other.value)


def _numbers(findings: Findings) -> dict[Of, Measurement]:
    """Those that may be compared, each with whose it is."""
    labels = {segment.number: segment.label for segment in findings.segments}
    at_sites = {labels[planar.segment_number] for planar in findings.planar if planar.site is not None}
    whole = (segment for segment in findings.segments if segment.label not in at_sites)
    found = [(segment.label, "", segment.measurements) for segment in whole]
    found += [
        (labels[planar.segment_number], planar.site.meaning, planar.measurements)
        for planar in findings.planar
        if planar.site is not None
    ]
    found += [(said.label, "", said.measurements) for said in findings.conclusions]
    found += [(absence.label, "", (Measurement(codes.SCT.Volume, 0.0, CM3),)) for absence in findings.absent]
    return {
        Of(label, site, each.name, each.method): each
        for label, site, measurements in found
        for each in measurements
        if each.derivation is None and each.unit != codes.UCUM.HounsfieldUnit
    }


def _things(findings: Findings) -> dict[str, Code]:
    """What the numbers of a label are about."""
    things = {segment.label: segment.property for segment in findings.segments}
    things |= {absence.label: absence.property for absence in findings.absent}
    return things | {said.label: said.finding for said in findings.conclusions}


def _concluded(label: str, thing: Code, its: Sequence[Change], track: Callable[[str], UID]) -> Conclusion:
    name = f"{label}, change"
    return Conclusion(name, thing, track(name), tuple(each for change in its for each in change.measurements()))


def _rounded(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"

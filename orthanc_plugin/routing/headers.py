"""What routing may know of a series: the values of one instance's header, read so that no odd one makes it fail."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import isfinite

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from orthanc_plugin.routing.region import RegionOfPixels, unseen

GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
INJECTED = "RadiopharmaceuticalInformationSequence"
DAYS_A_YEAR = 365.25
MINUTES_A_DAY = 24 * 60
AGE_IN_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / DAYS_A_YEAR, "D": 1 / DAYS_A_YEAR}
NEARLY_ALONG = 0.95
"""Cosine of 18 degrees: a tilted gantry still makes axial slices."""


@dataclass(frozen=True)
class Headers:
    """Values by keyword as Orthanc writes them: texts, several joined by a backslash; sequences as lists of such.

    `pixels` tells the region of the body where the values do not.
    """

    values: Mapping[str, object]
    slices: int
    pixels: RegionOfPixels = field(default=unseen, compare=False)

    def text(self, keyword: str) -> str:
        """The first value as routing compares it, upper case and trimmed; empty when it is missing or not a text."""
        return next(iter(self.texts(keyword)), "").upper()

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Every value as it was written, outer spaces apart, without empty ones."""
        return tuple(text for text in map(trimmed, parts(self._found(keyword))) if text)

    def number(self, keyword: str) -> float | None:
        """The first value as a number."""
        return number(next(iter(self.texts(keyword)), ""))

    def present(self, keyword: str) -> bool:
        found = self._found(keyword)
        return bool(self.texts(keyword)) or (isinstance(found, list) and any(found))

    def items(self, keyword: str) -> tuple[Headers, ...]:
        """The items of a sequence."""
        found = self._found(keyword)
        items = found if isinstance(found, list) else []
        return tuple(Headers(item, self.slices) for item in items if isinstance(item, Mapping))

    def age_years(self) -> float | None:
        """From PatientAge, else from the birth to the study."""
        age = re.fullmatch(r"0*(\d{1,3})([YMWD])", self.text("PatientAge"))
        if age:
            return int(age[1]) * AGE_IN_YEARS[age[2]]
        born, seen = day(self.text("PatientBirthDate")), day(self.text("StudyDate"))
        years = (seen - born).days / DAYS_A_YEAR if born and seen else -1.0
        return years if years >= 0 else None

    def minutes_after_injection(self) -> float | None:
        """From the tracer's injection to the acquisition, by the clock: within a day, so no date is asked for."""
        given = minutes(self.text("RadiopharmaceuticalStartTime") or self.text("RadiopharmaceuticalStartDateTime")[8:])
        seen = minutes(self.text("AcquisitionTime") or self.text("SeriesTime"))
        return None if given is None or seen is None else (seen - given) % MINUTES_A_DAY

    def orientation(self) -> str | None:
        """Of the slices: axial, coronal, sagittal or oblique."""
        cosines = [number(text) for text in self.texts("ImageOrientationPatient")]
        known = [each for each in cosines if each is not None]
        if len(known) != 6 or len(cosines) != 6:
            return None
        row, column = known[:3], known[3:]
        normal = [row[a] * column[b] - row[b] * column[a] for a, b in ((1, 2), (2, 0), (0, 1))]
        length = sum(each * each for each in normal) ** 0.5
        if length < 0.5:
            return None
        along = {name: abs(each) / length for name, each in zip(("sagittal", "coronal", "axial"), normal, strict=True)}
        nearest = max(along, key=lambda name: along[name])
        return nearest if along[nearest] >= NEARLY_ALONG else "oblique"

    def _found(self, keyword: str) -> object:
        """In an enhanced image what is the same for all frames, or the first frame's, lies two levels deeper; what was
        injected for an emission, one.
        """
        if keyword in self.values:
            return self.values[keyword]
        for item in within(self.values.get(INJECTED)):
            if keyword in item:
                return item[keyword]
        for sequence in GROUPS:
            for group in within(self.values.get(sequence)):
                for item in (item for macro in group.values() for item in within(macro)):
                    if keyword in item:
                        return item[keyword]
        return None


def within(sequence: object) -> tuple[Mapping[str, object], ...]:
    """The first item, when it is one."""
    return tuple(item for item in sequence[:1] if isinstance(item, Mapping)) if isinstance(sequence, list) else ()


def parts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return value.split("\\")
    if isinstance(value, bool | int | float):
        return (str(value),)
    if isinstance(value, list | tuple):
        return tuple(str(part) for part in value if isinstance(part, str | int | float))
    return ()


def trimmed(text: str) -> str:
    return text.strip(" \0\t\r\n")


def number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def minutes(time: str) -> float | None:
    """Since midnight, of a time as DICOM writes it (PS3.5 6.2): hours and minutes, mostly with seconds."""
    found = re.match(r"([0-9]{2})([0-9]{2})([0-9]{2})?", time)
    return int(found[1]) * 60 + int(found[2]) + int(found[3] or 0) / 60 if found else None


def day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def of_datasets(datasets: Iterable[Dataset]) -> Headers:
    """The headers of a series that lies in files: those of its first instance, and the slices of all."""
    first, *others = datasets
    slices = sum(frames(dataset) for dataset in (first, *others))
    return Headers(values_of(first), slices)


def frames(dataset: Dataset) -> int:
    stated = number(next(iter(parts(written(dataset, "NumberOfFrames"))), ""))
    return max(1, int(stated)) if stated is not None else 1


def values_of(dataset: Dataset) -> dict[str, object]:
    """As Orthanc would write them; what can't be read is left out."""
    return {keyword: written(dataset, keyword) for keyword in dataset.dir() if keyword != "PixelData"}


def written(dataset: Dataset, keyword: str) -> object:
    try:
        with warnings.catch_warnings(action="ignore"):
            element = dataset.get_item(keyword) and dataset[keyword]
            return value_of(element) if isinstance(element, DataElement) else None
    except Exception:  # noqa: BLE001  # pydicom fails in many ways on a damaged element, and any of them means: not known
        return None


def value_of(element: DataElement) -> object:
    if element.VR == "SQ":
        return [values_of(item) for item in element.value]
    value = element.value
    if value is None or isinstance(value, bytes):
        return None
    return "\\".join(map(str, value)) if element.VM > 1 else str(value)

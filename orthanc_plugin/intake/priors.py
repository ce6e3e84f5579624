"""A study in, the earlier studies of the same patient out, newest first: none where it is not sure whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.routing.headers import DAYS_A_YEAR, Headers, day


@dataclass(frozen=True)
class Examination:
    """A study by the archive's index; `time` is hhmmss, empty where it is not stated."""

    study_uid: str
    day: date | None
    time: str

    def follows(self, other: Examination) -> bool:
        """False, too, where it can't be known."""
        if self.day is None or other.day is None:
            return False
        if self.day != other.day:
            return self.day > other.day
        return bool(self.time and other.time) and self.time > other.time

    def years_after(self, other: Examination) -> float:
        return (self.day - other.day).days / DAYS_A_YEAR if self.day and other.day else 0.0


@dataclass(frozen=True)
class Past:
    """What came before a study, newest first."""

    now: Examination
    earlier: tuple[Examination, ...]


def past(orthanc: Orthanc, study_uid: str) -> Past | None:
    """None where the archive does not know whose study it is: without a PatientID all are one patient to it."""
    entries = [entry for entry in orthanc.post("/tools/lookup", study_uid) if entry["Type"] == "Study"]
    if len(entries) != 1:
        return None
    study = orthanc.get(f"/studies/{entries[0]['ID']}")
    if not study["PatientMainDicomTags"].get("PatientID", "").strip():
        return None
    now = examination(study)
    known = map(examination, orthanc.get(f"/patients/{study['ParentPatient']}/studies"))
    earlier = sorted((each for each in known if now.follows(each)), key=age)
    return Past(now, tuple(reversed(earlier)))


def age(examination: Examination) -> tuple[date, str, str]:
    return examination.day or date.min, examination.time, examination.study_uid


def examination(study: Mapping[str, Any]) -> Examination:
    tags = study["MainDicomTags"]
    return Examination(
        tags.get("StudyInstanceUID", ""), *day_and_time(tags.get("StudyDate", ""), tags.get("StudyTime", ""))
    )


def day_and_time(study_date: str, study_time: str) -> tuple[date | None, str]:
    """As an examination has them."""
    time = study_time.strip().partition(".")[0]
    return day(study_date.strip()), time.ljust(6, "0") if time.isascii() and time.isdecimal() else ""


def same_patient(one: Headers, other: Headers) -> bool:
    """A PatientID is one hospital's: the same number from another issuer, or from an unknown one, tells nothing."""
    known = one.texts("PatientID")
    return bool(known) and all(one.texts(each) == other.texts(each) for each in ("PatientID", "IssuerOfPatientID"))

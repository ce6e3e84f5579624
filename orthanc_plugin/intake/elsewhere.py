"""A study that is to be compared in, its prior brought from another archive out (C-FIND, C-MOVE).

Asked beside the loop, as an archive may be slow. What is brought is there to be compared with: no model is run on it.
"""

from __future__ import annotations

import json
import logging
import queue
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from orthanc_plugin.errors import NodeError
from orthanc_plugin.intake.changes import KeptValues
from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.intake.priors import Examination, age, day_and_time
from orthanc_plugin.routing.headers import Headers

logger = logging.getLogger(__name__)

LOOK_AGAIN_S = 0.5
ASKED_AT_ONCE = 4
"""An archive that sends slowly holds up few others."""
QUESTIONS_S = 60.0
"""For those of other studies that come first, too."""
BROUGHT_MOST = 5000
"""So many brought studies are remembered as such; beyond, the oldest are taken for studies like any."""
NOTHING = ""
_KNOWN_BY = ("StudyInstanceUID", "StudyDate", "StudyTime", "PatientID", "IssuerOfPatientID", "Modality")
_SAFE = re.compile(r"[^*?\\]+")


@dataclass(frozen=True)
class Sought:
    """The newest study of a patient before one of hers, with series of the same modality."""

    study_uid: str
    patient_id: str
    issuer: str
    modality: str
    now: Examination
    within_years: float | None

    @classmethod
    def by(cls, headers: Headers, within_years: float | None) -> Sought | None:
        """None where nobody can tell whose the study is or which are earlier; or the PatientID would match others."""
        known = [next(iter(headers.texts(keyword)), "") for keyword in _KNOWN_BY]
        study_uid, study_date, study_time, patient_id, issuer, modality = known
        now = Examination(study_uid, *day_and_time(study_date, study_time))
        if now.day is None or not modality or not _SAFE.fullmatch(patient_id):
            return None
        return cls(study_uid, patient_id, issuer, modality, now, within_years)


class Elsewhere:
    """`archive` is the name of a modality of Orthanc, empty for none; `told` is called from the asking thread."""

    def __init__(
        self,
        orthanc: Orthanc,
        kept: KeptValues,
        identity: str,
        archive: str,
        wait_s: float,
        told: Callable[[], None],
    ) -> None:
        self._orthanc = orthanc
        self._kept = kept
        self._key = f"{identity}/brought"
        self._archive = archive
        self._wait_s = wait_s
        self._told = told
        self._said: dict[Sought, str | None] = {}
        self._until_s: dict[Sought, float] = {}
        self._remembering = threading.Lock()
        self._brought: dict[str, None] = dict.fromkeys(json.loads(kept.recall(self._key) or "[]"))
        self._questions: queue.SimpleQueue[Sought] = queue.SimpleQueue()
        for _ in range(ASKED_AT_ONCE if archive else 0):
            threading.Thread(target=self._ask_all, name="priors", daemon=True).start()

    def bring(self, sought: Sought) -> str | None:
        """Returns at once: None while it is asked, then what went wrong, nothing where a prior came or is not there."""
        if not self._archive:
            return NOTHING
        if sought not in self._said:
            self._said[sought] = None
            self._until_s[sought] = time.monotonic() + self._wait_s + QUESTIONS_S
            self._questions.put(sought)
        return self._late() if self._is_late(sought) else self._said[sought]

    def asking(self, study_uid: str) -> bool:
        """Whether what is sought for the study is still to come."""
        open_now = [sought for sought, said in self._said.items() if said is None and sought.study_uid == study_uid]
        return any(not self._is_late(sought) for sought in open_now)

    def forget(self, sought: Sought) -> None:
        """The study has its job; one that is ordered anew is asked about again."""
        self._said.pop(sought, None)
        self._until_s.pop(sought, None)

    def _is_late(self, sought: Sought) -> bool:
        return self._said[sought] is None and time.monotonic() > self._until_s[sought]

    def brought(self, study_uid: str) -> bool:
        return study_uid in self._brought

    def _ask_all(self) -> None:
        while True:
            sought = self._questions.get()
            try:
                said = self._bring(sought)
            except (NodeError, LookupError, TypeError, ValueError) as error:  # an answer may be none that is known
                logger.info("The archive was not asked: %s", type(error).__name__, extra={"study": sought.study_uid})
                said = _failed(self._archive, "it does not answer; see that it runs and knows this node.")
            if said:
                logger.warning("A prior was not brought: %s", said, extra={"study": sought.study_uid})
            if sought in self._said:
                self._said[sought] = said
            self._told()

    def _bring(self, sought: Sought) -> str:
        study_uid = self._newest(sought)
        if study_uid is None or self._orthanc.series_of_study(study_uid):
            return NOTHING
        wanted = {"StudyInstanceUID": study_uid, "Modality": sought.modality, "SeriesInstanceUID": ""}
        found = self._orthanc.found_at(self._archive, "Series", wanted)
        series = [each["SeriesInstanceUID"] for each in found if each["Modality"] == sought.modality]
        if not series:
            return NOTHING
        self._remember(study_uid)
        logger.info("A prior is fetched", extra={"study": sought.study_uid, "prior": study_uid})
        said = self._moved(study_uid, series)
        if said and not self._orthanc.series_of_study(study_uid):
            self._remember(study_uid, here=False)
        return said

    def _newest(self, sought: Sought) -> str | None:
        wanted = {
            "PatientID": sought.patient_id,
            "ModalitiesInStudy": sought.modality,
            **dict.fromkeys(("IssuerOfPatientID", "StudyInstanceUID", "StudyDate", "StudyTime"), ""),
        }
        found = self._orthanc.found_at(self._archive, "Study", wanted)
        earlier = [study for each in found if hers(each, sought) and sought.now.follows(study := examined(each))]
        newest = max(earlier, key=age, default=None)
        if newest is None:
            return None
        too_old = sought.within_years is not None and sought.now.years_after(newest) > sought.within_years
        return None if too_old else newest.study_uid

    def _moved(self, study_uid: str, series: Iterable[str]) -> str:
        until_s = time.monotonic() + self._wait_s
        jobs = [self._orthanc.move(self._archive, study_uid, uid) for uid in series]
        pause = threading.Event()
        while time.monotonic() < until_s:
            states = {self._orthanc.job_state(job) for job in jobs}
            if states == {"Success"}:
                return NOTHING
            if "Failure" in states:
                return _failed(self._archive, "its C-MOVE failed.")
            pause.wait(LOOK_AGAIN_S)
        return self._late()

    def _late(self) -> str:
        return _failed(self._archive, f"it did not come within {self._wait_s:g} s.")

    def _remember(self, study_uid: str, *, here: bool = True) -> None:
        """Before the first of its images is here; not any more where none came: whoever sends it now, means it."""
        with self._remembering:
            known = [each for each in self._brought if each != study_uid] + [study_uid] * here
            self._brought = dict.fromkeys(known[-BROUGHT_MOST:])
            self._kept.remember(self._key, json.dumps(list(self._brought)))


def hers(answer: Mapping[str, str], sought: Sought) -> bool:
    """An archive may match more than it was asked for; what says nothing of the issuer is looked at once it is here."""
    issuer = answer["IssuerOfPatientID"]
    return answer["PatientID"] == sought.patient_id and (not issuer or issuer == sought.issuer)


def examined(answer: Mapping[str, str]) -> Examination:
    return Examination(answer["StudyInstanceUID"], *day_and_time(answer["StudyDate"], answer["StudyTime"]))


def _failed(archive: str, why: str) -> str:
    return f"An earlier study was sought in the archive {archive}, and {why} What is here was compared, if anything."

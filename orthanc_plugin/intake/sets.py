"""Series that take a role of some model in, the jobs on whole sets out: waited for, then ordered or said to lack what.

What is waited for outlives us: it lies in the ledger's kept values, with the moment on the wall clock.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.intake.changes import KeptValues
from orthanc_plugin.intake.elsewhere import NOTHING, Elsewhere, Sought
from orthanc_plugin.intake.reasons import given_up
from orthanc_plugin.intake.reconcile import Marks
from orthanc_plugin.intake.set_orders import SetOrders
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.roles import Seating, prior_roles

logger = logging.getLogger(__name__)

STUDY_RESTS_S = 30.0
"""Where one series of several is chosen, so long nothing may come for the study: the better one may follow."""
LOOK_AGAIN_S = 5.0
PRIOR_LOOK_S = 0.5
"""Orthanc is not asked by it, whoever seeks the prior is."""


@dataclass(frozen=True)
class Waiting:
    """A model waits for its set in a study: since its first series was complete, and since its last.

    `digest` is of the version that the last series was for: it may be gone or another one when the waiting ends.
    """

    study_uid: str
    model: str
    since_s: float
    last_s: float
    digest: str = ""


class Sets:
    """Called by one thread alone; `clock` is the wall's."""

    def __init__(
        self,
        orders: SetOrders,
        kept: KeptValues,
        marks: Marks,
        identity: str,
        elsewhere: Elsewhere,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._orders = orders
        self._kept = kept
        self._marks = marks
        self._key = f"{identity}/sets"
        self._elsewhere = elsewhere
        self._clock = clock
        self._waiting = {(each.study_uid, each.model): each for each in read(kept.recall(self._key))}
        self._due_s: dict[tuple[str, str], float] = {}

    def join(self, headers: Headers) -> None:
        """A series is complete; each model that may take it in a role waits for the rest of its set.

        So do those that compared a later study with what it was before.
        """
        study_uid, series_uid = (next(iter(headers.texts(f"{each}InstanceUID")), "") for each in ("Study", "Series"))
        own = () if self.brought(headers) else self._orders.wanting(study_uid, headers)
        wanting = [(study_uid, model) for model in own]
        for of_study, model in (*wanting, *self._orders.compared_with(study_uid, series_uid)):
            self._wait(of_study, model)

    def brought(self, headers: Headers) -> bool:
        """The study came from another archive, to be compared with a later one."""
        return self._elsewhere.brought(headers.text("StudyInstanceUID"))

    def prior_for(self, comparing: Collection[Model], headers: Headers) -> str | None:
        """Of models that take a series by itself: None while another archive is asked for what they compare it with,
        then what went wrong.
        """
        sought = None if self.brought(headers) else _sought(comparing, headers)
        return NOTHING if sought is None else self._elsewhere.bring(sought)

    def have_prior_for(self, comparing: Collection[Model], headers: Headers) -> None:
        """They have their jobs; what is asked later is asked anew."""
        sought = _sought(comparing, headers)
        if sought is not None:
            self._elsewhere.forget(sought)

    def _wait(self, study_uid: str, model: Model) -> None:
        key, now_s = (study_uid, model.card.name), self._clock()
        known = self._waiting.get(key, Waiting(*key, since_s=now_s, last_s=now_s))
        self._waiting[key] = replace(known, last_s=now_s, digest=model.digest)
        self._due_s.pop(key, None)
        self._keep()

    def look(self, open_studies: Collection[str]) -> None:
        """Orders every set that is whole, or has waited long enough; asks Orthanc only where something may be due."""
        now_s = self._clock()
        for key, waiting in list(self._waiting.items()):
            if now_s < self._due_s.get(key, now_s):
                continue
            due_s = self._attend(waiting, now_s, study_is_open=waiting.study_uid in open_studies)
            if due_s is None:
                del self._waiting[key]
                self._keep()
            else:
                self._due_s[key] = due_s

    def _attend(self, waiting: Waiting, now_s: float, *, study_is_open: bool) -> float | None:
        """When to look again; None once there is a line for the set, or its series went."""
        if self._elsewhere.asking(waiting.study_uid):
            return now_s + PRIOR_LOOK_S
        model = self._orders.serving(waiting.study_uid, waiting.model)
        seating = None if model is None else self._seating(waiting, model)
        if model is None or seating is None or not seating.filled:
            self._last_word(waiting, partial(self._give_up, waiting))
            return None
        over_s, rests_s = waiting.since_s + model.card.wait_s, waiting.last_s + STUDY_RESTS_S
        if now_s < over_s and seating.missing:
            return over_s
        if now_s < over_s and chooses(model) and (study_is_open or now_s < rests_s):
            return min(over_s, max(rests_s, now_s + LOOK_AGAIN_S))
        sought = None if seating.lacking else _sought((model,), seating.filled[0][1].headers)
        said = NOTHING if sought is None else self._elsewhere.bring(sought)
        if said is None:
            return now_s + PRIOR_LOOK_S
        waited_s = now_s - waiting.since_s
        settle = partial(self._orders.settle, waiting.study_uid, model, seating, waited_s, said)
        self._last_word(waiting, settle)
        if sought is not None:
            self._elsewhere.forget(sought)
        return None

    def _last_word(self, waiting: Waiting, say: Callable[[], object]) -> None:
        try:
            say()
        except Unsuitable as error:
            extra = {"study": waiting.study_uid}
            logger.warning("A set of series is not waited for any more: %s", error.sentence, extra=extra)

    def _seating(self, waiting: Waiting, model: Model) -> Seating:
        return self._orders.seating(waiting.study_uid, model, self._marks.settled)

    def _give_up(self, waiting: Waiting) -> None:
        """The line for a model that went, or became one that none of its series is for, while they waited."""
        model = self._orders.version(waiting.model, waiting.digest)
        seating = None if model is None else self._seating(waiting, model)
        if model is not None and seating is not None and seating.filled:
            self._orders.skip(waiting.study_uid, model, seating, given_up(model))

    def _keep(self) -> None:
        self._kept.remember(self._key, json.dumps([asdict(each) for each in self._waiting.values()]))


def _sought(models: Iterable[Model], headers: Headers) -> Sought | None:
    """What another archive may have for the roles of an earlier study."""
    years = [model.card.inputs[role].within_years for model in models for role in prior_roles(model.card)]
    if not years:
        return None
    return Sought.by(headers, None if None in years else max(year for year in years if year is not None))


def chooses(model: Model) -> bool:
    """Whether more series may change what the study gives: a better one, or another one of every one."""
    return any((role.best or role.every) and not role.is_prior for role in model.card.inputs.values())


def read(kept: str | None) -> tuple[Waiting, ...]:
    return tuple(Waiting(**entry) for entry in json.loads(kept or "[]"))

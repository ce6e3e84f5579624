"""Stored series, a model and somebody's terms in, the order for the ledger out; pure."""

from __future__ import annotations

from dataclasses import dataclass

from orthanc_plugin.archive.protocol import StoredSeries
from orthanc_plugin.imaging.roi import ROI
from orthanc_plugin.intake.orthanc import Series
from orthanc_plugin.intake.terms import Terms
from orthanc_plugin.jobs.job import SHADOW, InputSet, Job, Order, Parameter, Priority, Role
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.headers import Headers

ROLE = "series"


@dataclass(frozen=True)
class Placed:
    """A job and what the person who ordered it should know; `remark` is empty where routing agrees."""

    job: Job
    remark: str = ""


def order(input_set: InputSet, model: Model, terms: Terms, remarks: tuple[str, ...] = ()) -> Order:
    """The model's own urgency counts where nobody asked for more; a shadow's job is another than that of the real."""
    shadow: tuple[tuple[str, Parameter], ...] = ((SHADOW, True),) if model.switch == "shadow" else ()
    return Order(
        input_set=input_set,
        model=model.card.name,
        version=model.card.version,
        digest=model.digest,
        parameters=tuple(sorted({*terms.parameters, *region(model, terms), *shadow})),
        priority=min(terms.priority, Priority[model.card.priority.upper()]),
        released=terms.released,
        limit_s=model.card.limits.seconds,
        remarks=remarks,
    )


def region(model: Model, terms: Terms) -> tuple[tuple[str, Parameter], ...]:
    """What was drawn, where the model looks at a region and the order names none."""
    named = any(name == ROI for name, _ in terms.parameters)
    return () if named or model.card.region_px is None else terms.drawn


def nobody(input_set: InputSet) -> Order:
    return Order(input_set, model="", version="", digest="")


def role_of(name: str, stored: StoredSeries) -> Role:
    return Role(name, stored.series_uid, stored.sop_instance_uids, stored.fingerprint)


def input_set_of(stored: StoredSeries) -> InputSet:
    return InputSet(stored.study_uid, (role_of(ROLE, stored),))


def unread(series: Series, headers: Headers) -> InputSet:
    """For a series that the archive has and can't give: known by what its index says."""
    study_uid = str(headers.values.get("StudyInstanceUID") or "")
    return InputSet(study_uid, (Role(ROLE, series.uid, (), series.mark),))

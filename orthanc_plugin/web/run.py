"""A wish to run by hand in, the jobs on what it names out."""

from __future__ import annotations

from collections.abc import Iterator

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.intake.orders import Orders, Placed, Terms
from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.intake.results import result_kind
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.rules import Headers, explain
from orthanc_plugin.web.wish import Wish


def run(wish: Wish, orders: Orders, orthanc: Orthanc, catalogue: Catalogue) -> list[Placed]:
    """On a series as told; in a study on each series that is for the model, or that any model is for."""
    terms = Terms(priority=wish.priority, parameters=wish.parameters)
    if wish.series_uid is not None:
        return list(orders.orders_for(wish.series_uid, wish.model, terms))
    model = None if wish.model is None else catalogue.model(wish.model)
    chosen = [
        uid
        for uid, headers in series_of(orthanc, str(wish.study_uid))
        if model is None or explain(model.card, headers).matches
    ]
    if not chosen:
        raise Unsuitable(
            f"No series of the study {wish.study_uid} is for {wish.model or 'any model'}; "
            'name one as "series" to run a model on it all the same.'
        )
    return [placed for uid in chosen for placed in orders.orders_for(uid, wish.model, terms)]


def series_of(orthanc: Orthanc, study_uid: str) -> Iterator[tuple[str, Headers]]:
    """The study's series that are no results, with what routing asks about them."""
    found = [entry["ID"] for entry in orthanc.post("/tools/lookup", study_uid) if entry["Type"] == "Study"]
    if not found:
        raise Unsuitable(f"There is no study {study_uid} in the archive; send it or correct its UID.")
    for series_id in orthanc.get(f"/studies/{found[0]}")["Series"]:
        series = orthanc.series(series_id)
        values = orthanc.header(series.instance_ids[0])
        if not result_kind(values):
            yield series.uid, Headers(values, sum(each.frames for each in orthanc.slices(series_id)))

"""A wish to run by hand in, the jobs on what it names out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.intake.drawn import drawn_on
from orthanc_plugin.intake.one_image import OneImage
from orthanc_plugin.intake.order import Placed
from orthanc_plugin.intake.orders import Orders
from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.intake.terms import Terms
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.results import result_kind
from orthanc_plugin.routing.roles import wants_a_set
from orthanc_plugin.routing.rules import explain
from orthanc_plugin.web.wish import Wish


def run(wish: Wish, orders: Orders, orthanc: Orthanc, catalogue: Catalogue) -> list[Placed]:
    """On a series or image as told; in a study on each series that is for the model, or that any model is for."""
    terms = Terms(priority=wish.priority, parameters=wish.parameters)
    if wish.series_uid is not None:
        terms = with_drawn(terms, wish, wish.series_uid, orthanc, catalogue)
        return list(orders.orders_for(wish.series_uid, wish.model, terms))
    if wish.instance_uid is not None:
        image = image_of(orthanc, wish.instance_uid, wish.frame)
        terms = with_drawn(terms, wish, image.series_uid, orthanc, catalogue, image)
        return list(orders.order_image(image, wish.model, terms))
    study_uid = str(wish.study_uid)
    model = None if wish.model is None else catalogue.model(wish.model)
    known = tuple(series_of(orthanc, orders, study_uid))
    if model is not None and wants_a_set(model.card):
        return [orders.sets.by_hand(study_uid, model, terms)]
    chosen = [uid for uid, headers in known if model is None or explain(model.card, headers).matches]
    if not chosen:
        raise Unsuitable(
            f"No series of the study {study_uid} is for {wish.model or 'any model'}; "
            'name one as "series" to run a model on it all the same.'
        )
    return [
        placed
        for uid in chosen
        for placed in orders.orders_for(uid, wish.model, with_drawn(terms, wish, uid, orthanc, catalogue))
    ]


def with_drawn(
    terms: Terms, wish: Wish, series_uid: str, orthanc: Orthanc, catalogue: Catalogue, image: OneImage | None = None
) -> Terms:
    """With the region that somebody drew on the series; nobody looks for one where no model would look at it."""
    asked = [model.card for model in catalogue.models if wish.model in (None, model.card.name)]
    sides = [card.region_px for card in asked if card.region_px is not None]
    drawn = drawn_on(orthanc, series_uid, max(sides)) if sides else None
    elsewhere = drawn is not None and image is not None and not drawn.lies_on(image)
    return terms if drawn is None or elsewhere else replace(terms, drawn=drawn.parameters)


def image_of(orthanc: Orthanc, instance_uid: str, frame: int | None) -> OneImage:
    found = orthanc.series_of_instance(instance_uid)
    if not found:
        raise Unsuitable(f"There is no instance {instance_uid} in the archive; send it or correct its UID.")
    return OneImage(found[0].uid, instance_uid, frame)


def series_of(orthanc: Orthanc, orders: Orders, study_uid: str) -> Iterator[tuple[str, Headers]]:
    """The study's series that models may take, which no results are but some images, with what routing asks of them."""
    found = orthanc.series_of_study(study_uid)
    if not found:
        raise Unsuitable(f"There is no study {study_uid} in the archive; send it or correct its UID.")
    for series in found:
        headers = orthanc.headers(series)
        if not result_kind(headers.values) or orders.take(headers.values):
            yield series.uid, headers

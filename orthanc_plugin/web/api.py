"""An admitted request in, the answer of the HTTP interface out; knows nothing of sockets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from orthanc_plugin.errors import Broken, ConfigurationError, NodeError, Temporary, Unsuitable
from orthanc_plugin.intake.orders import Orders
from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.jobs import device_report
from orthanc_plugin.jobs.ledger import Ledger, NoSuchJob, NotNow
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.web import health, jobs, models, viewer
from orthanc_plugin.web.message import Answer, Request, Wrong, found, problem
from orthanc_plugin.web.run import run
from orthanc_plugin.web.wish import uid, wish

ROOT = "/inference/api"
STATUSES: tuple[tuple[type[NodeError], HTTPStatus], ...] = (
    (Wrong, HTTPStatus.BAD_REQUEST),
    (NoSuchJob, HTTPStatus.NOT_FOUND),
    (NotNow, HTTPStatus.CONFLICT),
    (Unsuitable, HTTPStatus.UNPROCESSABLE_ENTITY),
    (ConfigurationError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Temporary, HTTPStatus.SERVICE_UNAVAILABLE),
    (Broken, HTTPStatus.BAD_GATEWAY),
)


@dataclass(frozen=True)
class Rooms:
    """What answers are made of."""

    ledger: Ledger
    catalogue: Catalogue
    orders: Orders
    orthanc: Orthanc
    state_folder: Path


def answer(request: Request, rooms: Rooms) -> Answer:
    """Of the first route that fits, or a problem document: no error leaves as anything else."""
    fitting = [(method, match, verb) for method, match, verb in routes(request.path) if match is not None]
    for method, match, verb in fitting:
        if method == request.method:
            try:
                return verb(request, rooms, *match.groups())
            except NodeError as error:
                return problem(status_of(error), error.sentence)
    if fitting:
        taken = " or ".join(method for method, _, _ in fitting)
        return problem(HTTPStatus.METHOD_NOT_ALLOWED, f"This address takes {taken} only.")
    return problem(HTTPStatus.NOT_FOUND, "There is nothing at this address.")


def routes(path: str) -> Iterable[tuple[str, re.Match[str] | None, Callable[..., Answer]]]:
    return ((method, re.fullmatch(ROOT + address, path), verb) for method, address, verb in ROUTES)


def status_of(error: NodeError) -> HTTPStatus:
    return next((status for kind, status in STATUSES if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def get_health(request: Request, rooms: Rooms) -> Answer:
    return health.answer(checks(request, rooms))


def checks(request: Request, rooms: Rooms) -> Iterable[health.Check]:
    yield health.Check("intake", health.Status.OK)
    yield health.worker(request.processes)
    yield health.tried("orthanc", rooms.orthanc.identity)
    yield health.tried("database", rooms.ledger.counts)
    yield health.device(device_report.reports(rooms.ledger))
    yield health.models(len(rooms.catalogue.models), rooms.catalogue.problems)
    yield health.disk(rooms.state_folder)
    # A node without it does its work: that is no reason to call it degraded.
    yield health.Check("viewer", health.Status.OK, viewer.lacking())


def get_models(_request: Request, rooms: Rooms) -> Answer:
    installed = [models.view(model) for model in rooms.catalogue.models]
    providers = [models.provider(report) for report in device_report.reports(rooms.ledger)]
    return found({"models": installed, "providers": providers, "problems": list(rooms.catalogue.problems)})


def get_routes(request: Request, rooms: Rooms) -> Answer:
    if list(request.query) != ["series"]:
        raise Wrong("Name one series by its UID: routes?series=1.2.840….")
    series_uid = uid("series", request.query["series"])
    known = rooms.orthanc.find_series(series_uid)
    if not known:
        raise Unsuitable(f"There is no series {series_uid} in the archive; send it or correct its UID.")
    routes_of = models.routes(rooms.catalogue, rooms.orders.seen(known[0], rooms.orthanc.headers(known[0])))
    return found({"series": series_uid, "routes": routes_of, "problems": list(rooms.catalogue.problems)})


def get_jobs(request: Request, rooms: Rooms) -> Answer:
    wanted = jobs.filters(request.query)
    try:
        page, cursor = rooms.ledger.jobs(**wanted)
    except NoSuchJob:
        raise Wrong(f'"cursor" is "{wanted["cursor"]}"; allowed is what an earlier page gave as "next".') from None
    return found({"jobs": [jobs.view(job) for job in page], "next": cursor})


def get_job(_request: Request, rooms: Rooms, job_id: str) -> Answer:
    return found(jobs.whole(rooms.ledger.job(job_id)))


def retry(_request: Request, rooms: Rooms, job_id: str) -> Answer:
    return found(jobs.whole(rooms.ledger.retry(job_id)))


def cancel(_request: Request, rooms: Rooms, job_id: str) -> Answer:
    return found(jobs.whole(rooms.ledger.cancel(job_id)))


def post_run(request: Request, rooms: Rooms) -> Answer:
    placed = run(wish(request.body), rooms.orders, rooms.orthanc, rooms.catalogue)
    entries = {"jobs": [each.job.id for each in placed], "remarks": [each.remark for each in placed if each.remark]}
    return found(entries, HTTPStatus.ACCEPTED)


ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", "/health", get_health),
    ("GET", "/models", get_models),
    ("GET", "/routes", get_routes),
    ("GET", "/jobs", get_jobs),
    ("GET", "/jobs/([^/]+)", get_job),
    ("POST", "/jobs/([^/]+)/retry", retry),
    ("POST", "/jobs/([^/]+)/cancel", cancel),
    ("POST", "/run", post_run),
)

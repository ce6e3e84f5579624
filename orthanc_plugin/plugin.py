"""Orthanc's callbacks in, hand-overs out: the only file that imports `orthanc`, and it returns at once."""

from __future__ import annotations

import os
import sys
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote_plus

PROJECT = Path(__file__).resolve().parents[1]
VENV = PROJECT / ".venv"
WAKE_EVERY_S = 0.05
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
# Nagle's algorithm against delayed acknowledgements costs 42 ms an instance; DCMTK reads this at each association.
os.environ["TCP_NODELAY"] = "1"
# Orthanc puts this file's own folder on the path, where our modules would pass for top-level ones.
sys.path[:] = [path for path in sys.path if Path(path).resolve() != Path(__file__).resolve().parent]
sys.path[:0] = [str(PROJECT), str(VENV / "lib" / PYTHON / "site-packages")]

import orthanc  # noqa: E402


def refuse_to_start(sentence: str) -> NoReturn:
    """Ends Orthanc before it listens: without the filter it would serve everything to everybody."""
    orthanc.LogError(sentence)
    os._exit(1)


try:
    from orthanc_plugin import settings as configuration
    from orthanc_plugin.errors import NodeError, Temporary
    from orthanc_plugin.people import access, credentials
    from orthanc_plugin.supervisor import Program, Supervisor
    from orthanc_plugin.viewer.place import PREFIX as VIEWER
    from orthanc_plugin.web import desk, entrance, health, qido, viewer
    from orthanc_plugin.web.message import Answer, Request, problem
except ImportError as error:
    refuse_to_start(
        f"The inference node can't start: {error}. Its packages for {PYTHON} belong in {VENV}; run script/setup."
    )

METHODS = {int(value): name for name, value in vars(orthanc.HttpMethod).items() if name.isupper()}


class Node:
    """What the callbacks need; everything in it is made once, at the start."""

    def __init__(self, settings: configuration.Settings) -> None:
        token = orthanc.GenerateRestApiAuthorizationToken()
        self.keys = access.Keys(credentials.read_or_make(settings.state_folder), token)
        self.socket = desk.address(settings.state_folder)
        self.woke_at_s = 0.0
        environment = os.environ | {
            "INFERENCE_SETTINGS": settings.section(),
            "INFERENCE_ORTHANC_URL": settings.orthanc_url,
            "INFERENCE_ORTHANC_AUTHORIZATION": token,
            "INFERENCE_DATA": str(settings.state_folder),
            "INFERENCE_DATABASE_URL": settings.database_url,
            "INFERENCE_DEVICE": settings.device,
        }
        self.supervisor = Supervisor(
            tuple(
                Program(
                    name=name,
                    command=(str(VENV / "bin" / "python"), "-m", "orthanc_plugin.cli", name),
                    environment=environment,
                    folder=str(PROJECT),
                    listens=name == "intake",
                )
                for name in ("intake", "worker")
            ),
            log=orthanc.LogWarning,
        )

    def admits(self, uri: str, **request: Any) -> bool:
        """Orthanc's filter of requests. What it refuses gets a bare 403; our own pages answer with a challenge."""
        method = METHODS.get(request["method"], "")
        return self.verdict(method, uri, request).outcome is not access.Outcome.REFUSED

    def answers(self, output: Any, uri: str, **request: Any) -> None:
        verdict = self.verdict(request["method"], uri, request)
        query = request.get("get", {})
        if verdict.outcome is not access.Outcome.ADMITTED or verdict.person is None:
            if in_viewer(uri) and entrance.asks_for_a_page(request["method"], lowered(request["headers"])):
                lead(output, entrance.detour(uri, query))
                return
            output.SetHttpHeader("WWW-Authenticate", access.CHALLENGE)
            send(output, problem(HTTPStatus.UNAUTHORIZED, verdict.reason))
        elif uri == "/":
            lead(output, entrance.onward(query))
        elif in_viewer(uri):
            show(output, viewer.page(uri, lowered(request["headers"])))
        elif uri.startswith(qido.PREFIX) and (native := qido.native(uri, query)) is not None:
            search(output, native)
        else:
            send(output, self.asked(uri, verdict.person, request))

    def verdict(self, method: str, uri: str, request: dict[str, Any]) -> access.Verdict:
        return access.decide(access.Request(method, uri, lowered(request["headers"]), request.get("ip", "")), self.keys)

    def asked(self, uri: str, person: access.Person, request: dict[str, Any]) -> Answer:
        body = request.get("body", b"")
        if len(body) > desk.LARGEST_REQUEST_BYTES:
            return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too long for this address.")
        question = Request(
            method=request["method"],
            path=uri,
            query={unquote_plus(name): unquote_plus(value) for name, value in request.get("get", {}).items()},
            body=body.decode("utf-8", "replace"),
            person=person.name,
            processes=self.supervisor.states(),
        )
        try:
            return desk.ask(self.socket, question)
        except Temporary as error:
            if uri == health.PATH:
                return health.answer((health.Check("intake", health.Status.DOWN, error.sentence),))
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.sentence)

    def stored(self, _dicom: Any, _instance: str) -> None:
        """One wake is enough for what pours in: while series are open, intake looks again by itself."""
        now = time.monotonic()
        if now - self.woke_at_s >= WAKE_EVERY_S:
            self.woke_at_s = now
            self.supervisor.tell("intake", "arrived")

    def changed(self, change: int, level: int, resource: str) -> None:
        """What leaves is in no change log, so it is told as it happens; a series at a time, as results are on those."""
        if change == orthanc.ChangeType.ORTHANC_STARTED:
            self.supervisor.start()
        elif change == orthanc.ChangeType.ORTHANC_STOPPED:
            self.supervisor.stop()
        elif change == orthanc.ChangeType.JOB_SUBMITTED:
            self.supervisor.tell("intake", f"job {resource}")
        elif change == orthanc.ChangeType.JOB_SUCCESS:
            self.supervisor.tell("intake", f"ended {resource}")
        elif change == orthanc.ChangeType.DELETED and level == orthanc.ResourceType.SERIES:
            self.supervisor.tell("intake", f"gone {resource}")


def lowered(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def in_viewer(uri: str) -> bool:
    return uri == VIEWER or uri.startswith(f"{VIEWER}/")


def lead(output: Any, address: str) -> None:
    output.SetHttpHeader("Location", address)
    output.SendHttpStatusCode(int(HTTPStatus.SEE_OTHER))


def search(output: Any, native: str) -> None:
    """Asked within the process, where Orthanc takes an address as it is written."""
    try:
        found = orthanc.RestApiGetAfterPlugins(native)
    except orthanc.OrthancException:
        send(output, problem(HTTPStatus.BAD_REQUEST, "The archive can't answer this query; see its log."))
        return
    if len(found) > desk.LARGEST_ANSWER_BYTES:
        send(output, problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The answer is too long; ask for less by `limit`."))
        return
    output.AnswerBuffer(found, qido.MEDIA_TYPE)


def send(output: Any, answer: Answer) -> None:
    show(output, viewer.Page(answer.status, answer.media_type, answer.body.encode()))


def show(output: Any, page: viewer.Page) -> None:
    for name, value in page.headers.items():
        output.SetHttpHeader(name, value)
    if page.status == HTTPStatus.OK:
        output.AnswerBuffer(page.body, page.media_type)
    elif not page.body:
        output.SendHttpStatusCode(int(page.status))
    else:
        output.SetHttpHeader("Content-Type", page.media_type)
        refuse(output, int(page.status), page.body.decode("ascii"))


def refuse(output: Any, status: int, body: str) -> None:
    try:
        output.SendHttpStatus(status, body)
    except TypeError:
        # Until its version 4.2 Orthanc's plugin wanted the length as well.
        output.SendHttpStatus(status, body, len(body))


def register(node: Node) -> None:
    orthanc.RegisterIncomingHttpRequestFilter(node.admits)
    orthanc.RegisterRestCallback("/", node.answers)
    orthanc.RegisterRestCallback("/inference(/.*)?", node.answers)
    orthanc.RegisterRestCallback(f"{VIEWER}(/.*)?", node.answers)
    orthanc.RegisterOnStoredInstanceCallback(node.stored)
    orthanc.RegisterOnChangeCallback(node.changed)


try:
    register(Node(configuration.from_orthanc(orthanc.GetConfiguration())))
except NodeError as error:
    refuse_to_start(error.sentence)
except Exception as error:  # noqa: BLE001  whatever it is, Orthanc must not go on without the filter
    refuse_to_start(f"The inference node can't start: {type(error).__name__}: {error}.")

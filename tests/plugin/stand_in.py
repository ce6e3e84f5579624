"""In place of the command line, `intake` or `worker`: notes what it hears, answers with what it got."""

import json
import os
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from orthanc_plugin.supervisor import end_with_parent
from orthanc_plugin.web import health
from orthanc_plugin.web.desk import Desk, address
from orthanc_plugin.web.message import Answer, Request

HANDED_OVER = ("INFERENCE_SETTINGS", "INFERENCE_ORTHANC_URL", "INFERENCE_ORTHANC_AUTHORIZATION", "INFERENCE_DEVICE")


def answer(request: Request) -> Answer:
    if request.path == "/inference/api/environment":
        return Answer(200, "application/json", json.dumps({name: os.environ[name] for name in HANDED_OVER}))
    if request.path == "/inference/api/health":
        return health.answer((health.Check("intake", health.Status.OK),))
    status = int(request.query.get("status", "200"))
    return Answer(status, "application/json", json.dumps(asdict(request)))


def main(name: str) -> None:
    end_with_parent(os.environ)
    state = Path(os.environ["INFERENCE_DATA"])
    if name == "intake":
        Desk(address(state), answer)
    with (state / f"{name}.notes").open("a", buffering=1) as notes:
        notes.write(f"{os.getpid()}\n")
        for line in sys.stdin:
            notes.write(line)
        if name == "worker":
            threading.Event().wait()
        notes.write("end\n")


main(sys.argv[1])

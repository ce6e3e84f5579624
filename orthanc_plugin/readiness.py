"""A worker's rooms in; the device's state and what is wrong with graphs told, sessions warm, now and as models come."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import NoReturn

from orthanc_plugin.errors import NodeError, Temporary
from orthanc_plugin.inference.check import disagreements, dry_run
from orthanc_plugin.inference.device import Device
from orthanc_plugin.jobs import device_report
from orthanc_plugin.jobs.device_report import DeviceReport
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.pipeline import Rooms
from orthanc_plugin.routing import faults
from orthanc_plugin.routing.folder import Model

LOOK_EVERY_S = 2.0
log = logging.getLogger(__name__)


def make_ready(rooms: Rooms, ledger: Ledger, host: str) -> Readiness:
    """Before the first job comes."""
    running = rooms.device.start()
    log.info("graphs run on %s", running)
    if rooms.device.fallback:
        log.warning("%s", rooms.device.fallback)
    report = DeviceReport(running, rooms.device.wanted, rooms.device.fallback)
    device_report.leave(ledger, host, report)
    readiness = Readiness(rooms.device, partial(faults.remember, ledger))
    readiness.look(rooms.models.models)
    return readiness


class Readiness:
    """Tries the graphs of every model once, when it appears; `tell` takes the digest and what is wrong, or nothing."""

    def __init__(self, device: Device, tell: Callable[[str, str], None]) -> None:
        self._device = device
        self._tell = tell
        self._tried: set[str] = set()

    def look(self, models: Iterable[Model]) -> None:
        for model in models:
            if model.digest not in self._tried:
                self._try(model)

    def follow(self, models: Callable[[], Iterable[Model]]) -> None:
        """In a thread of its own: what is added later is tried as well, after every job that waits for the device."""
        threading.Thread(target=self._follow, args=(models,), daemon=True).start()

    def _follow(self, models: Callable[[], Iterable[Model]]) -> NoReturn:
        never = threading.Event()
        while True:
            never.wait(LOOK_EVERY_S)
            self.look(models())

    def _try(self, model: Model) -> None:
        """A device that is busy or away leaves the question open; the next look asks again."""
        try:
            wrong = " ".join(disagreements(self._device, model))
            if not wrong:
                dry_run(self._device, model)
        except Temporary as error:
            log.warning("%s", error.sentence)
            return
        except NodeError as error:
            wrong = error.sentence
        if wrong:
            log.warning("%s", wrong)
        try:
            self._tell(model.digest, wrong)
        except Temporary as error:
            log.warning("%s", error.sentence)
            return
        self._tried.add(model.digest)

"""What jobs and the catalogue need in, this machine's state folder without the versions that nobody needs out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import NoReturn

from orthanc_plugin.errors import NodeError
from orthanc_plugin.jobs.in_use import versions_in_use
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.versions import Versions

EVERY_S = 3600.0
log = logging.getLogger(__name__)


def tidy(ledger: Ledger, models: Iterable[Model], versions: Versions, last: int) -> None:
    """The jobs are asked for after the models: whoever orders one meanwhile does it for a version that was met."""
    present = {(model.card.name, model.digest) for model in models}
    for name, digest in versions.tidy(present | versions_in_use(ledger), last):
        log.info("the version %s of the model %s is no longer kept", digest[:12], name)


def follow(ledger: Ledger, models: Callable[[], Iterable[Model]], versions: Versions, last: int) -> None:
    """In a thread of its own, now and every hour; each machine that has a worker sees to its own state folder."""
    work = partial(_follow, ledger, models, versions, last)
    threading.Thread(target=work, name="retention", daemon=True).start()


def _follow(ledger: Ledger, models: Callable[[], Iterable[Model]], versions: Versions, last: int) -> NoReturn:
    never = threading.Event()
    while True:
        try:
            tidy(ledger, models(), versions, last)
        except NodeError as error:
            log.warning("%s", error.sentence)
        never.wait(EVERY_S)

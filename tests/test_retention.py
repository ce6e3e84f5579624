"""What unended jobs and the catalogue need of the kept versions stays; the rest goes, once nobody needs it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orthanc_plugin.jobs.in_use import versions_in_use
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.retention import follow, tidy
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.overlay import Overlay
from orthanc_plugin.routing.versions import NOTE, Versions
from tests.jobs.builders import order
from tests.ledgers import url_in
from tests.routing.cards import card_values, model_folder
from tests.waiting import eventually


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(url_in(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(tmp_path)


@pytest.fixture
def digests(tmp_path: Path, versions: Versions) -> tuple[str, ...]:
    """Of four versions of the model abdomen that were served one after the other, oldest first."""
    source = model_folder(tmp_path / "models", "abdomen")
    kept = []
    for number in range(4):
        (source / "card.json").write_text(json.dumps(card_values(version=f"{number}.0.0")))
        kept.append(versions.keep(source, Overlay()).digest)
        os.utime(tmp_path / "versions" / "abdomen" / kept[-1] / NOTE, (number, number))
    return tuple(kept)


def test_a_version_goes_when_its_last_job_has_ended(
    ledger: Ledger, versions: Versions, digests: tuple[str, ...], tmp_path: Path
) -> None:
    waiting = ledger.propose(order(1, model="abdomen", digest=digests[0]))
    ledger.skip(order(2, model="abdomen", digest=digests[1]), "No reason.")
    models = Catalogue(tmp_path / "models", tmp_path).models
    assert versions_in_use(ledger) == {("abdomen", digests[0])}

    tidy(ledger, models, versions, 1)
    assert [versions.get("abdomen", digest) is not None for digest in digests] == [True, False, True, True]

    ledger.cancel(waiting.id)
    tidy(ledger, models, versions, 1)
    assert [versions.get("abdomen", digest) is not None for digest in digests] == [False, False, True, True]


def test_it_goes_on_by_itself(ledger: Ledger, versions: Versions, digests: tuple[str, ...]) -> None:
    follow(ledger, lambda: (), versions, 2)
    eventually(lambda: versions.get("abdomen", digests[0]) is None)

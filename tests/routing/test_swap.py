"""A folder takes the place of another: at once where the machine can, in two steps elsewhere, or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.routing import swap


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return made(tmp_path / "models" / "abdomen", "old")


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    return made(tmp_path / "models" / ".ready" / "abdomen", "new")


def made(folder: Path, card: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(card)
    return folder


def card(folder: Path) -> str:
    return (folder / "card.json").read_text()


def test_what_was_there_lies_where_the_new_one_was_made(place: Path, ready: Path) -> None:
    swap.put(ready, place)
    assert (card(place), card(ready)) == ("new", "old")


def test_an_empty_place_is_taken(place: Path, ready: Path) -> None:
    other = place.with_name("other")
    swap.put(ready, other)
    assert card(other) == "new"
    assert not ready.exists()


def test_at_no_instant_is_there_nothing(place: Path, ready: Path) -> None:
    """Who looks all the time, as fast as can be, while the two change places a thousand times."""
    if not swap.exchange(ready, place):
        pytest.skip("this file system can't exchange two names")
    seen: set[bool] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            seen.add((place / "card.json").exists())

    watcher = threading.Thread(target=look)
    watcher.start()
    for _ in range(1000):
        swap.put(ready, place)
    ended.set()
    watcher.join()
    assert seen == {True}


def test_where_two_names_can_not_be_exchanged_one_goes_after_the_other(
    place: Path, ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swap, "exchange", lambda _one, _other: False)
    swap.put(ready, place)
    assert (card(place), card(ready)) == ("new", "old")
    assert [path.name for path in ready.parent.iterdir()] == ["abdomen"]


def test_what_can_not_be_put_in_leaves_the_old_one_there(place: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        swap.put(place.with_name("nothing"), place)
    assert caught.value.sentence == (
        f"The folder abdomen can't be put into {place.parent} (No such file or directory); what was there stays. "
        "Look at its permissions and at the space that is left."
    )
    assert card(place) == "old"

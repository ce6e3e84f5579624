"""Kept versions: what is needed and the last few stay, the others go, also while others take them up."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.routing import versions as module
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.overlay import Overlay
from orthanc_plugin.routing.versions import NOTE, Versions
from tests.routing.cards import card_values, model_folder


class Served:
    """A model whose versions were served one after the other, a second apart."""

    def __init__(self, folder: Path) -> None:
        self.source = model_folder(folder / "models", "abdomen")
        self.versions = Versions(folder / "state")
        self.place = folder / "state" / "versions" / "abdomen"
        self._moments = 0

    def serve(self, version: str, **thresholds: float) -> str:
        (self.source / "card.json").write_text(json.dumps(card_values(version=version)))
        digest = self.versions.keep(self.source, Overlay(thresholds=thresholds)).digest
        self._moments += 1
        os.utime(self.place / digest / NOTE, (self._moments, self._moments))
        return digest

    @property
    def kept(self) -> set[str]:
        return {path.name for path in self.place.iterdir()}


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path)


def test_the_last_ones_before_the_present_one_stay(served: Served) -> None:
    first, second, third, fourth = (served.serve(f"{n}.0.0") for n in range(4))
    assert served.versions.tidy((), 2) == (("abdomen", first),)
    assert served.kept == {second, third, fourth}
    assert served.versions.get("abdomen", first) is None
    assert served.versions.tidy((), 2) == ()


def test_what_is_needed_stays_however_old(served: Served) -> None:
    first, second, third, fourth = (served.serve(f"{n}.0.0") for n in range(4))
    assert served.versions.tidy({("abdomen", first), ("other", second)}, 1) == (("abdomen", second),)
    assert served.kept == {first, third, fourth}


def test_a_site_s_thresholds_are_no_further_versions(served: Served) -> None:
    first, second = served.serve("1.0.0"), served.serve("2.0.0")
    changed = [served.serve("3.0.0", Liver=share) for share in (0.3, 0.4, 0.6)]
    assert served.versions.tidy((), 1) == (("abdomen", first),)
    assert served.kept == {second, *changed}
    before = served.versions.before("abdomen", served.source)
    assert before is not None
    assert before.digest == second


def test_a_version_that_was_taken_up_again_is_among_the_last(served: Served) -> None:
    first, second, third = (served.serve(f"{n}.0.0") for n in range(3))
    assert served.serve("0.0.0") == first
    served.versions.tidy((), 1)
    assert served.kept == {third, first}
    assert second not in served.kept


def test_one_that_is_taken_up_while_it_goes_comes_back(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    old, *_ = (served.serve(f"{n}.0.0") for n in range(3))
    rename = Path.rename

    def slow(path: Path, target: Path) -> Path:
        if path.name == old:
            os.utime(path / NOTE)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", slow)
    assert served.versions.tidy((), 1) == ()
    assert old in served.kept


def test_one_that_goes_while_it_is_taken_up_is_copied_anew(served: Served) -> None:
    old, *_ = (served.serve(f"{n}.0.0") for n in range(3))
    served.versions.tidy((), 1)
    assert served.serve("0.0.0") == old
    assert served.versions.get("abdomen", old) is not None


def test_what_a_process_that_was_ended_left_goes_as_well(served: Served) -> None:
    digest = served.serve("1.0.0")
    (served.place / f"{module.REMOVING}0000" / "abdomen").mkdir(parents=True)
    assert served.versions.tidy((), 1) == ()
    assert served.kept == {digest}


def test_what_can_not_be_removed_is_said(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        served.serve(f"{n}.0.0")

    def refuse(_path: Path, _target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(ConfigurationError) as caught:
        served.versions.tidy((), 1)
    assert caught.value.sentence == (
        f"Versions of models that nobody needs any more can't be removed from {served.place.parent} "
        "(Permission denied); correct its permissions."
    )


def test_without_any_version_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert Versions(tmp_path).tidy((), 1) == ()


def test_one_that_goes_while_it_is_read_is_not_there(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    old, *_ = (served.serve(f"{n}.0.0") for n in range(3))
    read = module.read

    def late(folder: Path) -> Model:
        served.versions.tidy((), 1)
        return read(folder)

    monkeypatch.setattr(module, "read", late)
    assert served.versions.get("abdomen", old) is None

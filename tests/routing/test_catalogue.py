"""The catalogue: good models run, bad ones are said, changes are taken up, versions stay."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from orthanc_plugin.errors import ConfigurationError, Unsuitable
from orthanc_plugin.routing import folder
from orthanc_plugin.routing.catalogue import LOOK_EVERY_S, Catalogue
from orthanc_plugin.routing.folder import folder_digest
from orthanc_plugin.routing.overlay import Canary, Overlay, effective
from orthanc_plugin.routing.versions import NOTE, Versions, rollback
from tests.routing.cards import card, card_values, classes, model_folder


class Site:
    """A models folder and a state folder that a catalogue watches; time goes by when the test says so."""

    def __init__(self, folder: Path) -> None:
        self.models, self.state = folder / "models", folder / "state"
        self.now_s = 0.0
        self.faults: dict[str, str] = {}
        self.models.mkdir()
        (self.state / "overlays").mkdir(parents=True)

    def open(self) -> Catalogue:
        return Catalogue(
            self.models, self.state, refused=lambda digest: self.faults.get(digest, ""), clock=lambda: self.now_s
        )

    def rest(self, catalogue: Catalogue) -> None:
        """Two looks: what is the same at both is taken up."""
        for _ in range(2):
            self.now_s += LOOK_EVERY_S
            assert catalogue.models is not None

    def release(self, version: str, name: str = "abdomen") -> str:
        folder = self.models / name
        if not folder.exists():
            model_folder(self.models, name)
        (folder / "card.json").write_text(json.dumps(card_values(name=name, version=version)))
        return folder_digest(folder)

    def overlay(self, **values: Any) -> None:
        (self.state / "overlays" / "abdomen.json").write_text(json.dumps(values))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def versions(catalogue: Catalogue) -> list[str]:
    return [model.card.version for model in catalogue.models]


def test_models_come_in_the_order_of_their_names_and_by_name(tmp_path: Path) -> None:
    model_folder(tmp_path, "thorax")
    model_folder(tmp_path, "abdomen")
    catalogue = Catalogue(tmp_path)
    assert [model.card.name for model in catalogue.models] == ["abdomen", "thorax"]
    assert catalogue.model("thorax").card.name == "thorax"
    assert catalogue.problems == ()


def test_a_bad_model_is_a_problem_and_the_others_go_on(tmp_path: Path) -> None:
    model_folder(tmp_path, "abdomen")
    (tmp_path / "broken").mkdir()
    (tmp_path / ".half-copied").mkdir()
    (tmp_path / "README.md").write_text("not a model")
    catalogue = Catalogue(tmp_path)
    assert [model.card.name for model in catalogue.models] == ["abdomen"]
    assert catalogue.problems == ("The model folder broken has no card.json; add one or remove it.",)


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "models")
    assert catalogue.models == ()
    assert catalogue.problems == (
        f"The models folder {tmp_path}/models can't be read (No such file or directory); "
        "create it or correct ModelsFolder.",
    )


def test_an_unknown_name_is_an_error_that_names_the_known(tmp_path: Path) -> None:
    model_folder(tmp_path, "abdomen")
    with pytest.raises(ConfigurationError) as caught:
        Catalogue(tmp_path).model("liver")
    assert caught.value.sentence == "No model is called liver; installed: abdomen."
    with pytest.raises(ConfigurationError) as caught:
        Catalogue(tmp_path / "abdomen" / "none").model("liver")
    assert caught.value.sentence == "No model is called liver; installed: none."


class TestHotSwap:
    def test_what_is_added_changed_and_removed_is_taken_up(self, site: Site) -> None:
        catalogue = site.open()
        assert versions(catalogue) == []
        site.release("1.0.0")
        site.rest(catalogue)
        assert versions(catalogue) == ["1.0.0"]
        second = site.release("2.0.0")
        site.rest(catalogue)
        assert [model.digest for model in catalogue.models] == [second]
        shutil.rmtree(site.models / "abdomen")
        site.rest(catalogue)
        assert (versions(catalogue), catalogue.problems) == ([], ())

    def test_a_copy_that_is_under_way_is_left_alone(self, site: Site) -> None:
        site.release("1.0.0")
        catalogue = site.open()
        graph = site.models / "abdomen" / "model.onnx"
        for size in range(1, 4):
            graph.write_bytes(b"g" * size)
            site.now_s += LOOK_EVERY_S
            assert [(model.folder / "model.onnx").read_bytes() for model in catalogue.models] == [b"graph of abdomen"]
        site.now_s += LOOK_EVERY_S
        assert [(model.folder / "model.onnx").read_bytes() for model in catalogue.models] == [b"ggg"]

    def test_a_change_to_the_bad_is_a_problem_and_a_mended_one_runs_again(self, site: Site) -> None:
        site.release("1.0.0")
        catalogue = site.open()
        card = site.models / "abdomen" / "card.json"
        card.write_text("{}")
        site.rest(catalogue)
        assert versions(catalogue) == []
        assert catalogue.problems == (
            "The card of the model abdomen is wrong at card_version: Field required; correct card.json.",
        )
        site.release("1.0.1")
        site.rest(catalogue)
        assert (versions(catalogue), catalogue.problems) == (["1.0.1"], ())

    def test_while_the_models_folder_is_away_what_was_served_stays(self, site: Site) -> None:
        site.release("1.0.0")
        catalogue = site.open()
        site.models.rename(site.models.with_name("elsewhere"))
        site.rest(catalogue)
        assert versions(catalogue) == ["1.0.0"]
        assert catalogue.problems == (
            f"The models folder {site.models} can't be read (No such file or directory); "
            "create it or correct ModelsFolder.",
        )

    def test_a_look_reads_no_file_that_has_not_changed(self, site: Site) -> None:
        site.release("1.0.0")
        catalogue = site.open()
        before = catalogue.models
        site.rest(catalogue)
        assert all(now is then for now, then in zip(catalogue.models, before, strict=True))

    def test_a_graph_that_was_tried_in_vain_is_a_problem(self, site: Site) -> None:
        digest = site.release("1.0.0")
        catalogue = site.open()
        site.faults[digest] = "The graph model.onnx does not run."
        site.rest(catalogue)
        assert (catalogue.models, catalogue.problems) == ((), ("The graph model.onnx does not run.",))


class TestVersions:
    def test_a_job_ends_with_the_version_that_it_was_made_for(self, site: Site) -> None:
        first = site.release("1.0.0")
        catalogue = site.open()
        site.release("2.0.0")
        site.rest(catalogue)
        old = catalogue.model("abdomen", first)
        assert (old.card.version, old.digest, folder_digest(old.folder)) == ("1.0.0", first, first)
        assert catalogue.model("abdomen").card.version == "2.0.0"
        assert site.open().model("abdomen", first).card.version == "1.0.0", "after a restart as well"

    def test_a_running_job_reads_a_folder_that_nobody_changes(self, site: Site) -> None:
        site.release("1.0.0")
        model = site.open().model("abdomen")
        shutil.rmtree(site.models / "abdomen")
        assert (model.folder / "model.onnx").read_bytes() == b"graph of abdomen"

    def test_a_version_that_is_not_kept_here(self, site: Site) -> None:
        site.release("1.0.0")
        with pytest.raises(Unsuitable) as caught:
            site.open().model("abdomen", "0" * 64)
        assert caught.value.sentence == (
            "The version 000000000000 of the model abdomen is not kept on this machine; "
            "run the series again to use the version that is installed."
        )

    def test_a_version_that_was_changed_is_refused(self, site: Site) -> None:
        first = site.release("1.0.0")
        kept = site.open().model("abdomen").folder
        site.release("2.0.0")
        (kept / "model.onnx").write_bytes(b"another's")
        with pytest.raises(ConfigurationError) as caught:
            site.open().model("abdomen", first)
        assert caught.value.sentence == (
            f"The version {first[:12]} of the model abdomen was changed in {site.state}/versions; run the series anew."
        )

    def test_rollback_puts_the_version_before_back_and_again_the_other(self, site: Site) -> None:
        site.release("1.0.0")
        catalogue = site.open()
        site.release("2.0.0")
        site.rest(catalogue)
        assert rollback("abdomen", site.models, site.state).card.version == "1.0.0"
        site.rest(catalogue)
        assert versions(catalogue) == ["1.0.0"]
        assert rollback("abdomen", site.models, site.state).card.version == "2.0.0"
        assert [path.name for path in site.models.iterdir()] == ["abdomen"]

    def test_there_is_nothing_to_put_back(self, site: Site) -> None:
        with pytest.raises(ConfigurationError) as caught:
            rollback("abdomen", site.models, site.state)
        assert caught.value.sentence == f"There is no model abdomen in {site.models}; nothing was put back."
        site.release("1.0.0")
        with pytest.raises(ConfigurationError) as caught:
            rollback("abdomen", site.models, site.state)
        assert caught.value.sentence == (
            "No earlier version of the model abdomen was ever served here; nothing was put back."
        )

    def test_a_version_that_was_removed_is_not_served_from_memory(self, site: Site) -> None:
        old = site.release("1.0.0")
        catalogue = site.open()
        os.utime(site.state / "versions" / "abdomen" / old / NOTE, (1, 1))
        for version in ("2.0.0", "3.0.0"):
            site.release(version)
            site.rest(catalogue)
        assert catalogue.model("abdomen", old).card.version == "1.0.0"
        assert Versions(site.state).tidy((), 1) == (("abdomen", old),)
        with pytest.raises(Unsuitable) as caught:
            catalogue.model("abdomen", old)
        assert caught.value.sentence == (
            f"The version {old[:12]} of the model abdomen is not kept on this machine; "
            "run the series again to use the version that is installed."
        )

    def test_a_file_that_can_not_be_read_is_said(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_folder: Path) -> str:
            raise PermissionError(13, "Permission denied")

        site.release("1.0.0")
        monkeypatch.setattr(folder, "folder_digest", refuse)
        assert site.open().problems == (
            "A file of the model abdomen can't be read (Permission denied); correct its permissions.",
        )

    def test_who_only_looks_keeps_nothing(self, site: Site) -> None:
        site.release("1.0.0")
        assert versions(Catalogue(site.models, site.state, keeps=False)) == ["1.0.0"]
        assert not (site.state / "versions").exists()

    def test_without_room_for_versions_the_model_runs_and_it_is_said(self, site: Site) -> None:
        site.release("1.0.0")
        (site.state / "versions").write_text("no folder")
        catalogue = site.open()
        assert versions(catalogue) == ["1.0.0"]
        assert catalogue.problems == (
            f"The version of the model abdomen can't be kept in {site.state}/versions (Not a directory); "
            "it runs without, and a job that is under way when its folder changes is lost. Free some space there.",
        )


class TestOverlay:
    def test_a_threshold_is_part_of_the_card_and_of_the_digest(self, site: Site) -> None:
        plain = site.release("1.0.0")
        site.overlay(thresholds={"Liver": 0.7})
        model = site.open().model("abdomen")
        assert [segment.threshold for segment in model.card.segments] == [0.7, 0.5]
        assert model.digest != plain
        again = site.open().model("abdomen", model.digest)
        assert (again.digest, again.card) == (model.digest, model.card)

    def test_its_version_shares_the_files_of_the_folder_s(self, site: Site) -> None:
        site.release("1.0.0")
        catalogue = site.open()
        first = catalogue.model("abdomen")
        site.overlay(thresholds={"Liver": 0.7})
        site.rest(catalogue)
        second = catalogue.model("abdomen")
        assert (first.folder / "model.onnx").samefile(second.folder / "model.onnx")

    @pytest.mark.parametrize("values", [{}, {"thresholds": {"Liver": 0.5}}, {"switch": "shadow"}])
    def test_what_changes_no_result_changes_no_digest(self, site: Site, values: dict[str, Any]) -> None:
        plain = site.release("1.0.0")
        site.overlay(**values)
        assert site.open().model("abdomen").digest == plain

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            (
                {"thresholds": {"Kidney": 0.5}},
                "The overlay of the model abdomen sets a threshold for Kidney, which the model lacks; "
                "it has Liver, Spleen.",
            ),
            (
                {"thresholds": {"Liver": 1.5}},
                "The overlay of the model abdomen is wrong at thresholds.Liver: Input should be less than 1; "
                "correct overlays/abdomen.json.",
            ),
            (
                {"swich": "off"},
                "The overlay of the model abdomen is wrong at swich: Extra inputs are not permitted; "
                "correct overlays/abdomen.json.",
            ),
        ],
    )
    def test_an_overlay_that_is_wrong(self, site: Site, values: dict[str, Any], sentence: str) -> None:
        site.release("1.0.0")
        site.overlay(**values)
        catalogue = site.open()
        assert (catalogue.models, catalogue.problems) == ((), (sentence,))

    def test_a_threshold_leaves_the_band_of_its_class_where_it_is(self) -> None:
        overlay = Overlay(thresholds={"Cyst": 0.7})
        with pytest.raises(ConfigurationError) as refusal:
            effective(card(outputs=classes(undetermined=[0.4, 0.6])), overlay)
        assert refusal.value.sentence == (
            "The overlay of the model abdomen sets a threshold of 0.7 for Cyst, which the card leaves undetermined "
            "from 0.4 to 0.6; choose one within."
        )


class TestSwitch:
    STUDIES = tuple(f"1.2.{number}" for number in range(200))

    def test_what_is_off_is_installed_and_not_served(self, site: Site) -> None:
        site.release("1.0.0")
        site.overlay(switch="off")
        catalogue = site.open()
        assert (versions(catalogue), catalogue.serving("1.2.3")) == (["1.0.0"], ())
        site.overlay(switch="on")
        site.rest(catalogue)
        assert len(catalogue.serving("1.2.3")) == 1

    def test_a_shadow_is_served_as_such(self, site: Site) -> None:
        site.release("1.0.0")
        site.overlay(switch="shadow")
        assert [model.switch for model in site.open().serving("1.2.3")] == ["shadow"]

    def test_a_canary_gets_its_share_of_the_studies_and_always_the_same(self, site: Site) -> None:
        site.release("1.0.0")
        site.open()
        site.release("2.0.0")
        site.overlay(switch={"canary": 0.25})
        catalogue = site.open()
        assert catalogue.model("abdomen").switch == Canary(canary=0.25)
        served = [catalogue.serving(study)[0].card.version for study in self.STUDIES]
        assert 30 < served.count("2.0.0") < 70
        assert served.count("1.0.0") == 200 - served.count("2.0.0")
        assert served == [site.open().serving(study)[0].card.version for study in self.STUDIES]

    def test_a_canary_without_a_version_before_serves_all(self, site: Site) -> None:
        site.release("1.0.0")
        site.overlay(switch={"canary": 0.25})
        assert {site.open().serving(study)[0].card.version for study in self.STUDIES[:20]} == {"1.0.0"}

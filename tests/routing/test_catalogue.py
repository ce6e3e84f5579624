"""The catalogue: good models run, bad ones are said, nothing stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.routing.catalogue import Catalogue
from tests.routing.cards import model_folder


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

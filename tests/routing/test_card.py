"""Cards: what is accepted, and the sentence for what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.routing.card import folder_digest, read
from tests.routing.cards import card_values, model_folder

SHIPPED = Path(__file__).resolve().parents[2] / "onnx_models"


def refusal(folder: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(folder)
    return caught.value.sentence


def rewritten(folder: Path, **changes: Any) -> Path:
    (folder / "card.json").write_text(json.dumps(card_values(**changes)))
    return folder


def test_a_good_folder_is_a_model_with_its_graphs(tmp_path: Path) -> None:
    model = read(model_folder(tmp_path))
    assert model.card.title == "Abdomen"
    assert model.graph(model.card.stage("only")) == tmp_path / "abdomen" / "model.onnx"


def test_the_digest_covers_every_file_and_its_name(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    before = folder_digest(folder)
    (folder / "README.md").write_text("what it is")
    with_readme = folder_digest(folder)
    (folder / "README.md").rename(folder / "README.txt")
    assert len({before, with_readme, folder_digest(folder)}) == 3
    (folder / "README.txt").unlink()
    assert folder_digest(folder) == before


def test_a_folder_without_a_card(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty") == "The model folder empty has no card.json; add one or remove it."


def test_a_card_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "odd" / "card.json").mkdir(parents=True)
    assert refusal(tmp_path / "odd") == (
        "The card of the model odd can't be read (Is a directory); correct its permissions."
    )


def test_a_card_that_is_not_json(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    (folder / "card.json").write_text("{")
    assert refusal(folder) == (
        "The card of the model abdomen is wrong: "
        "Invalid JSON: EOF while parsing an object at line 1 column 1; correct card.json."
    )


def test_an_unknown_key(tmp_path: Path) -> None:
    folder = rewritten(model_folder(tmp_path), treshold=0.5)
    assert refusal(folder) == (
        "The card of the model abdomen is wrong at treshold: Extra inputs are not permitted; correct card.json."
    )


def test_a_modality_in_lower_case_could_never_match(tmp_path: Path) -> None:
    folder = rewritten(model_folder(tmp_path), applies={"modality": ["ct"], "body_part": ["ABDOMEN"]})
    assert refusal(folder) == (
        "The card of the model abdomen is wrong at applies.modality.0: "
        "String should match pattern '^[A-Z0-9_ ]{1,16}$'; correct card.json."
    )


def test_two_stages_of_one_name(tmp_path: Path) -> None:
    folder = rewritten(model_folder(tmp_path), stages=card_values()["stages"] * 2)
    assert refusal(folder) == (
        "The card of the model abdomen is wrong: two stages have the same name; correct card.json."
    )


def test_a_model_that_is_not_clinical_says_so(tmp_path: Path) -> None:
    folder = rewritten(model_folder(tmp_path), notice="")
    assert refusal(folder) == (
        "The card of the model abdomen is wrong: "
        "a model that is not for clinical use states its notice; correct card.json."
    )


def test_a_name_that_is_not_the_folders(tmp_path: Path) -> None:
    folder = model_folder(tmp_path).rename(tmp_path / "thorax")
    assert refusal(folder) == (
        "The card in the folder thorax is named abdomen; folder and card must have the same name."
    )


@pytest.mark.parametrize("file", ["missing.onnx", "../outside.onnx"])
def test_a_graph_that_the_folder_lacks(tmp_path: Path, file: str) -> None:
    (tmp_path / "outside.onnx").write_bytes(b"another's")
    folder = rewritten(model_folder(tmp_path), stages=[card_values()["stages"][0] | {"file": file}])
    assert refusal(folder) == (f"The model abdomen names the graph {file}, which its folder lacks; correct card.json.")


def test_a_stage_that_the_card_lacks(tmp_path: Path) -> None:
    model = read(model_folder(tmp_path))
    with pytest.raises(ConfigurationError) as caught:
        model.card.stage("level")
    assert caught.value.sentence == "The card of the model abdomen lacks the stage level; correct card.json."


def test_the_shipped_cards_are_right() -> None:
    for path in sorted(SHIPPED.glob("*/card.json")):
        graphs = [path.parent / stage["file"] for stage in json.loads(path.read_text())["stages"]]
        if all(graph.is_file() for graph in graphs):
            assert read(path.parent).card.name == path.parent.name

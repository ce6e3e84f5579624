import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.check import check
from orthanc_plugin.routing.folder import folder_digest
from tests.inference.graphs import write_channels


def sentences(folder: Path, device: Device) -> list[str]:
    return [finding.sentence for finding in check(folder, device) if not finding.well]


def change(folder: Path, changing: Callable[[Any], None]) -> None:
    card = json.loads((folder / "card.json").read_text())
    changing(card)
    (folder / "card.json").write_text(json.dumps(card))


def test_a_model_that_is_right_says_so(bright: Path, device: Device) -> None:
    assert [(finding.well, finding.sentence) for finding in check(bright, device)] == [
        (True, f"The card of Of the tests 1.0.0 is right; digest {folder_digest(bright)}."),
        (True, "The graph model.onnx runs on cpu and answers as the card says."),
    ]


def test_all_that_is_open_or_wrong_in_a_card_is_said_at_once(bright: Path, device: Device) -> None:
    def spoil(card: Any) -> None:
        card |= {"licence": None, "applies": {"all": [{"tag": "Modality", "in": None}]}, "colour": "blue"}
        card["stages"][0] |= {"intensity": None}
        card["outputs"]["segments"]["items"][0] |= {"property": None}
        del card["version"]

    change(bright, spoil)

    assert sentences(bright, device) == [
        "The card is wrong at version: Field required; correct card.json.",
        "The card leaves licence open (null); state it in card.json.",
        "The card leaves applies.all.0.in open (null); state it in card.json.",
        "The card leaves stages.0.intensity open (null); state it in card.json.",
        "The card leaves outputs.segments.items.0.property open (null); state it in card.json.",
        "The card is wrong at colour: Extra inputs are not permitted; correct card.json.",
    ]


def test_what_contradicts_itself_is_said(bright: Path, device: Device) -> None:
    change(bright, lambda card: card["outputs"]["segments"].update(steps=[]))
    (said,) = sentences(bright, device)
    assert said == (
        "The card is wrong at outputs.segments: the steps hold one of likeliest and threshold, once; correct card.json."
    )


@pytest.mark.parametrize(("content", "sentence"), [(None, "has no card.json; write one"), ("{", "is not JSON")])
def test_a_folder_without_a_card(content: str | None, sentence: str, bright: Path, device: Device) -> None:
    (bright / "card.json").unlink()
    if content is not None:
        (bright / "card.json").write_text(content)
    (said,) = sentences(bright, device)
    assert sentence in said


def test_a_folder_of_another_name_and_a_graph_that_is_missing(bright: Path, device: Device) -> None:
    other = bright.rename(bright.with_name("other"))
    assert sentences(other, device) == [
        "The card in the folder other is named bright; folder and card must have the same name."
    ]
    folder = other.rename(bright)
    (folder / "model.onnx").unlink()
    assert sentences(folder, device) == [
        "The model bright names the graph model.onnx, which its folder lacks; correct card.json."
    ]


def test_links_are_refused(bright: Path, device: Device, tmp_path: Path) -> None:
    (bright / "model.onnx").rename(tmp_path / "elsewhere.onnx")
    (bright / "model.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    assert sentences(bright, device) == ["model.onnx is a link; put the file itself into the folder."]


def test_a_graph_that_answers_otherwise_than_its_card(bright: Path, device: Device) -> None:
    write_channels(bright / "model.onnx", [1.0, 2.0])
    assert sentences(bright, device) == [
        "The output probability of model.onnx has the shape [1, 2, 16, 16], the card asks for [1, 1, 16, 16]; "
        "correct card.json or export the network anew."
    ]


def test_a_map_of_fewer_channels_than_its_card_says(bright: Path, device: Device) -> None:
    coded = {"value": "1", "scheme": "99TEST", "meaning": "One"}
    source = {"stage": "only", "output": "probability"}
    wanted = {"label": "Sure", "quantity": coded, "unit": coded, "from": source, "channels": 2}
    change(bright, lambda card: card["outputs"].update(maps=[wanted]))
    assert sentences(bright, device) == [
        "The output probability of model.onnx has the shape [1, 1, 16, 16], the card asks for [1, 2, 16, 16]; "
        "correct card.json or export the network anew."
    ]


def test_a_graph_that_is_not_finite(bright: Path, device: Device) -> None:
    write_channels(bright / "model.onnx", [float("nan")])
    assert sentences(bright, device) == [
        "The output probability of model.onnx is not finite on a blank image; look at how the network was exported."
    ]


def test_an_input_of_another_name(bright: Path, device: Device) -> None:
    change(bright, lambda card: card["stages"][0].update(input="image"))
    assert sentences(bright, device) == ["The graph model.onnx of bright takes hu, where its card says image."]


def test_a_file_that_is_no_graph(bright: Path, device: Device) -> None:
    (bright / "model.onnx").write_bytes(b"nothing of the kind")
    (said,) = sentences(bright, device)
    assert said.startswith("The graph model.onnx of bright ")

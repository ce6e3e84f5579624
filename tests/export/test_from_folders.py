import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from export.body_region.model import RegionNet
from export.from_folders.__main__ import main, stage_of
from export.from_folders.features import Features
from export.from_folders.images import collect
from export.from_folders.network import transferred
from orthanc_plugin.models.card_file import wrongs
from tests.export.radiographs import LABELS, write_dicom, write_png
from tests.inference.graphs import write_doubler

SIZE = 64


def folders(root: Path, images: int = 20) -> Path:
    """Half of each label as pictures, half as DICOM."""
    for label in LABELS:
        for seed in range(images):
            write, ending = (write_png, "png") if seed % 2 else (write_dicom, "dcm")
            write(label, seed, root / label / f"{seed}.{ending}", SIZE)
    return root


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["from_folders", *map(str, arguments), "--size", str(SIZE)])
    return main()


def card(folder: Path) -> Any:
    return json.loads((folder / "card.json").read_text())


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def trained(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models") / "lungs"
    with pytest.MonkeyPatch.context() as patched:
        assert command(patched, images, "--out", out, "--epochs", 25, "--body-part", "chest", "--title", "Lungs") == 0
    return out


def test_two_folders_become_a_model_that_tells_them_apart(trained: Path) -> None:
    assert wrongs(trained) == ()
    written = card(trained)
    assert written["applies"] == {"all": [{"tag": "Modality", "in": ["CR"]}, {"body_part": ["chest"]}]}
    assert [item["label"] for item in written["outputs"]["classes"]["items"]] == ["lung cancer", "pneumonia"]
    assert written["outputs"]["classes"]["items"][0]["code"]["value"] == "lung-cancer"
    assert written["trained_on"] == (
        "40 images (20 of lung cancer, 20 of pneumonia) of 40 sources, one folder a label."
    )
    (figure,) = written["figures"]
    assert figure["value"] >= 0.75
    assert figure["data"] == "8 images of other patients than it learned from, out of the same folders"


def test_the_activation_map_adds_up_to_the_score(trained: Path, tmp_path: Path) -> None:
    stage = stage_of(SIZE)
    for seed in range(4):
        write_png("lung cancer", 100 + seed, tmp_path / f"x/a/{seed}.png", SIZE)
        write_png("lung cancer", 200 + seed, tmp_path / f"x/b/{seed}.png", SIZE)
    pixels = np.stack([sample.pixels for sample in collect(tmp_path / "x", stage).samples])
    session = onnxruntime.InferenceSession(trained / "model.onnx", providers=["CPUExecutionProvider"])
    scores, heat = session.run(["scores", "heat"], {"image": pixels})
    assert scores.shape == (8, 2)
    assert heat.shape == (8, 2, 4, 4)
    np.testing.assert_allclose(np.asarray(heat).mean(axis=(2, 3)), scores, atol=1e-4)
    assert (np.argmax(scores, axis=1) == 0).mean() >= 0.75


def test_features_are_taken_over_from_an_exported_model(trained: Path) -> None:
    one, other = (transferred(trained / "model.onnx", classes).network for classes in (2, 3))
    given = {entry.name: numpy_helper.to_array(entry) for entry in onnx.load(trained / "model.onnx").graph.initializer}
    for network in (one, other):
        features = network.features.state_dict()
        assert features
        for name, values in features.items():
            np.testing.assert_array_equal(values.numpy(), given[f"features.{name}"])
    assert other.head.out_channels == 3


def test_features_are_taken_over_from_the_classifier_of_regions(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    region = RegionNet((4, 8, 32)).eval()
    for layer in region.features.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.uniform_(-1, 1)
    (tmp_path / "region").mkdir()
    graph = tmp_path / "region/model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(region, (torch.zeros(1, 1, 128, 128),), str(graph), opset_version=17, dynamo=False)

    network = transferred(graph, 2).network

    image = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        ours, theirs = network.features(image), region.features(image * 2 - 1)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-5)
    arguments = (images, "--out", tmp_path / "again", "--epochs", 1, "--transfer", tmp_path / "region")
    assert command(monkeypatch, *arguments) == 0
    assert isinstance(transferred(tmp_path / "again/model.onnx", 2).network.features, Features)


def test_what_the_images_do_not_say_is_left_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for label in ("a", "b"):
        for seed in range(5):
            write_png(LABELS[0], seed, tmp_path / "images" / label / f"{seed}.png", SIZE)
    code = "a=233604007,SCT,Pneumonia"

    assert command(monkeypatch, tmp_path / "images", "--out", tmp_path / "m", "--epochs", 1, "--code", code) == 0

    assert wrongs(tmp_path / "m") == (
        "The card leaves applies.all.0.in open (null); state it in card.json.",
        "The card leaves applies.all.1.body_part open (null); state it in card.json.",
    )
    item = card(tmp_path / "m")["outputs"]["classes"]["items"][0]
    assert item["code"] == {"value": "233604007", "scheme": "SCT", "meaning": "Pneumonia"}


def test_images_of_one_patient_stay_on_one_side(tmp_path: Path) -> None:
    for label in LABELS:
        for seed in range(8):
            write_dicom(label, seed // 2, tmp_path / label / f"{seed}.dcm", SIZE)
    learn, judge = collect(tmp_path, stage_of(SIZE)).split()
    assert len(learn) + len(judge) == 16
    assert not {sample.source for sample in learn} & {sample.source for sample in judge}
    assert {sample.label for sample in judge} == {0, 1}


def test_files_that_can_not_be_read_are_named_and_passed_over(images: Path, tmp_path: Path) -> None:
    folders(tmp_path, images=4)
    (tmp_path / "pneumonia/broken.png").write_bytes(b"no picture")
    (tmp_path / "pneumonia/notes.txt").write_text("not DICOM")
    collection = collect(tmp_path, stage_of(SIZE))
    assert len(collection.samples) == 8
    assert [sentence.partition(":")[0] for sentence in collection.passed_over] == [
        "pneumonia/broken.png",
        "pneumonia/notes.txt",
    ]


def test_the_same_folders_give_the_same_network(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        assert command(monkeypatch, images, "--out", tmp_path / name, "--epochs", 1) == 0
    assert (tmp_path / "one/model.onnx").read_bytes() == (tmp_path / "two/model.onnx").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("EMPTY",), "EMPTY holds 0 folders; put the images of each label into a folder named as it.\n"),
        (("FEW",), "The folder pneumonia has 2 images that can be read; at least 4 are needed.\n"),
        (("GOOD", "--code", "x=1,SCT,X"), "There is no folder x that a code could be for.\n"),
        (("GOOD", "--code", "x"), 'x is no code; write "LABEL=VALUE,SCHEME,MEANING".\n'),
        (
            ("GOOD", "--transfer", "none"),
            "There is no model none with a graph; name one of the catalogue or its folder.\n",
        ),
        (
            ("GOOD", "--transfer", "OTHER"),
            "The network of OTHER has no convolution whose weights could be taken over; name another.\n",
        ),
    ],
)
def test_what_can_not_be_learned_from(
    arguments: tuple[str, ...],
    sentence: str,
    images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EMPTY").mkdir()
    (tmp_path / "GOOD").symlink_to(images)
    for label, count in zip(LABELS, (4, 2), strict=True):
        for seed in range(count):
            write_png(label, seed, tmp_path / "FEW" / label / f"{seed}.png", SIZE)
    (tmp_path / "OTHER").mkdir()
    write_doubler(tmp_path / "OTHER/model.onnx")

    assert command(monkeypatch, *arguments, "--out", tmp_path / "out", "--epochs", 1) == 1

    assert capsys.readouterr().err == sentence


def test_training_begins_with_a_model_of_the_catalogue_and_says_what_it_left_behind(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (images, "--out", tmp_path / "lungs", "--epochs", 1, "--transfer", "abdominal-muscle-ct")
    assert command(monkeypatch, *arguments) == 0

    taken, left, _ = capsys.readouterr().out.splitlines()
    assert taken.startswith("taken over from abdominal-muscle-ct: network.unet.encoder.")
    assert left.startswith("not taken over: ")
    assert "network.head.0.weight" in left
    assert card(tmp_path / "lungs")["trained_on"].endswith(" Begun with the network of abdominal-muscle-ct.")
    again = transferred(tmp_path / "lungs/model.onnx", 3)
    assert isinstance(again.network.features, Features)
    assert not {"head.weight", "head.bias"} & set(again.taken)

"""The classifier of chest radiographs: data of three kinds, a training that goes on, a graph that turns images."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pydicom
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from torch import Tensor

from export.checkpoints import SettingsError
from export.chest_findings_cxr import report, trial
from export.chest_findings_cxr import train as training
from export.chest_findings_cxr.calibrate import auc, threshold
from export.chest_findings_cxr.data import Part, cells_of, laid, parts_of, placed, split, varied
from export.chest_findings_cxr.export import (
    CARD,
    FOLDER,
    OUTPUTS,
    Trained,
    export_network,
    load_trained,
    write_card,
)
from export.chest_findings_cxr.model import TURNS, Served, build_network, turned
from export.chest_findings_cxr.settings import Settings, read_settings
from export.chest_findings_cxr.sources import PhantomEntry, Study, entries_of
from export.chest_findings_cxr.train import places_loss, train
from export.phantoms.chest import FINDINGS
from export.phantoms.chest.dicom import write_study
from export.strangeness import Strangeness
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.trial import attempt
from orthanc_plugin.routing.card import Card

STANDARD = Path(__file__).parents[2] / "export" / "chest_findings_cxr" / "configs" / "standard.json"
TINY = Settings(
    name="tiny", seed=5, rows=64, growth=4, pyramid=8, train=10, validation=6, beside=6, epochs=2, batch=5,
    learning_rate=0.002, weight_decay=0.01, rare_weight_most=4.0,
)  # fmt: skip


class PowerCut(Exception):
    pass


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chest")
    parts_of(TINY, "phantoms", folder)
    return folder


@pytest.fixture(scope="module")
def checkpoint(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(TINY, "phantoms", tmp_path_factory.mktemp("whole"), cache)


def test_an_unknown_key_of_a_configuration_is_refused(tmp_path: Path) -> None:
    raw = json.loads(STANDARD.read_text()) | {"epoch": 3}
    (tmp_path / "odd.json").write_text(json.dumps(raw))
    with pytest.raises(ValidationError, match="epoch"):
        read_settings(tmp_path / "odd.json")


def test_no_patient_is_in_two_parts() -> None:
    entries = [PhantomEntry(seed) for seed in range(40)]
    parts = split(entries, TINY)
    assert sorted(len(part) for part in parts) == [15, 25]
    assert len({entry.patient for part in parts for entry in part}) == 40
    assert split(entries, TINY) == parts


def test_an_interrupted_training_goes_on_as_if_nothing_had_been(
    tmp_path: Path, cache: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = training._save

    def save_then_fail(*arguments: object) -> None:
        save(*arguments)  # type: ignore[arg-type]
        raise PowerCut

    monkeypatch.setattr(training, "_save", save_then_fail)
    with pytest.raises(PowerCut):
        train(TINY, "phantoms", tmp_path, cache)
    monkeypatch.setattr(training, "_save", save)
    again = train(TINY, "phantoms", tmp_path, cache)
    states = [torch.load(path, weights_only=True) for path in (checkpoint, again)]
    assert states[0]["epochs"] == states[1]["epochs"] == 2
    for name, weights in states[0]["network"].items():
        torch.testing.assert_close(weights, states[1]["network"][name], msg=name)


def test_a_checkpoint_of_other_settings_is_not_taken(cache: Path, checkpoint: Path) -> None:
    other = TINY.model_copy(update={"learning_rate": 0.1})
    with pytest.raises(SettingsError) as refused:
        train(other, "phantoms", checkpoint.parent, cache)
    assert str(refused.value) == (
        f"{checkpoint} was trained with another configuration; give another --out or remove it."
    )


def test_the_graph_says_what_torch_says(checkpoint: Path, tmp_path: Path) -> None:
    trained = load_trained(checkpoint)
    assert len(trained.thresholds) == len(FINDINGS)
    assert export_network(trained, tmp_path / "model.onnx") < 1e-2
    write_card(trained, tmp_path / "card.json")
    card = Card.model_validate_json((tmp_path / "card.json").read_text())
    assert card.outputs.classes is not None
    assert tuple(item.threshold for item in card.outputs.classes.items) == trained.thresholds
    assert (card.stages[0].outputs, card.stages[0].rows) == (OUTPUTS, 64)


def test_the_card_speaks_of_the_findings_in_their_order() -> None:
    items = json.loads(CARD.read_text())["outputs"]["classes"]["items"]
    assert tuple(item["label"].lower() for item in items) == FINDINGS


def served(quarters: int, inverted: bool, *, frontal: bool = True) -> Served:
    """A network that says of every image that it lies so."""
    torch.manual_seed(0)
    network = build_network(TINY).eval()
    head = network.posture.head
    torch.nn.init.zeros_(head.weight)
    with torch.no_grad():
        turns = [float(turn == quarters) for turn in range(TURNS)]
        head.bias.copy_(torch.tensor([*turns, 1.0 if inverted else -1.0, 3.0 if frontal else -3.0]))
    return Served(network, Strangeness(32 * TINY.growth * 2 + 13, 4)).eval()


@pytest.mark.parametrize(("quarters", "inverted"), [(0, False), (1, False), (2, True), (3, True)])
def test_an_image_that_lies_otherwise_is_judged_as_if_upright_and_its_maps_lie_as_it_does(
    quarters: int, inverted: bool
) -> None:
    image = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    lies = torch.rot90(1 - image if inverted else image, -quarters, (2, 3))
    with torch.inference_mode():
        upright, other = served(0, False)(image), served(quarters, inverted)(lies)
    torch.testing.assert_close(other[0], upright[0], atol=2e-2, rtol=0)
    assert other[4].tolist() == [quarters] * 2 and other[5].tolist() == [float(inverted)] * 2
    back = torch.rot90(other[1], quarters, (2, 3))
    assert (back - upright[1]).abs().mean() < 0.05 * upright[1].std() + 0.02


@pytest.mark.parametrize("quarters", range(4))
def test_turning_is_numpys(quarters: int) -> None:
    image = torch.arange(24.0).reshape(1, 2, 3, 4)
    np.testing.assert_array_equal(turned(image, quarters), np.rot90(image.numpy(), quarters, (2, 3)))
    torch.testing.assert_close(turned(turned(image, quarters), -quarters), image)


def test_images_laid_otherwise_are_put_upright_by_what_is_told_of_them() -> None:
    images = torch.rand(8, 1, 6, 6, generator=torch.Generator().manual_seed(2))
    lying, quarters, inverted = laid(images, torch.ones_like(images), torch.Generator().manual_seed(3))
    for image, other, turns, negative in zip(images, lying, quarters, inverted, strict=True):
        upright = torch.rot90(other, int(turns), (1, 2))
        torch.testing.assert_close(1 - upright if negative else upright, image)


def test_a_small_finding_has_its_best_cell() -> None:
    mask = np.zeros((64, 48), bool)
    mask[20:22, 30:32] = True
    study = Study(np.zeros((64, 48), np.float32), (), {"nodule": mask})
    cells = cells_of(study, placed((64, 48), 64), 16)[FINDINGS.index("nodule")]
    assert cells.any() and set(zip(*np.nonzero(cells), strict=True)) <= {(r, c) for r in (4, 5) for c in (9, 10)}


def test_places_move_with_their_images() -> None:
    generator = torch.Generator().manual_seed(4)
    images = torch.zeros(6, 1, 64, 64)
    images[:, :, 20:32, 36:48] = 1
    places = torch.nn.functional.max_pool2d(images, 4)
    moved, _, there = varied(images, torch.ones_like(images), places, generator)
    bright = torch.nn.functional.avg_pool2d(moved, 4) > 0.5
    overlap = (bright * there).sum((1, 2, 3)) / there.sum((1, 2, 3))
    assert (overlap > 0.6).all()


def test_a_finding_whose_place_is_not_known_asks_nothing_of_its_map() -> None:
    maps, places = torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 4)
    places[0, 0, 1, 1] = 1

    def loss(known: bool, scores: Tensor) -> float:
        return float(places_loss(scores, places, torch.tensor([[1.0, 0.0]]), torch.tensor([known])))

    wrong = maps.clone()
    wrong[0, 0] = 5
    assert loss(True, wrong) > loss(True, maps)
    assert loss(False, wrong) == loss(False, maps)


def test_the_area_under_the_curve_is_the_share_of_pairs_in_order() -> None:
    assert auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])) == pytest.approx(0.75)


def test_a_finding_is_not_claimed_on_more_than_a_fifth_of_those_without_it() -> None:
    there = np.repeat([True, False], 100)
    apart = np.concatenate([np.linspace(0.5, 1, 100), np.linspace(0, 0.5, 100)])
    assert threshold(apart, there) == pytest.approx(0.5, abs=0.01)
    hardly = np.concatenate([np.linspace(0.3, 0.9, 100), np.linspace(0, 0.9, 100)])
    assert 0.15 < (hardly[~there] > threshold(hardly, there)).mean() <= 0.2


def chestxray14(folder: Path, labels: str = "Edema|Pleural_Thickening") -> Path:
    (folder / "images").mkdir(parents=True)
    rows = [["Image Index", "Finding Labels", "Follow-up #", "Patient ID"]]
    for number, found in enumerate((labels, "No Finding", "Nodule")):
        Image.fromarray(np.full((40, 30), 40 * number + 10, np.uint8)).save(folder / "images" / f"{number}.png")
        rows.append([f"{number}.png", found, "0", str(number // 2)])
    for name, lines in (
        ("Data_Entry_2017.csv", rows),
        (
            "BBox_List_2017.csv",
            [["Image Index", "Finding Label", "Bbox [x", "y", "w", "h]"], ["2.png", "Nodule", 3, 4, 5, 6]],
        ),
    ):
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows(lines)
    return folder


def test_the_layout_of_chestxray14_is_read_with_its_boxes(tmp_path: Path) -> None:
    first, second, third = entries_of(f"chestxray14:{chestxray14(tmp_path)}", 0)
    assert (first.patient, second.patient, third.patient) == ("0", "0", "1")
    assert {name for name, there in zip(FINDINGS, first.load().truth, strict=True) if there} == {
        "oedema", "pleural thickening",
    }  # fmt: skip
    assert not any(second.load().truth) and not second.load().places
    [(name, mask)] = third.load().places.items()
    assert name == "nodule" and mask.sum() == 30 and mask[4:10, 3:8].all()


def test_a_finding_that_is_none_of_the_fourteen_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        entries_of(f"chestxray14:{chestxray14(tmp_path, 'Fracture')}", 0)
    assert str(refused.value) == (
        "Data_Entry_2017.csv names the finding fracture, which is none of the fourteen; correct the table."
    )


def test_dicom_files_are_read_with_their_table(tmp_path: Path) -> None:
    write_study(1, tmp_path / "a", grown=1)
    write_study(2, tmp_path / "b", grown=1)
    with (tmp_path / "findings.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["instance", "findings"], ["DX0001.dcm", "mass|effusion"]])
    inverted, plain = entries_of(f"dicom:{tmp_path}", 0)
    assert inverted.patient != plain.patient
    assert sum(inverted.load().truth) == 2
    for entry, seed in ((inverted, 1), (plain, 2)):
        ours, theirs = entry.load().image, PhantomEntry(seed).load().image
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.99


def test_a_folder_without_its_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        entries_of(f"dicom:{tmp_path}", 0)
    assert str(refused.value) == (
        f"{tmp_path / 'findings.csv'} is not there; the folder needs findings.csv with the findings of its images."
    )


def test_what_is_cached_is_the_image_as_the_node_fits_it(cache: Path) -> None:
    parts = parts_of(TINY, "phantoms", cache)
    assert (len(parts.train), len(parts.validation), len(parts.beside)) == (10, 6, 6)
    assert isinstance(parts.train, Part) and parts.train.images.shape == (10, 64, 64)
    images, inside, truth, places, known = parts.train.of(np.arange(10))
    assert images.max() <= 1 and places.shape == (10, 14, 16, 16)
    assert ((places.sum((2, 3)) > 0) == (truth > 0)).all()
    assert known.tolist() == (truth.sum(1) > 0).tolist()
    assert (images[inside == 0] == 0).all()


def model(folder: Path, network: Served) -> Path:
    """As it would be shipped; half of the findings are present whatever the image shows."""
    thresholds = tuple(0.001 if number % 2 else 0.999 for number in range(len(FINDINGS)))
    trained = Trained(TINY, "phantoms", 1, thresholds, network)
    export_network(trained, folder / "model.onnx")
    write_card(trained, folder / "card.json")
    return folder


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    device = Device("cpu")
    yield device
    device.close()


def items(dataset: pydicom.Dataset) -> Iterator[pydicom.Dataset]:
    for item in dataset.get("ContentSequence", []):
        yield item
        yield from items(item)


def test_an_image_that_lies_otherwise_is_reported_on_with_a_place_for_each_finding(
    tmp_path: Path, device: Device
) -> None:
    folder = model(tmp_path / "model", served(1, True))
    [file] = write_study(5, tmp_path / "study", grown=1)
    attempt(folder, [str(file)], tmp_path / "out", device)
    document = pydicom.dcmread(tmp_path / "out" / "SR.dcm")
    said = [item.TextValue for item in items(document) if item.ValueType == "TEXT"]
    assert any(text.startswith("The image lies on its side or upside down;") for text in said)
    assert any(text.startswith("The image is inverted without a word in its header;") for text in said)
    places = [tuple(item.GraphicData) for item in items(document) if item.ValueType == "SCOORD"]
    whole = [place for place in places if min(place) == 0 and max(place) == max(report_shape(file))]
    assert len(places) == len(FINDINGS)
    assert len(whole) == len(FINDINGS) // 2
    assert len(set(places)) > 3


def report_shape(file: Path) -> tuple[int, int]:
    header = pydicom.dcmread(file, stop_before_pixels=True)
    return header.Rows, header.Columns


@pytest.mark.parametrize(
    ("lateral", "frontal", "says"),
    [
        (True, True, "The image is a lateral view of the chest; the model knows frontal ones (PA, AP)."),
        (
            False,
            False,
            "No image of the series looks like a frontal radiograph of the chest, which is all that the model knows.",
        ),
    ],
)
def test_what_is_no_frontal_view_is_refused_by_its_header_or_by_what_it_shows(
    lateral: bool, frontal: bool, says: str, tmp_path: Path, device: Device
) -> None:
    folder = model(tmp_path / "model", served(0, False, frontal=frontal))
    [file] = write_study(5, tmp_path / "study", grown=1, lateral=lateral)
    with pytest.raises(Unsuitable) as refusal:
        attempt(folder, [str(file)], tmp_path / "out", device)
    assert refusal.value.sentence == says


def test_the_report_says_first_what_the_data_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model(tmp_path / "chest-findings-cxr", served(0, False))
    for module in (report, trial):
        monkeypatch.setattr(module, "FOLDER", folder)
    monkeypatch.setattr(trial, "rows", lambda: TINY.rows)
    monkeypatch.setattr(report, "rows", lambda: TINY.rows)
    monkeypatch.setattr(report, "LATERAL", 2)
    monkeypatch.setattr(report, "FOREIGN", 1)
    monkeypatch.setattr(report, "_MANY", 6)
    report.evaluate(10, 8, tmp_path / "out", 1)
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert next(iter(told.items())) == ("data", "Data: synthetic phantoms; no patient data.")
    assert 0 <= told["Held-out phantoms"]["peak inside"]["all"]["value"] <= 1
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.index("Data: synthetic phantoms") < page.index("<h1>")
    for picture in re.findall(r'src="([^"]+)"', page):
        assert (tmp_path / "out" / picture).exists()


def test_the_shipped_configuration_is_the_one_of_the_graph() -> None:
    said = {entry.key: entry.value for entry in onnx.load(FOLDER / "model.onnx").metadata_props}
    assert Settings.model_validate_json(said["settings"]) == read_settings(STANDARD)
    assert said["trained_on"] == "synthetic phantoms; no patient data"

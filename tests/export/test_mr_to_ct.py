"""The trainings of mr-to-ct in small, with pairs and without, and how heads are drawn in both kinds and tried."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import torch
from PIL import Image

from export.checkpoints import SettingsError
from export.mr_to_ct import unpaired
from export.mr_to_ct.baseline import one_for_each_brightness
from export.mr_to_ct.export import CARD, SERVING
from export.mr_to_ct.report import ABOUT
from export.mr_to_ct.sources import list_entries
from export.mr_to_ct.train import TASK
from export.mr_to_ct.trial import BONE, BONE_HU, ERROR, LOOKUP, OURS, WAYS, Drawn, ask, draw, quality, try_patient
from export.phantoms.ageing.dicom import write_study
from export.restoring.exporting import INPUT
from export.restoring.network import Served
from export.restoring.settings import Adversarial, Settings
from export.restoring.training import train
from export.restoring.trial import Trial
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.check import check
from orthanc_plugin.models.trial import attempt
from orthanc_plugin.routing.card import Card
from tests.export import restoring

CPU = torch.device("cpu")
SEED = 1_001_002


def tiny(**changes: object) -> Settings:
    critic = Adversarial(weight=0.01, steps=1, learning_rate=0.001, begins=0.25)
    return restoring.tiny(adversarial=critic, **changes)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def served(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model, as it would be served."""
    folder = tmp_path_factory.mktemp("models") / "mr-to-ct"
    trained = SERVING.load_trained(train(TASK, tiny(), "phantoms", tmp_path_factory.mktemp("run"), cache, CPU))
    assert SERVING.write(trained, folder / "model.onnx") < 1e-4
    (folder / "card.json").write_bytes(CARD.read_bytes())
    return folder


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return draw(SEED, False, 5)


def test_ct_and_t1_are_of_one_head_and_bone_is_dark_on_the_one_alone(drawn: Drawn) -> None:
    compact, air = drawn.hu > 850, drawn.hu < -950
    soft = drawn.head & (abs(drawn.hu - 35) < 30)
    assert compact.sum() > 500 and air.sum() > compact.sum()
    masks = {"bone": compact, "soft": soft, "air": air}
    medians = {name: float(np.median(drawn.t1[mask])) for name, mask in masks.items()}
    assert medians["bone"] < 0.6 * medians["soft"] and medians["air"] < 0.4 * medians["soft"]


def test_holes_in_the_skull_are_planted_and_counted(drawn: Drawn) -> None:
    planted = drawn.spots.seen(drawn.hu)
    assert len(planted) >= 2 and all(each.planted.contrast < -300 for each in planted)
    truth = quality(drawn, drawn.hu, planted)
    assert (truth.lost, truth.invented, truth.numbers[ERROR], truth.numbers[BONE]) == (0, 0, 0, 1)
    filled = np.where(drawn.numbers > 0, 1100, drawn.hu).astype(np.float32)
    assert quality(drawn, filled, planted).lost == len(planted)
    soft = np.where(drawn.hu > BONE_HU, 40, drawn.hu).astype(np.float32)
    without_bone = quality(drawn, soft, planted)
    assert without_bone.numbers[BONE] == 0 and without_bone.invented > 0


def test_one_hu_for_each_brightness_can_not_tell_bone_from_air(drawn: Drawn) -> None:
    found = quality(drawn, one_for_each_brightness(drawn.t1), drawn.spots.seen(drawn.hu))
    assert found.numbers[BONE] < 0.7


def test_without_pairs_both_networks_learn_and_an_interrupted_training_goes_on(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, rate = tiny(beside=0), unpaired.learning_rate

    def interrupted(largest: float, done: float) -> float:
        if round(done * settings.iterations) == 3:
            raise KeyboardInterrupt
        return rate(largest, done)

    whole = torch.load(unpaired.train(settings, "phantoms", tmp_path / "whole", cache, CPU), weights_only=True)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(unpaired, "learning_rate", interrupted)
        unpaired.train(settings, "phantoms", tmp_path / "cut", cache, CPU)
    torch.manual_seed(99)
    resumed = torch.load(unpaired.train(settings, "phantoms", tmp_path / "cut", cache, CPU), weights_only=True)
    torch.manual_seed(settings.seed)
    begun = unpaired.Cycle.begun(settings, CPU)
    for part, state, fresh in (
        ("network", whole["network"], begun.there),
        ("back", whole["cycle"]["back"], begun.back),
    ):
        of_resumed = resumed["network"] if part == "network" else resumed["cycle"]["back"]
        for name, value in state.items():
            torch.testing.assert_close(of_resumed[name], value)
        assert any(not torch.equal(fresh.state_dict()[name], value) for name, value in state.items()), part
    assert SERVING.write(SERVING.load_trained(tmp_path / "cut" / "checkpoint.pt"), tmp_path / "model.onnx") < 1e-4


def test_without_pairs_slices_are_looked_at_one_by_one(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"set beside to 0 and adversarial\."):
        unpaired.train(tiny(), "phantoms", tmp_path, cache, CPU)


def test_what_comes_out_is_a_ct_in_hu_that_says_that_none_was_taken(served: Path, tmp_path: Path) -> None:
    files = write_study(SEED, tmp_path / "in", voxel_mm=6.0)
    device = Device("cpu")
    try:
        assert [finding.sentence for finding in check(served, device) if not finding.well] == []
        attempt(served, list(map(str, files)), tmp_path / "out", device)
    finally:
        device.close()
    results = [pydicom.dcmread(path) for path in sorted((tmp_path / "out").glob("IMAGE*.dcm"))]
    places = {tuple(map(float, pydicom.dcmread(path).ImagePositionPatient)) for path in files}
    assert {tuple(map(float, each.ImagePositionPatient)) for each in results} == places
    assert {(each.Modality, each.ImageType[0], each.RescaleType) for each in results} == {("CT", "DERIVED", "HU")}
    assert all(each.SeriesDescription.startswith("SYNTHETIC CT") for each in results)


def test_a_scan_is_tried_in_every_way(served: Path, drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.mr_to_ct.trial.draw", lambda *_asked: drawn)
    made = try_patient(SEED, False, served)
    assert tuple(made.by_way) == WAYS
    assert tuple(made.by_way[OURS].numbers) == tuple(made.by_way[LOOKUP].numbers) == (ERROR, BONE)
    assert len(ABOUT.held_out_seeds()) == 60


def test_a_worst_case_is_shown_side_by_side(
    served: Path, drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.mr_to_ct.report.ask", lambda drawn: ask(drawn, served))
    monkeypatch.setattr("export.mr_to_ct.report.draw", lambda *_asked: drawn)
    made = Trial(SEED, False, len(drawn.hu), 0, {}, ())
    assert ABOUT.show(made, tmp_path / "worst.png") == "worst.png"
    with Image.open(tmp_path / "worst.png") as picture:
        assert picture.width > 2 * picture.height


def test_real_pairs_keep_their_hu(tmp_path: Path) -> None:
    values = np.random.default_rng(1).uniform(50, 100, (8, 6, 10)).astype(np.float32)
    for name, volume in (("a_t1", values), ("a_ct", 10 * values - 1000)):
        nibabel.Nifti1Image(volume, np.eye(4)).to_filename(tmp_path / f"{name}.nii.gz")
    [entry] = list_entries(f"nifti:{tmp_path}", 0)
    pair = entry.load(2, 4)
    assert pair.good.dtype == np.int16 and -500 <= pair.good.min() < pair.good.max() <= 0
    with pytest.raises(SettingsError, match=r"The data is 'x'; it must be phantoms or nifti:FOLDER\."):
        list_entries("x", 0)


def test_card_and_graph_speak_of_the_same_numbers() -> None:
    card = Card.model_validate_json(CARD.read_bytes())
    assert (card.stages[0].input, card.stages[0].outputs) == (INPUT, Served.outputs)
    assert [image.modality for image in card.outputs.images] == ["CT"]

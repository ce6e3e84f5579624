"""The training of mr-denoise in small, with its critic, and how heads are tried."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import torch
from PIL import Image

from export.checkpoints import SettingsError
from export.mr_denoise.export import CARD, SERVING
from export.mr_denoise.report import ABOUT
from export.mr_denoise.sources import list_entries
from export.mr_denoise.train import TASK
from export.mr_denoise.trial import DIFFERENCES, NON_LOCAL, SOURCE, WAYS, Drawn, ask, draw, quality, try_patient
from export.phantoms.ageing.again import write_noisy
from export.restoring import training
from export.restoring.adversarial import Critic, Rival
from export.restoring.exporting import INPUT
from export.restoring.network import Served, brightness
from export.restoring.pairs import kept, training_batches, whole
from export.restoring.settings import Adversarial, Settings
from export.restoring.training import train
from export.restoring.trial import Trial
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.check import check
from orthanc_plugin.models.trial import attempt
from orthanc_plugin.routing.card import Card
from tests import judges
from tests.export import restoring

CPU = torch.device("cpu")


def tiny(**changes: object) -> Settings:
    critic = Adversarial(weight=0.001, steps=1, learning_rate=0.001, begins=0.25)
    return restoring.tiny(**{"adversarial": critic, **changes})


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("heads")


@pytest.fixture(scope="module")
def checkpoint(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(TASK, tiny(), "phantoms", tmp_path_factory.mktemp("run"), cache, CPU)


@pytest.fixture(scope="module")
def served(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny model, as it would be served."""
    folder = tmp_path_factory.mktemp("models") / "mr-denoise"
    assert SERVING.write(SERVING.load_trained(checkpoint), folder / "model.onnx") < 1e-4
    (folder / "card.json").write_bytes(CARD.read_bytes())
    return folder


def test_an_interrupted_training_goes_on_with_its_critic(
    checkpoint: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = training.learning_rate

    def interrupted(largest: float, done: float) -> float:
        if round(done * tiny().iterations) == 3:
            raise KeyboardInterrupt
        return rate(largest, done)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(training, "learning_rate", interrupted)
        train(TASK, tiny(), "phantoms", tmp_path, cache, CPU)
    torch.manual_seed(99)
    resumed = torch.load(train(TASK, tiny(), "phantoms", tmp_path, cache, CPU), weights_only=True)
    whole_run = torch.load(checkpoint, weights_only=True)
    for part, of_whole in ((resumed["network"], whole_run["network"]),
                           (resumed["rival"]["critic"], whole_run["rival"]["critic"])):  # fmt: skip
        for name, value in of_whole.items():
            torch.testing.assert_close(part[name], value)


def test_a_critic_s_word_is_heard(checkpoint: Path, cache: Path, tmp_path: Path) -> None:
    alone = torch.load(train(TASK, tiny(adversarial=None), "phantoms", tmp_path, cache, CPU), weights_only=True)
    beside = torch.load(checkpoint, weights_only=True)
    assert "rival" not in alone
    assert any(not torch.equal(alone["network"][name], value) for name, value in beside["network"].items())


def test_a_critic_learns_to_tell_good_images_from_made_ones() -> None:
    torch.manual_seed(5)
    good = torch.zeros(8, 1, 32, 32)
    good[:, :, 8:24, 8:24] = 1
    made = torch.nn.functional.avg_pool2d(good, 5, 1, 2)
    rival = Rival(Adversarial(weight=0.1, steps=5, learning_rate=0.002, begins=0), 1, CPU)
    apart = [rival.learn(made, good, iteration) for iteration in range(40)]
    assert apart[-1] > 0.02 > abs(apart[0])
    assert rival.against(made) > rival.against(good)
    assert Critic()(good).shape == (8,)


def test_patches_of_any_brightness_and_with_any_air_around_are_seen_alike(checkpoint: Path) -> None:
    network = SERVING.served(SERVING.load_trained(checkpoint))
    patch = torch.rand(1, 1, 3, 32, 32) * 900
    wide = torch.nn.functional.pad(patch, (16, 16, 16, 16))
    torch.testing.assert_close(brightness(wide), brightness(patch))
    with torch.no_grad():
        once, thrice = network(patch), network(3 * patch)
    torch.testing.assert_close(3 * once[0], thrice[0], rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(once[1], thrice[1])


def test_pairs_are_as_bright_as_the_network_sees_patches(cache: Path) -> None:
    [scan] = kept(TASK.parts("phantoms", tiny()).validation, tiny(), cache)
    seen = torch.from_numpy(np.asarray(scan.seen(), np.float32))[:, None]
    assert float(brightness(seen)) == pytest.approx(1, abs=0.01)
    [batch] = whole(scan, 1)
    inside = batch.good > 0.3
    assert abs(float((batch.seen[:, 1:2] - batch.good)[inside].mean())) < 0.05
    first, *_ = training_batches([scan], tiny(), 0)
    assert first.seen.shape == (2, 3, 32, 32)


def test_a_series_comes_out_as_a_series_at_its_place(served: Path, tmp_path: Path) -> None:
    files = write_noisy(501_000, tmp_path / "in", slices=4)
    assert judges.dciodvfy(files[0]) == []
    device = Device("cpu")
    try:
        assert [finding.sentence for finding in check(served, device) if not finding.well] == []
        attempt(served, list(map(str, files)), tmp_path / "out", device)
    finally:
        device.close()
    results = [pydicom.dcmread(path) for path in sorted((tmp_path / "out").glob("IMAGE*.dcm"))]
    sources = {tuple(map(float, pydicom.dcmread(path).ImagePositionPatient)) for path in files}
    assert {tuple(map(float, each.ImagePositionPatient)) for each in results} == sources
    assert {(each.Modality, each.ImageType[0]) for each in results} == {("MR", "DERIVED")}


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return draw(501_001, False, 9)


def test_planted_lesions_are_darker_than_the_white_matter_they_lie_in(drawn: Drawn) -> None:
    spots = drawn.head.spots
    planted = spots.seen(drawn.clean)
    assert len(planted) >= 3
    assert all(each.planted.contrast < 0 for each in planted)
    truth = quality(drawn, drawn.clean, planted)
    assert (truth.lost, truth.invented) == (0, 0)
    flat = np.where(drawn.head.planted > 0, drawn.clean[drawn.head.tissues["white"]].mean(), drawn.clean)
    without = quality(drawn, flat.astype(np.float32), planted)
    assert (without.lost, without.invented) == (len(planted), 0)


def test_a_scan_is_tried_in_every_way(served: Path, drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.mr_denoise.trial.draw", lambda *_asked: drawn)
    made = try_patient(501_001, False, served)
    assert tuple(made.by_way) == WAYS
    assert made.by_way[SOURCE].psnr < made.by_way[NON_LOCAL].psnr
    assert tuple(made.by_way[SOURCE].numbers) == DIFFERENCES
    assert len(ABOUT.held_out_seeds()) == 60


def test_a_worst_case_is_shown_side_by_side(
    served: Path, drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.mr_denoise.report.ask", lambda drawn: ask(drawn, served))
    monkeypatch.setattr("export.mr_denoise.report.draw", lambda *_asked: drawn)
    made = Trial(501_001, False, len(drawn.clean), 0, {}, ())
    assert ABOUT.show(made, tmp_path / "worst.png") == "worst.png"
    with Image.open(tmp_path / "worst.png") as picture:
        assert picture.width > 4 * picture.height


def test_real_pairs_are_files_side_by_side(tmp_path: Path) -> None:
    values = np.random.default_rng(1).uniform(50, 100, (8, 6, 10)).astype(np.float32)
    for name, volume in (("a_noisy", values), ("a_good", values / 2)):
        nibabel.Nifti1Image(volume, np.eye(4)).to_filename(tmp_path / f"{name}.nii.gz")
    [entry] = list_entries(f"nifti:{tmp_path}", 0)
    pair = entry.load(2, 4)
    assert pair.seen.shape == (2, 4, 6, 8)
    np.testing.assert_allclose(pair.seen, 2 * pair.good, rtol=0.01)
    (tmp_path / "a_good.nii.gz").unlink()
    with pytest.raises(SettingsError, match=r"a_noisy.nii.gz has no a_good.nii.gz beside it\."):
        list_entries(f"nifti:{tmp_path}", 0)
    with pytest.raises(SettingsError, match=r"The data is 'x'; it must be phantoms or nifti:FOLDER\."):
        list_entries("x", 0)


def test_card_and_graph_speak_of_the_same_numbers() -> None:
    card = Card.model_validate_json(CARD.read_bytes())
    assert (card.stages[0].input, card.stages[0].outputs) == (INPUT, Served.outputs)

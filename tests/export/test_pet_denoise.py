"""The training of pet-denoise in small, and how scans with few counts are drawn and tried."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from PIL import Image

from export.pet_denoise.export import CARD, SERVING
from export.pet_denoise.report import ABOUT
from export.pet_denoise.sources import list_entries
from export.pet_denoise.train import TASK
from export.pet_denoise.trial import (
    APART,
    GAUSSIAN,
    MEAN,
    OURS,
    SOURCE,
    WAYS,
    Drawn,
    ask,
    draw,
    quality,
    try_patient,
)
from export.phantoms.metabolism.again import Counts, write_few
from export.restoring.exporting import INPUT
from export.restoring.gaussian import best_gaussian
from export.restoring.network import Served
from export.restoring.settings import Settings
from export.restoring.training import train
from export.restoring.trial import Trial
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.check import check
from orthanc_plugin.models.trial import attempt
from orthanc_plugin.routing.card import Card
from tests import judges
from tests.export import restoring

CPU = torch.device("cpu")
SEED = 601_002


def tiny() -> Settings:
    return restoring.tiny(beside=2, depth=5)


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return draw(SEED, False, 9)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model, as it would be served."""
    cache, run = (tmp_path_factory.mktemp(name) for name in ("cache", "run"))
    folder = tmp_path_factory.mktemp("models") / "pet-denoise"
    trained = SERVING.load_trained(train(TASK, tiny(), "phantoms", run, cache, CPU))
    assert SERVING.write(trained, folder / "model.onnx") < 1e-4
    (folder / "card.json").write_bytes(CARD.read_bytes())
    return folder


def test_counts_decide_the_noise_and_nothing_else(drawn: Drawn) -> None:
    again = drawn.slab.taken(Counts(0, 7))
    np.testing.assert_array_equal(drawn.clean, again, "endless counts are the same each time")
    spread = [float((image - drawn.clean)[drawn.head].std()) for image in (drawn.usual, drawn.noisy)]
    assert spread[1] / spread[0] == pytest.approx(drawn.few.times, rel=0.25)
    assert abs(float((drawn.noisy / drawn.clean)[drawn.head].mean()) - 1) < 0.05


def test_noise_of_one_number_is_the_same_and_of_another_one_is_not(drawn: Drawn) -> None:
    seen = drawn.slab
    np.testing.assert_array_equal(seen.taken(Counts(2, 1)), seen.taken(Counts(2, 1)))
    assert not np.array_equal(seen.taken(Counts(2, 1)), seen.taken(Counts(2, 2)))


def test_spots_of_much_uptake_are_planted_and_measured(drawn: Drawn) -> None:
    planted = drawn.spots.seen(drawn.clean)
    assert len(planted) >= 3
    assert all(each.planted.contrast > 0 for each in planted)
    truth = quality(drawn, drawn.clean, planted)
    assert (truth.lost, truth.invented, truth.numbers[MEAN], truth.numbers[APART]) == (0, 0, 0, 0)
    brighter = quality(drawn, (1.1 * drawn.clean).astype(np.float32), planted)
    assert brighter.numbers[MEAN] == pytest.approx(10, abs=0.01)
    flat = np.where(drawn.slab.numbers > 0, np.median(drawn.clean[drawn.slab.brain]), drawn.clean)
    assert quality(drawn, (0.8 * flat).astype(np.float32), planted).lost == len(planted)


def test_the_best_gaussian_is_better_than_none_and_than_much_too_wide_a_one(drawn: Drawn) -> None:
    step = drawn.grid.step_mm
    best = best_gaussian(drawn.noisy, drawn.clean, step, drawn.head)

    def wrong(image: np.ndarray) -> float:
        return float(np.square(image - drawn.clean)[drawn.head].mean())

    assert wrong(best) < 0.7 * wrong(drawn.noisy)
    np.testing.assert_allclose(
        best_gaussian(drawn.clean, drawn.clean, step, drawn.head), drawn.clean, rtol=0.1, atol=90
    )


def test_a_series_comes_out_as_pet_in_its_unit_at_its_place(served: Path, tmp_path: Path) -> None:
    files = write_few(SEED, tmp_path / "in", slices=6)
    assert judges.dciodvfy(files[0]) == []
    device = Device("cpu")
    try:
        assert [finding.sentence for finding in check(served, device) if not finding.well] == []
        attempt(served, list(map(str, files)), tmp_path / "out", device)
    finally:
        device.close()
    results = {place(each): each for each in map(pydicom.dcmread, sorted((tmp_path / "out").glob("IMAGE*.dcm")))}
    sources = {place(each): each for each in map(pydicom.dcmread, files)}
    assert results.keys() == sources.keys()
    for where, source in sources.items():
        result = results[where]
        assert (result.Modality, result.ImageType[0], result.Units) == ("PT", "DERIVED", "BQML")
        assert result.PatientWeight == source.PatientWeight
        given, made = (
            each.pixel_array * float(each.RescaleSlope) + float(each.RescaleIntercept) for each in (source, result)
        )
        assert np.corrcoef(given.ravel(), made.ravel())[0, 1] > 0.9
        assert made.mean() == pytest.approx(given.mean(), rel=0.2)


def place(image: pydicom.Dataset) -> tuple[float, ...]:
    return tuple(map(float, image.ImagePositionPatient))


def test_a_scan_is_tried_in_every_way(served: Path, drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.pet_denoise.trial.draw", lambda *_asked: drawn)
    made = try_patient(SEED, False, served)
    assert tuple(made.by_way) == WAYS
    assert made.by_way[SOURCE].psnr < made.by_way[GAUSSIAN].psnr
    assert tuple(made.by_way[OURS].numbers) == (MEAN, APART)
    assert len(ABOUT.held_out_seeds()) == 60


def test_a_worst_case_is_shown_side_by_side(
    served: Path, drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.pet_denoise.report.ask", lambda drawn: ask(drawn, served))
    monkeypatch.setattr("export.pet_denoise.report.draw", lambda *_asked: drawn)
    made = Trial(SEED, False, len(drawn.clean), 0, {}, ())
    assert ABOUT.show(made, tmp_path / "worst.png") == "worst.png"
    with Image.open(tmp_path / "worst.png") as picture:
        assert picture.width > 4 * picture.height


def test_training_pairs_are_of_few_counts_and_of_endless_ones() -> None:
    [entry, *_] = list_entries("phantoms", 3)
    pair = entry.load(2, 5)
    assert pair.seen.shape == pair.good.shape and pair.seen.shape[:2] == (2, 5)
    seen, good = (np.asarray(each, np.float32) for each in (pair.seen, pair.good))
    assert np.square(seen).sum() / abs(seen).sum() == pytest.approx(1, abs=0.1)
    assert (seen - good).std() > 0.02


def test_card_and_graph_speak_of_the_same_numbers() -> None:
    card = Card.model_validate_json(CARD.read_bytes())
    assert (card.stages[0].input, card.stages[0].outputs) == (INPUT, Served.outputs)

"""The training of asl-denoise in small, and how perfusion from few pairs is drawn and tried."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from PIL import Image

from export.asl_denoise.export import CARD, SERVING
from export.asl_denoise.report import ABOUT
from export.asl_denoise.sources import list_entries
from export.asl_denoise.train import TASK
from export.asl_denoise.trial import (
    APART,
    GAUSSIAN,
    MEAN,
    OURS,
    SOURCE,
    USUAL,
    WAYS,
    Drawn,
    ask,
    draw,
    quality,
    try_patient,
)
from export.phantoms.ageing.perfusion import Pairs, write_perfusion
from export.restoring.exporting import INPUT
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
SEED = 801_000


def tiny() -> Settings:
    return restoring.tiny(beside=2, depth=5)


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return draw(SEED, False, 9)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model, as it would be served."""
    cache, run = (tmp_path_factory.mktemp(name) for name in ("cache", "run"))
    folder = tmp_path_factory.mktemp("models") / "asl-denoise"
    trained = SERVING.load_trained(train(TASK, tiny(), "phantoms", run, cache, CPU))
    assert SERVING.write(trained, folder / "model.onnx") < 1e-4
    (folder / "card.json").write_bytes(CARD.read_bytes())
    return folder


def test_noise_falls_as_pairs_are_averaged(drawn: Drawn) -> None:
    seen = drawn.slab
    clean = seen.taken(Pairs(0, 0))
    one, four = (float((seen.taken(Pairs(count, 5)) - clean).std()) for count in (1, 4))
    assert one == pytest.approx(2 * four, rel=1e-3)
    np.testing.assert_array_equal(seen.taken(Pairs(4, 5)), seen.taken(Pairs(4, 5)))
    assert not np.array_equal(seen.taken(Pairs(4, 5)), seen.taken(Pairs(4, 6)))


def test_cortex_has_several_times_the_blood_of_white_matter_and_shares_its_voxels(drawn: Drawn) -> None:
    tissues = drawn.slab.tissues
    grey, white = (float(np.median(drawn.clean[mask])) for mask in (tissues > 85, abs(tissues - 27) < 3))
    assert 2.5 < grey / white < 5
    assert ((tissues > 35) & (tissues < 80)).sum() > (tissues > 85).sum(), "few voxels are cortex alone"


def test_areas_are_planted_and_measured(drawn: Drawn) -> None:
    planted = drawn.spots.seen(drawn.clean)
    assert len(planted) >= 3
    assert {each.planted.contrast > 0 for each in planted} == {True, False}
    truth = quality(drawn, drawn.clean, planted)
    assert (truth.lost, truth.invented, truth.numbers[MEAN], truth.numbers[APART]) == (0, 0, 0, 0)
    less = quality(drawn, (0.9 * drawn.clean).astype(np.float32), planted)
    assert less.numbers[MEAN] == pytest.approx(-10, abs=0.01)


def test_a_series_that_is_negative_in_places_comes_out_as_a_series_at_its_place(served: Path, tmp_path: Path) -> None:
    files = write_perfusion(SEED, tmp_path / "in", slices=6)
    assert judges.dciodvfy(files[0]) == []
    assert pydicom.dcmread(files[0]).pixel_array.min() < 0
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
    assert min(float(each.pixel_array.min()) * each.get("RescaleSlope", 1) + each.get("RescaleIntercept", 0)
               for each in results) < 0  # fmt: skip


def test_a_scan_is_tried_in_every_way(served: Path, drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.asl_denoise.trial.draw", lambda *_asked: drawn)
    made = try_patient(SEED, False, served)
    assert tuple(made.by_way) == WAYS
    assert made.by_way[SOURCE].psnr < min(made.by_way[GAUSSIAN].psnr, made.by_way[USUAL].psnr)
    assert tuple(made.by_way[OURS].numbers) == (MEAN, APART)
    assert len(ABOUT.held_out_seeds()) == 60


def test_a_worst_case_is_shown_side_by_side(
    served: Path, drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.asl_denoise.report.ask", lambda drawn: ask(drawn, served))
    monkeypatch.setattr("export.asl_denoise.report.draw", lambda *_asked: drawn)
    made = Trial(SEED, False, len(drawn.clean), 0, {}, ())
    assert ABOUT.show(made, tmp_path / "worst.png") == "worst.png"
    with Image.open(tmp_path / "worst.png") as picture:
        assert picture.width > 4 * picture.height


def test_training_pairs_are_of_few_pairs_and_of_endlessly_many() -> None:
    [entry, *_] = list_entries("phantoms", 3)
    pair = entry.load(2, 5)
    seen, good = (np.asarray(each, np.float32) for each in (pair.seen, pair.good))
    assert seen.shape == good.shape and seen.shape[:2] == (2, 5)
    assert seen.min() < 0 <= good.min()
    assert (seen - good).std() > 0.05


def test_card_and_graph_speak_of_the_same_numbers() -> None:
    card = Card.model_validate_json(CARD.read_bytes())
    assert (card.stages[0].input, card.stages[0].outputs) == (INPUT, Served.outputs)

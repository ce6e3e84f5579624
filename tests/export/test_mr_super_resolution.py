"""The training of mr-super-resolution in small, and how heads in thick slices are drawn and tried."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import torch
from PIL import Image

from export.checkpoints import SettingsError
from export.mr_super_resolution.baseline import cubic
from export.mr_super_resolution.export import CARD, SERVING
from export.mr_super_resolution.report import ABOUT
from export.mr_super_resolution.sources import list_entries
from export.mr_super_resolution.train import TASK
from export.mr_super_resolution.trial import (
    CUBIC,
    DIFFERENCES,
    OURS,
    SOURCE,
    WAYS,
    Drawn,
    ask,
    draw,
    quality,
    try_patient,
)
from export.phantoms.ageing.thick import FINER, write_thick
from export.restoring.exporting import INPUT
from export.restoring.network import Served
from export.restoring.settings import Adversarial, Settings
from export.restoring.training import train
from export.restoring.trial import Trial
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import volume
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.check import check
from orthanc_plugin.models.trial import attempt
from orthanc_plugin.routing.card import Card
from tests import judges
from tests.export import restoring

CPU = torch.device("cpu")
SEED = 901_002


def tiny() -> Settings:
    critic = Adversarial(weight=0.001, steps=1, learning_rate=0.001, begins=0.25)
    return restoring.tiny(beside=2, depth=5, finer=FINER, adversarial=critic)


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return draw(SEED, False, 5)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model, as it would be served."""
    cache, run = (tmp_path_factory.mktemp(name) for name in ("cache", "run"))
    folder = tmp_path_factory.mktemp("models") / "mr-super-resolution"
    trained = SERVING.load_trained(train(TASK, tiny(), "phantoms", run, cache, CPU))
    assert SERVING.write(trained, folder / "model.onnx") < 1e-4
    (folder / "card.json").write_bytes(CARD.read_bytes())
    return folder


def test_a_thick_slice_is_the_mean_of_those_within_it(drawn: Drawn) -> None:
    assert drawn.clean.shape == (FINER * len(drawn.thick), *drawn.thick.shape[1:])
    means = drawn.clean.reshape(-1, FINER, *drawn.thick.shape[1:]).mean(axis=1)
    inside = means > 0.3 * means.max()
    apart = (drawn.thick - means)[inside]
    assert abs(float(apart.mean())) < 0.01 * means.max()
    assert 0 < float(apart.std()) < 0.05 * means.max()


def test_cubic_interpolation_goes_through_the_slices_of_what_is_smooth() -> None:
    heights = np.arange(8, dtype=np.float32)
    thick = (heights**2).reshape(-1, 1, 1)
    places = (np.arange(8 * FINER) + 0.5) / FINER - 0.5
    inner = slice(FINER // 2, -(FINER // 2))
    np.testing.assert_allclose(cubic(thick)[inner, 0, 0], (places**2)[inner], atol=1e-3)


def test_thin_slices_fill_the_space_of_thick_ones(served: Path, tmp_path: Path) -> None:
    files = write_thick(SEED, tmp_path / "in", slices=6)
    assert judges.dciodvfy(files[0]) == []
    device = Device("cpu")
    try:
        assert [finding.sentence for finding in check(served, device) if not finding.well] == []
        attempt(served, list(map(str, files)), tmp_path / "out", device)
    finally:
        device.close()
    thick, thin = (
        volume(assemble([decode(path.read_bytes()) for path in paths]))
        for paths in (files, sorted((tmp_path / "out").glob("IMAGE*.dcm")))
    )
    assert len(thin) == FINER * len(thick)
    assert thin.spacing_zyx_mm[0] == pytest.approx(thick.spacing_zyx_mm[0] / FINER, rel=1e-3)
    means = thin.voxels_zyx.reshape(-1, FINER, *thick.voxels_zyx.shape[1:]).mean(axis=1)
    assert np.corrcoef(means.ravel(), thick.voxels_zyx.ravel())[0, 1] > 0.97
    result = pydicom.dcmread(next((tmp_path / "out").glob("IMAGE*.dcm")))
    assert (result.Modality, result.ImageType[0]) == ("MR", "DERIVED")


def test_a_scan_is_tried_in_every_way(served: Path, drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.mr_super_resolution.trial.draw", lambda *_asked: drawn)
    made = try_patient(SEED, False, served)
    assert tuple(made.by_way) == WAYS
    assert made.by_way[SOURCE].psnr < made.by_way[CUBIC].psnr
    assert tuple(made.by_way[OURS].numbers) == DIFFERENCES
    assert len(ABOUT.held_out_seeds()) == 60
    planted = drawn.head.spots.seen(drawn.clean)
    truth = quality(drawn, drawn.clean, planted)
    assert len(planted) == made.planted >= 3 and (truth.lost, truth.invented) == (0, 0)


def test_a_worst_case_is_shown_from_the_front(
    served: Path, drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.mr_super_resolution.report.ask", lambda drawn: ask(drawn, served))
    monkeypatch.setattr("export.mr_super_resolution.report.draw", lambda *_asked: drawn)
    made = Trial(SEED, False, len(drawn.clean), 0, {}, ())
    assert ABOUT.show(made, tmp_path / "worst.png") == "worst.png"
    with Image.open(tmp_path / "worst.png") as picture:
        assert picture.width > 4 * picture.height


def test_real_pairs_have_several_thin_slices_for_each_thick_one(tmp_path: Path) -> None:
    thin = np.random.default_rng(1).uniform(50, 100, (8, 6, 24)).astype(np.float32)
    thick = thin.reshape(8, 6, 6, FINER).mean(axis=3)
    for name, values in (("a_thick", thick), ("a_thin", thin)):
        nibabel.Nifti1Image(values, np.eye(4)).to_filename(tmp_path / f"{name}.nii.gz")
    [entry] = list_entries(f"nifti:{tmp_path}", 0)
    pair = entry.load(2, 3)
    seen, good = (np.asarray(each, np.float32) for each in (pair.seen, pair.good))
    assert (seen.shape, good.shape) == ((2, 3, 6, 8), (2, 12, 6, 8))
    np.testing.assert_allclose(good.reshape(2, 3, FINER, 6, 8).mean(axis=2), seen, rtol=0.01)
    nibabel.Nifti1Image(thin[..., :20], np.eye(4)).to_filename(tmp_path / "a_thin.nii.gz")
    with pytest.raises(SettingsError, match=r"there should be 4 slices of the second for each of the first\."):
        entry.load(2, 3)


def test_card_and_graph_speak_of_the_same_numbers() -> None:
    card = Card.model_validate_json(CARD.read_bytes())
    assert (card.stages[0].input, card.stages[0].outputs) == (INPUT, Served.outputs)
    assert [image.finer for image in card.outputs.images] == [FINER]

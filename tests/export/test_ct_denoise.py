"""The training of ct-denoise in small, its phantoms at two doses, and what its report counts."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import nibabel
import numpy as np
import onnx
import pydicom
import pytest
import torch

from export.checkpoints import SettingsError
from export.ct_denoise.export import CARD, SERVING
from export.ct_denoise.report import ABOUT
from export.ct_denoise.sources import list_entries
from export.ct_denoise.train import TASK
from export.ct_denoise.trial import NON_LOCAL, OURS, RODS_HU, SOURCE, TISSUES, WAYS, bias_in, draw, edge_of, try_patient
from export.evaluation.page import Pictures, Rows
from export.evaluation.readme import between_marks
from export.phantoms.lowdose.case import draw_case, write_study
from export.phantoms.lowdose.quantum import Dose, Grain, noise
from export.restoring import training
from export.restoring.carded import table, with_figures
from export.restoring.exporting import INPUT
from export.restoring.figures import figures_of
from export.restoring.network import Served
from export.restoring.pairs import kept, training_batches
from export.restoring.report import sections, summary
from export.restoring.settings import Settings
from export.restoring.training import train
from export.restoring.trial import Quality, Trial
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.check import check
from orthanc_plugin.models.trial import attempt
from orthanc_plugin.routing.card import Card
from tests import judges
from tests.export.restoring import tiny

CPU = torch.device("cpu")
ROWS = 128


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scans")


@pytest.fixture(scope="module")
def checkpoint(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(TASK, tiny(), "phantoms", tmp_path_factory.mktemp("run"), cache, CPU)


@pytest.fixture(scope="module")
def served(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny model, as it would be served."""
    folder = tmp_path_factory.mktemp("models") / "ct-denoise"
    assert SERVING.write(SERVING.load_trained(checkpoint), folder / "model.onnx") < 1e-4
    (folder / "card.json").write_bytes(CARD.read_bytes())
    return folder


def test_an_interrupted_training_goes_on_to_the_same_network(
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
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["iterations"] == 2

    torch.manual_seed(99)
    resumed = torch.load(train(TASK, tiny(), "phantoms", tmp_path, cache, CPU), weights_only=True)
    for name, value in torch.load(checkpoint, weights_only=True)["network"].items():
        torch.testing.assert_close(resumed["network"][name], value)


def test_a_checkpoint_of_another_configuration_is_refused(checkpoint: Path, cache: Path) -> None:
    with pytest.raises(SettingsError, match="was trained with another configuration"):
        train(TASK, tiny(channels=8), "phantoms", checkpoint.parent, cache, CPU)


def test_what_is_seen_and_what_should_come_out_lie_on_one_another(cache: Path) -> None:
    parts = TASK.parts("phantoms", tiny())
    names = [{entry.patient for entry in part} for part in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, names)) == len(set().union(*names)) == 4
    scans = kept(parts.train, tiny(), cache)
    settings = tiny(rows=128, batch=8)
    whole, resumed = list(training_batches(scans, settings, 0)), list(training_batches(scans, settings, 2))
    torch.testing.assert_close(whole[2].seen, resumed[0].seen)
    for batch in whole:
        apart = (batch.seen[:, 1:2] - batch.good).flatten(1)
        assert (apart.mean(dim=1).abs() < 0.35 * apart.std(dim=1) + 2).all(), "they differ by noise alone"


def test_the_graph_takes_noise_from_patches_of_any_size_and_the_node_takes_it(checkpoint: Path, served: Path) -> None:
    trained = SERVING.load_trained(checkpoint)
    told = {each.key: each.value for each in onnx.load(served / "model.onnx").metadata_props}
    assert Settings.model_validate_json(told["settings"]) == trained.settings
    network = SERVING.served(trained)
    with torch.no_grad():
        denoised, strangeness = network(torch.zeros(2, 1, 5, 64, 32))
    assert denoised.shape == (2, 1, 5, 64, 32) and strangeness.shape == (2,)
    device = Device("cpu")
    try:
        assert [finding.sentence for finding in check(served, device) if not finding.well] == []
    finally:
        device.close()


def test_an_untrained_network_gives_every_value_back() -> None:
    hu = torch.tensor([-1024.0, -100.0, 40.0, 3071.0]).repeat(3, 16, 4)[None, :, :16, :16]
    assert torch.equal(TASK.network(tiny())(hu), hu[:, 1:2])


def test_a_series_comes_out_as_a_series_at_its_place(served: Path, tmp_path: Path) -> None:
    files = write_study(401_000, tmp_path / "in", slices=4, rows=ROWS)
    assert judges.dciodvfy(files[0]) == []
    device = Device("cpu")
    try:
        attempt(served, list(map(str, files)), tmp_path / "out", device)
    finally:
        device.close()
    results = [pydicom.dcmread(path) for path in sorted((tmp_path / "out").glob("IMAGE*.dcm"))]
    sources = {float(pydicom.dcmread(path).ImagePositionPatient[2]) for path in files}
    assert {float(each.ImagePositionPatient[2]) for each in results} == sources
    for each in results:
        assert (each.Modality, each.ImageType[0], each.RescaleType) == ("CT", "DERIVED", "HU")
        assert "with less noise" in each.SeriesDescription


def test_noise_is_stronger_where_fewer_photons_come_through() -> None:
    """Through the length of an ellipse of water, and at less of a dose."""
    rows, pixel_mm = 256, 1.4
    axis = (np.arange(rows) - rows / 2) * pixel_mm
    body = np.hypot(axis[None, :] / 170, axis[:, None] / 80) < 1
    hu = np.where(body, 0, -1000).astype(np.float32)
    grain = Grain(noise_hu=10, slope=0.6, cutoff_per_mm=0.3)

    def made(share: float) -> np.ndarray:
        return noise(hu, pixel_mm, grain, Dose(share, 0.0), np.random.default_rng(1))

    usual, low = made(1.0), made(0.25)
    middle = np.hypot(axis[None, :], axis[:, None]) < 40
    assert usual[middle].std() == pytest.approx(10, rel=0.25)
    np.testing.assert_allclose(low, 2 * usual, rtol=1e-4, atol=1e-3)
    edge = np.hypot(axis[None, :], axis[:, None] - 65) < 12
    assert usual[edge].std() < 0.8 * usual[middle].std()
    across, down = (np.abs(np.diff(usual, axis=each))[middle[: rows - (each == 0), : rows - (each == 1)]].mean()
                    for each in (1, 0))  # fmt: skip
    assert down > 1.15 * across, "rays along the body's width are the weakest, and streaks lie along them"


def test_lesions_lie_in_their_organs_as_bright_as_they_are_said_to_be() -> None:
    case = next(found for seed in range(400_000, 400_020) if (found := draw_case(seed)).lesions)
    lesion = case.lesions[0]
    with_it, numbers = case.without_noise(lesion.z_mm, 512)
    inside = numbers == 1
    assert inside.sum() * (case.anatomy.scan.field_of_view_mm / 512) ** 2 == pytest.approx(
        np.pi * lesion.radius_mm**2, rel=0.35
    )
    without, _ = replace(case, lesions=()).without_noise(lesion.z_mm, 512)
    assert (with_it - without)[inside].max() * np.sign(lesion.contrast_hu) == pytest.approx(
        abs(lesion.contrast_hu), rel=0.35
    )


def test_real_pairs_are_series_of_two_doses_or_files_side_by_side(tmp_path: Path) -> None:
    for dose in ("Low Dose Images", "Full Dose Images"):
        for file in write_study(401_001, tmp_path / "L001" / dose, slices=5, rows=64, uid_seed=dose):
            image = pydicom.dcmread(file)
            image.SeriesDescription = dose
            if dose.startswith("Full"):
                image.PixelData = (image.pixel_array - 7).astype(image.pixel_array.dtype).tobytes()
            image.save_as(file)
    [entry] = list_entries(f"ldct:{tmp_path}", 0)
    scan = entry.load(1, 3)
    assert entry.patient == "L001" and scan.seen.shape == scan.good.shape == (1, 3, 64, 64)
    assert (scan.seen - scan.good == 7).all()
    volume = np.arange(8 * 6 * 4, dtype=np.int16).reshape(8, 6, 4)
    for name, values in (("a_low", volume), ("a_full", volume + 1)):
        nibabel.Nifti1Image(values, np.diag([-1.0, -1.0, 2.0, 1.0])).to_filename(tmp_path / f"{name}.nii.gz")
    [pair] = list_entries(f"nifti:{tmp_path}", 0)
    assert (pair.load(2, 2).good - pair.load(2, 2).seen == 1).all()
    with pytest.raises(SettingsError, match=r"There is no pair of scans at a low and at the full dose in"):
        list_entries(f"ldct:{tmp_path / 'L001'}", 0)


def test_a_scan_is_tried_in_every_way(served: Path) -> None:
    made = try_patient(401_002, False, served, slices=3, rows=ROWS)
    assert tuple(made.by_way) == WAYS
    assert made.by_way[SOURCE].psnr < made.by_way[NON_LOCAL].psnr
    numbers = made.by_way[SOURCE].numbers
    assert all(abs(numbers[bias_in(tissue)]) < 8 for tissue in ("fat", "soft tissue"))
    rods = {rod.contrast_hu for rod in draw(401_002, False, 3, ROWS).case.rods}
    assert {contrast for contrast in RODS_HU if np.isfinite(numbers[edge_of(contrast)])} == rods


def quality(psnr: float, **changes: object) -> Quality:
    numbers = {bias_in(tissue): 0.5 for tissue in TISSUES} | {edge_of(contrast): 0.8 for contrast in RODS_HU}
    return Quality(**{"psnr": psnr, "ssim": 0.9, "lost": 1, "invented": 0, "numbers": numbers, **changes})  # type: ignore[arg-type]


def trials() -> list[Trial]:
    def one(seed: int, bias: float = 0.5, **ours: object) -> Trial:
        by_way = {way: quality(30.0 + number + seed / 10) for number, way in enumerate(WAYS)}
        plain = quality(35.0, **ours)
        by_way[OURS] = replace(plain, numbers=plain.numbers | {bias_in(tissue): bias for tissue in TISSUES})
        return Trial(seed, False, 9, 4, by_way, ())

    return [one(0, -1.5), one(1, invented=9), one(2, float("nan"), lost=0)]


def test_figures_are_of_a_thousand_and_leave_out_what_is_not_there() -> None:
    figures = figures_of(trials())
    assert figures.lost[OURS].value == pytest.approx(1000 * 2 / 12)
    assert figures.invented[OURS].value == pytest.approx(1000 / 3)
    assert figures.over[NON_LOCAL].value == pytest.approx(35 - 32.1)
    reached = {bar.name: bar.reached(figures) for bar in ABOUT.bars}
    assert reached["largest mean difference of a tissue, HU"] == "0.500"
    assert reached[edge_of(60)] == "0.800 (0.800 to 0.800)"


def test_the_report_becomes_page_card_and_readme(tmp_path: Path) -> None:
    parts = {name: figures_of(trials()) for name in ("Held-out phantoms", "Shifted phantoms")}
    foreign = {"inverted": 1.0, "all": 1.0}
    rows = [row for part in summary(ABOUT, parts, foreign, 0.4).parts if isinstance(part, Rows) for row in part.rows]
    assert ("planted lesions", "", "12", "12") in rows
    shown = replace(ABOUT, show=lambda trial, path: path.name)
    _, pictures = sections(shown, "Held-out phantoms", trials(), parts["Held-out phantoms"], tmp_path)
    assert isinstance(pictures.parts[0], Pictures) and len(pictures.parts[0].files) == 3
    told = {
        n: {**asdict(p), "bars": {b.name: [b.to_reach, b.reached(p)] for b in ABOUT.bars}} for n, p in parts.items()
    }
    report = {"foreign series cautioned": foreign, "seconds_per_slice": 0.4, **told}
    card = Card.model_validate(
        with_figures(Card.model_validate_json(CARD.read_bytes()).model_dump(by_alias=True), report)
    )
    assert card.figures[0].name == "Decibels over non-local means"
    [faults] = [image.faults for image in card.outputs.images]
    assert faults is not None
    held_out = next(iter(parts.values()))
    assert faults.lost == pytest.approx(held_out.lost[OURS].value, abs=0.05)
    assert faults.invented == pytest.approx(held_out.invented[OURS].value, abs=0.05)
    written = between_marks(CARD.with_name("README.md").read_text(), table(report), "ct_denoise")
    assert "| decibels over non-local means | ≥ 1 |" in written


def test_card_and_graph_speak_of_the_same_numbers() -> None:
    card = Card.model_validate_json(CARD.read_bytes())
    assert (card.stages[0].input, card.stages[0].outputs) == (INPUT, Served.outputs)

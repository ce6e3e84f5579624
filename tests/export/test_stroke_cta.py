"""The training of the model of infarcts in small: its two paths, resumption, data as ISLES keeps it, its report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import onnx
import pytest
import torch

from export.checkpoints import SettingsError
from export.cubes import OVERLAP
from export.phantoms.stroke.case import draw_case, phantom
from export.schedule import Course
from export.stroke_cta import WINDOW_HU
from export.stroke_cta import train as training
from export.stroke_cta.card import table, with_figures
from export.stroke_cta.data import kept, parts_of, scaled, tiles, training_batches
from export.stroke_cta.export import CARD, FOLDER, INPUT, export_network, load_trained
from export.stroke_cta.figures import THRESHOLD_ML, figures_of
from export.stroke_cta.foreign import KINDS
from export.stroke_cta.model import Served, build_network
from export.stroke_cta.report import sections, summary
from export.stroke_cta.settings import Augmentation, Settings, Split, read_settings
from export.stroke_cta.sources import PhantomEntry, list_entries
from export.stroke_cta.train import train
from export.stroke_cta.trial import BINS, Trial, ask, side_of
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.check import check
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.folder import read

CPU = torch.device("cpu")


def tiny(**changes: Any) -> Settings:
    usual = Settings(
        name="tiny",
        fine=(4, 4),
        coarse=(4, 6),
        pooled=2,
        seed=3,
        split=Split(train=4, validation=1, test=1),
        step_mm=8.0,
        patch=(16, 20, 16),
        on_infarct=0.6,
        augmentation=Augmentation(turn_degrees=8, scale_share=0.1, offset_hu=4, noise_hu=4),
        from_afar=Course(batch=2, iterations=2, learning_rate=0.01),
        near=Course(batch=2, iterations=3, learning_rate=0.01),
        every=2,
    )
    return usual.model_copy(update=changes)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("heads")


@pytest.fixture(scope="module")
def checkpoint(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tiny(), "phantoms", tmp_path_factory.mktemp("run"), cache, CPU)


def tiny_folder(checkpoint: Path, folder: Path) -> Path:
    """As it would be served, with the patches of the small network."""
    export_network(load_trained(checkpoint), folder / "model.onnx")
    card = Card.model_validate_json(CARD.read_bytes())
    depth, rows, columns = tiny().patch
    changed = {"depth": depth, "rows": rows, "columns": columns, "spacing_mm": (8.0, 8.0, 8.0)}
    stage = card.stages[0].model_copy(update=changed)
    (folder / "card.json").write_text(card.model_copy(update={"stages": (stage,)}).model_dump_json(by_alias=True))
    return folder


def test_an_interrupted_training_goes_on_to_the_same_network(
    checkpoint: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = training.learning_rate

    def interrupted(largest: float, done: float) -> float:
        if done == pytest.approx(2 / 3):
            raise KeyboardInterrupt
        return rate(largest, done)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(training, "learning_rate", interrupted)
        train(tiny(), "phantoms", tmp_path, cache, CPU)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["iterations"] == 2

    torch.manual_seed(99)
    resumed = torch.load(train(tiny(), "phantoms", tmp_path, cache, CPU), weights_only=True)
    whole = torch.load(checkpoint, weights_only=True)
    for name, value in whole["network"].items():
        torch.testing.assert_close(resumed["network"][name], value)


def test_a_checkpoint_of_another_configuration_is_refused(checkpoint: Path, cache: Path) -> None:
    with pytest.raises(SettingsError, match="was trained with another configuration"):
        train(tiny(coarse=(6, 6)), "phantoms", checkpoint.parent, cache, CPU)


def test_the_graph_says_what_the_network_says_and_the_node_takes_it(checkpoint: Path, tmp_path: Path) -> None:
    trained = load_trained(checkpoint)
    assert export_network(trained, tmp_path / "model.onnx") < 1e-2
    kept_in = {each.key: each.value for each in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert Settings.model_validate_json(kept_in["settings"]) == trained.settings
    device = Device("cpu")
    try:
        folder = tiny_folder(checkpoint, tmp_path / "stroke-cta")
        assert [finding.sentence for finding in check(folder, device) if not finding.well] == []
    finally:
        device.close()


def test_the_node_s_way_from_files_to_a_mask_on_the_series_grid(checkpoint: Path, tmp_path: Path) -> None:
    made, seen = phantom(draw_case(1, ill=True), rows=48)
    answer = ask(made, tiny_folder(checkpoint, tmp_path / "stroke-cta"))
    assert answer.mask.shape == answer.probability.shape == seen.infarct_zyx.shape
    assert not any("contrast" in each or "thicker" in each for each in answer.cautions)


def test_card_and_configuration_speak_of_the_same_cubes() -> None:
    card, settings = (
        Card.model_validate_json(CARD.read_bytes()),
        read_settings(CARD.parent / "configs" / "standard.json"),
    )
    [stage] = card.stages
    assert (stage.depth, stage.rows, stage.columns) == settings.patch
    assert stage.spacing_mm == (settings.step_mm,) * 3
    assert (stage.input, stage.outputs, stage.overlap) == (INPUT, Served.outputs, OVERLAP)
    assert (stage.intensity.lowest, stage.intensity.highest) == WINDOW_HU  # type: ignore[union-attr]
    assert card.priority == "stat"
    smallest = settings.pooled * 2 ** (len(settings.coarse) - 1)
    assert all(length % smallest == 0 for length in settings.patch)
    assert [step.least_mm3 for step in card.outputs.segments.steps if step.step == "remove-small"] == [  # type: ignore[union-attr]
        1000 * THRESHOLD_ML
    ]


def test_the_coarse_path_sees_beyond_what_the_fine_one_sees() -> None:
    """What changes at one end of a patch is told at the other one, where the fine path's few layers do not reach."""
    network = build_network(tiny()).eval()
    with torch.no_grad():
        for value in network.parameters():
            value.abs_()
        dark, bright = torch.full((2, 1, 16, 20, 16), 0.7)
        bright[:, :4] = 0.8
        fine = network.fine(network.windows(bright[None])) - network.fine(network.windows(dark[None]))
        both = network(bright[None]) - network(dark[None])
    assert fine[:, :, :4].any() and not fine[:, :, 6:].any()
    assert both[0, 0, 12, 10, -1].abs() > 0


def test_both_paths_begin_with_what_the_coarse_one_says() -> None:
    torch.manual_seed(1)
    network, images = build_network(tiny()).eval(), torch.rand(1, 1, 16, 20, 16)
    with torch.no_grad():
        torch.testing.assert_close(network(images), network.enlarge(network.from_afar(images)))


def test_near_the_coarse_path_stays_as_it_was_learned_from_afar(cache: Path, tmp_path: Path) -> None:
    far = tiny(near=Course(iterations=1, learning_rate=0.0))
    learned, after = (
        torch.load(train(some, "phantoms", tmp_path / str(number), cache, CPU), weights_only=True)["network"]
        for number, some in enumerate((far, tiny()))
    )
    changed = {name.split(".")[0] for name, value in after.items() if not torch.equal(value, learned[name])}
    assert changed == {"fine", "joined", "correction"}


def test_batches_are_made_by_their_number(cache: Path) -> None:
    scans = kept(parts_of("phantoms", tiny()).train, tiny(), cache / "phantoms")
    whole, resumed = list(training_batches(scans, tiny(), 0)), list(training_batches(scans, tiny(), 3))
    torch.testing.assert_close(whole[3].images, resumed[0].images)
    assert whole[0].images.shape == whole[0].infarct.shape == (2, 1, 16, 20, 16)
    assert float(whole[0].images.min()) >= 0 and float(whole[0].images.max()) <= 1


def test_no_patient_is_in_two_parts() -> None:
    parts = parts_of("phantoms", tiny(split=Split(train=20, validation=5, test=5)))
    names = [{entry.patient for entry in part} for part in (parts.train, parts.validation, parts.test)]
    assert [len(each) for each in names] == [20, 5, 5]
    assert len(set.union(*names)) == 30


def test_a_phantom_is_learned_from_as_the_node_sees_its_series() -> None:
    """What is in a cube of it is the mean of what the scanner gives there."""
    scan, case = PhantomEntry(0).load(8.0), draw_case(0)
    whole = case.series(48).hu_zyx
    assert scan.hu.shape == scan.infarct.shape == (20, 30, 30)
    assert scan.hu.mean() == pytest.approx(whole.mean(), abs=3)
    assert scan.infarct.mean() == pytest.approx(case.series(48).infarct_zyx.mean(), rel=0.1)


def test_tiles_cover_a_scan_and_lie_around_a_smaller_one() -> None:
    hu = np.zeros((8, 30, 16), np.int16)
    found = tiles(hu, (16, 20, 16))
    assert found.shape == (2, 1, 16, 20, 16)
    inside = scaled(torch.zeros(1))
    assert (found[:, :, 4:12] == inside).all() and not found[:, :, :4].any()


def test_data_as_isles_keeps_it(tmp_path: Path) -> None:
    """Right, forward, up; the files of two sessions in folders of their own."""
    values, lesion = np.full((8, 10, 6), 30, np.float32), np.zeros((8, 10, 6), np.uint8)
    lesion[1, 2, 3] = 1  # to the right, behind, in the upper half
    values[1, 2, 3] = 90
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    for session, name, array in (("ses-01", "ses-01_cta", values), ("ses-02", "ses-02_lesion-msk", lesion)):
        folder = tmp_path / "sub-stroke0001" / session
        folder.mkdir(parents=True)
        nibabel.save(nibabel.Nifti1Image(array, affine), folder / f"sub-stroke0001_{name}.nii.gz")
    (tmp_path / "sub-stroke0002").mkdir()

    [entry] = list_entries(f"nifti:{tmp_path}", 0)
    scan = entry.load(2.0)
    assert entry.patient == "sub-stroke0001"
    assert scan.hu.shape == scan.infarct.shape == (6, 10, 8)
    assert np.argwhere(scan.infarct).tolist() == [[3, 10 - 1 - 2, 8 - 1 - 1]]
    assert scan.hu[3, 7, 6] == 90

    other = nibabel.Nifti1Image(lesion, np.diag([3.0, 2.0, 2.0, 1.0]))
    nibabel.save(other, tmp_path / "sub-stroke0001" / "ses-02" / "sub-stroke0001_ses-02_lesion-msk.nii.gz")
    with pytest.raises(SettingsError) as refusal:
        entry.load(2.0)
    sentence = "sub-stroke0001_ses-02_lesion-msk.nii.gz is not on the grid of sub-stroke0001_ses-01_cta.nii.gz."
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("dicom:x", "The data is 'dicom:x'; it must be phantoms or nifti:FOLDER."),
        ("nifti:{}", "There is no folder with a CTA and the mask of its lesion as NIfTI files in {}."),
    ],
)
def test_data_that_is_not_there_is_refused(data: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        list_entries(data.format(tmp_path), 0)
    assert str(refusal.value) == sentence.format(tmp_path)


def test_the_side_is_that_of_the_mask_in_the_head_wherever_the_head_lies() -> None:
    hu = np.full((3, 10, 20), -1000, np.int16)
    hu[:, 2:8, 8:18] = 40  # its middle is at 12.5
    mask = np.zeros(hu.shape, bool)
    mask[1, 4, 11] = True
    assert side_of(mask, hu) == "right"
    mask[1, 4, 14:16] = True
    assert side_of(mask, hu) == "left"
    assert side_of(np.zeros(hu.shape, bool), hu) is None


def trial(truth_ml: float, found_ml: float, overlap_ml: float = 0.0, brain_hu: float = 30.0) -> Trial:
    histogram = np.zeros((2, BINS), np.int64)
    histogram[0, 0], histogram[1, -1] = 90, 10
    side = "left" if truth_ml else None
    said = ("The images look unlike those that the model was trained on.",) if brain_hu > 100 else ()
    return Trial(1, False, "MCA" if truth_ml else None, side, "left" if found_ml else None, truth_ml, found_ml,
                 overlap_ml, histogram, brain_hu, said)  # fmt: skip


TRIALS = (trial(20, 10, 10), trial(40, 0), trial(60, 60, 60), trial(0, 0), trial(0, 4), trial(0, 0, brain_hu=120))


def test_figures_are_of_patients() -> None:
    figures = figures_of(TRIALS)
    assert (figures.patients, figures.ill) == (6, 3)
    assert figures.sensitivity.value == pytest.approx(2 / 3)
    assert figures.specificity.value == pytest.approx(2 / 3)
    assert figures.by_threshold["5 ml"]["specificity"].value == 1
    assert figures.dice.value == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert figures.volume_ml.bias == pytest.approx(-50 / 3)
    assert figures.side_right.value == 1
    assert figures.strange.value == pytest.approx(1 / 6)
    assert figures.by_territory["MCA"]["found"].value == pytest.approx(2 / 3)
    assert np.isnan(figures.by_territory["ACA"]["found"].value)
    assert figures.calibration_error.value < 0.02


def test_the_report_s_page_and_table_have_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.stroke_cta.report._worst", lambda trial, path: path.name)
    figures = {name: figures_of(TRIALS) for name in ("Held-out phantoms", "Shifted phantoms")}
    short = summary(figures, {"heart": 1.0, "all": 1.0}, 0.1)
    parts = sections("Held-out phantoms", TRIALS, figures["Held-out phantoms"], tmp_path)
    assert short.title == "In short" and len(parts) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"held-out-agreement.png", "held-out-calibration.png"}
    told = {"foreign series cautioned": {"heart": 1.0, "all": 1.0}, "seconds_per_slice": 0.1}
    report = told | {name: asdict(some) for name, some in figures.items()}
    assert "| sensitivity | 0.93 | 0.667" in table(report)
    assert len(with_figures({}, report)["figures"]) == 8
    assert str(figures["Held-out phantoms"].volume_ml).startswith("−16.7")


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"abdomen", "heart"}))
def test_what_the_model_was_not_made_for_is_another_series(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.stroke_cta.foreign._ROWS", 32)
    made, usual = KINDS[kind](3), phantom(draw_case(3), rows=32)[0]
    assert made.voxels_zyx.shape == usual.voxels_zyx.shape
    assert (made.voxels_zyx != usual.voxels_zyx).mean() > 0.01


def test_the_report_s_card_is_the_node_s() -> None:
    assert read(FOLDER).card == Card.model_validate_json(CARD.read_bytes())

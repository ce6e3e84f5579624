"""The training of the model of brain tumours in small: outlines, consistency, resumption, data as BraTS keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch

from export.brain_tumour_mr import REGIONS, SERIES
from export.brain_tumour_mr import train as training
from export.brain_tumour_mr.data import changed, kept, labelled, parts_of, regions_of, training_batches
from export.brain_tumour_mr.export import CARD, INPUT, export_network, load_trained
from export.brain_tumour_mr.model import Served
from export.brain_tumour_mr.settings import Augmentation, Consistency, Settings, Split, read_settings
from export.brain_tumour_mr.sources import list_entries
from export.brain_tumour_mr.train import train
from export.checkpoints import SettingsError
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.check import check
from orthanc_plugin.routing.card import Card

CPU = torch.device("cpu")
AS_THEY_ARE = Augmentation(turn_degrees=0, scale_share=0, gamma=0, noise=0, without=1)


def tiny(**changes: Any) -> Settings:
    usual = Settings(
        name="tiny",
        channels=(4, 8),
        seed=3,
        split=Split(train=4, validation=1, test=1),
        labelled=0.5,
        step_mm=8.0,
        side=16,
        on_tumour=0.7,
        augmentation=Augmentation(turn_degrees=8, scale_share=0.1, gamma=0.2, noise=0.02, without=0.3),
        consistency=Consistency(weight=0.5, decay=0.9),
        batch=2,
        iterations=4,
        learning_rate=0.01,
        every=2,
    )
    return usual.model_copy(update=changes)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("heads")


def test_an_interrupted_training_goes_on_to_the_same_network_and_teacher(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = torch.load(train(tiny(), "phantoms", tmp_path / "whole", cache, CPU), weights_only=True)
    rate = training.learning_rate

    def interrupted(settings: Settings, iteration: int) -> float:
        if iteration == 3:
            raise KeyboardInterrupt
        return rate(settings, iteration)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(training, "learning_rate", interrupted)
        train(tiny(), "phantoms", tmp_path / "run", cache, CPU)
    torch.manual_seed(99)
    resumed = torch.load(train(tiny(), "phantoms", tmp_path / "run", cache, CPU), weights_only=True)
    for which in ("network", "teacher"):
        for name, value in whole[which].items():
            torch.testing.assert_close(resumed[which][name], value)


def test_the_graph_says_what_the_network_says_and_the_node_takes_it(cache: Path, tmp_path: Path) -> None:
    trained = load_trained(train(tiny(), "phantoms", tmp_path / "run", cache, CPU))
    folder = tmp_path / "brain-tumour-mr"
    assert export_network(trained, folder / "model.onnx") < 1e-2
    card = Card.model_validate_json(CARD.read_bytes())
    stage = card.stages[0].model_copy(update={"depth": 16, "rows": 16, "columns": 16})
    (folder / "card.json").write_text(card.model_copy(update={"stages": (stage,)}).model_dump_json(by_alias=True))
    device = Device("cpu")
    try:
        assert [finding.sentence for finding in check(folder, device) if not finding.well] == []
    finally:
        device.close()


def test_card_and_configuration_speak_of_the_same_cubes() -> None:
    card, settings = (
        Card.model_validate_json(CARD.read_bytes()),
        read_settings(CARD.parent / "configs" / "standard.json"),
    )
    [stage] = card.stages
    assert (stage.depth, stage.rows, stage.columns) == (settings.side,) * 3
    assert stage.spacing_mm == (settings.step_mm,) * 3
    assert (stage.roles, stage.input, stage.outputs) == (SERIES, INPUT, Served.outputs)
    assert [role for role, wanted in card.inputs.items() if wanted.required] == list(SERIES[:2])
    assert len(card.segments) == len(REGIONS)


def test_outlines_that_are_left_aside_are_not_looked_at(cache: Path) -> None:
    """The same patients without their outlines make the same network."""
    scans = kept(parts_of("phantoms", tiny()).train, tiny(), cache / "phantoms")
    used, others = labelled(scans, tiny())
    assert (len(used), len(others)) == (2, 2) and not set(used) & set(others)
    assert labelled(scans, tiny(labelled=1.0))[1] == []


def test_those_without_outlines_teach_by_consistency_alone(cache: Path, tmp_path: Path) -> None:
    silent = tiny(consistency=Consistency(weight=0.0, decay=0.9))
    alone, with_others = (
        torch.load(train(each, "phantoms", tmp_path / str(number), cache, CPU), weights_only=True)["network"]
        for number, each in enumerate((silent, tiny()))
    )
    assert any(not torch.equal(alone[name], value) for name, value in with_others.items())


def test_regions_lie_within_one_another() -> None:
    parts = torch.tensor([0, 1, 2, 3])
    assert len(REGIONS) == 3
    assert regions_of(parts).tolist() == [[0, 1, 1, 1], [0, 1, 1, 0], [0, 0, 1, 0]]


def test_the_series_that_may_be_missing_are_left_out_now_and_then() -> None:
    images = torch.ones(len(SERIES), 2, 2, 2)
    seen = changed(images, AS_THEY_ARE, np.random.default_rng(0))
    assert [bool(channel.any()) for channel in seen] == [True, True, False, False]


def test_batches_are_made_by_their_number(cache: Path) -> None:
    scans = kept(parts_of("phantoms", tiny()).train, tiny(), cache / "phantoms")
    whole, resumed = list(training_batches(scans, tiny(), 0)), list(training_batches(scans, tiny(), 3))
    torch.testing.assert_close(whole[3].images, resumed[0].images)
    assert whole[0].images.shape == (2, len(SERIES), 16, 16, 16)
    assert whole[0].regions.shape == (2, len(REGIONS), 16, 16, 16)


def test_data_as_brats_keeps_it(tmp_path: Path) -> None:
    """Right, forward, up; the parts by its numbers, of which those of the older and of the newer years are known."""
    values = np.zeros((8, 10, 6), np.float32)
    values[1, 2, 3] = 100  # to the right, behind, in the upper half
    outlines = np.zeros(values.shape, np.uint8)
    outlines[1, 2, 3], outlines[1, 2, 4], outlines[1, 2, 5] = 4, 2, 1
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    (tmp_path / "P1").mkdir()
    for name in ("t1", "t1ce", "t2", "flair"):
        nibabel.save(nibabel.Nifti1Image(values, affine), tmp_path / "P1" / f"P1_{name}.nii.gz")
    nibabel.save(nibabel.Nifti1Image(outlines, affine), tmp_path / "P1" / "P1_seg.nii.gz")
    (tmp_path / "P2").mkdir()

    [entry] = list_entries(f"nifti:{tmp_path}", 0)
    scan = entry.load(2.0)
    assert entry.patient == "P1"
    assert scan.images.shape == (4, 6, 10, 8)
    [place] = np.argwhere(scan.images[0] > 0.5)
    assert place.tolist() == [3, 10 - 1 - 2, 8 - 1 - 1]
    assert scan.parts is not None
    assert [int(scan.parts[slice_index, 7, 6]) for slice_index in (3, 4, 5)] == [2, 3, 1]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("dicom:x", "The data is 'dicom:x'; it must be phantoms or nifti:FOLDER."),
        ("nifti:{}", "There is no folder with all of t1c, flair, t1, t2 as NIfTI files in {}."),
    ],
)
def test_data_that_is_not_there_is_refused(data: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        list_entries(data.format(tmp_path), 0)
    assert str(refusal.value) == sentence.format(tmp_path)

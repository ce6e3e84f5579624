from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from export.abdominal_muscle_ct import train as training
from export.abdominal_muscle_ct.train import Machine, learning_rate, train
from export.checkpoints import SettingsError
from export.phantoms import abdomen
from tests.export.training import ROWS, tiny, with_seed

HERE = Machine(torch.device("cpu"), workers=0)


class PowerCut(Exception):
    pass


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    return dict(torch.load(checkpoint, weights_only=True)["network"])


def test_an_interrupted_training_goes_on_as_if_nothing_had_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(tiny(), "phantoms", tmp_path / "whole", tmp_path / "cache", HERE)
    save = training._save

    def save_then_fail(*arguments: object) -> None:
        save(*arguments)  # type: ignore[arg-type]
        raise PowerCut

    monkeypatch.setattr(training, "_save", save_then_fail)
    with pytest.raises(PowerCut):
        train(tiny(), "phantoms", tmp_path / "cut", tmp_path / "cache", HERE)
    monkeypatch.undo()
    assert torch.load(tmp_path / "cut" / "checkpoint.pt", weights_only=True)["epochs"] == 1
    resumed = train(tiny(), "phantoms", tmp_path / "cut", tmp_path / "cache", HERE)
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(resumed)[name], value, msg=lambda text, name=name: f"{name}: {text}")


def test_the_level_network_trains_and_leaves_curves(tmp_path: Path) -> None:
    checkpoint = train(tiny("level", epochs=1), "phantoms", tmp_path / "run", tmp_path / "cache", HERE)
    state = torch.load(checkpoint, weights_only=True)
    assert (state["epochs"], state["seed"], state["data"]) == (1, 5, "phantoms")
    assert list((tmp_path / "run" / "curves").iterdir())


def test_the_other_encoder_trains(tmp_path: Path) -> None:
    checkpoint = train(tiny("tissue-densenet", epochs=1), "phantoms", tmp_path / "run", tmp_path / "cache", HERE)
    assert any("denseblock4" in name for name in weights(checkpoint))


def test_another_configuration_does_not_go_on_from_a_checkpoint(tmp_path: Path) -> None:
    checkpoint = train(tiny("level", epochs=1), "phantoms", tmp_path / "run", tmp_path / "cache", HERE)
    with pytest.raises(SettingsError) as refusal:
        train(with_seed(tiny("level", epochs=1), 6), "phantoms", tmp_path / "run", tmp_path / "cache", HERE)
    assert str(refusal.value) == (
        f"{checkpoint} was trained with another configuration; give another --out or remove it."
    )


def write_pairs(folder: Path) -> None:
    for seed in range(5):
        phantom = abdomen.phantom(seed, slices=2, rows=ROWS)
        for kind, voxels in (("image", phantom.voxels_zyx), ("label", phantom.labels_zyx)):
            nibabel.save(nibabel.Nifti1Image(voxels.T, np.eye(4)), folder / f"{seed}_{kind}.nii.gz")


def test_the_level_is_not_learned_from_cases_without_one(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    with pytest.raises(SettingsError) as refusal:
        train(tiny("level"), f"nifti:{tmp_path}", tmp_path / "run", tmp_path / "cache", HERE)
    assert str(refusal.value) == (
        "The height of L3 is unknown in 4 of 4 cases; name them in levels.csv (case,l3_z_mm)."
    )


def test_the_tissue_network_trains_on_real_formats(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    checkpoint = train(tiny(epochs=1), f"nifti:{tmp_path}", tmp_path / "run", tmp_path / "cache", HERE)
    assert torch.load(checkpoint, weights_only=True)["data"] == "nifti"


def test_the_learning_rate_falls_over_a_stage() -> None:
    settings = tiny()
    rates = [learning_rate(settings, epoch, share) for epoch in (0, 1) for share in (0.0, 0.5)]
    assert rates[0] == settings.stages[0].learning_rate
    assert rates == sorted(rates, reverse=True)

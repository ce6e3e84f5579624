"""The classifier of regions: its training goes on where it was cut, its graph says what torch says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from pydantic import ValidationError

from export.body_region import train as training
from export.body_region.data import Part, parts_of
from export.body_region.export import Probability, export_network, load_trained
from export.body_region.report import Trial, calibration, confusion_of, figures_of, report
from export.body_region.settings import Settings, read_settings
from export.body_region.train import threshold_of, train
from export.checkpoints import SettingsError
from export.graph import ParityError, check_parity
from export.phantoms.regions.region import REGIONS
from orthanc_plugin.inference.region import FOLDER

CONFIGS = Path(__file__).parents[2] / "export" / "body_region" / "configs"
TINY = Settings(
    name="tiny", channels=(2, 4), seed=5, train=3, validation=2, test=2, epochs=2, batch=16, learning_rate=0.01,
    largest_wrong_share=0.05,
)  # fmt: skip


class PowerCut(Exception):
    pass


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regions")
    parts_of(TINY, folder)
    return folder


def state(checkpoint: Path) -> dict[str, torch.Tensor]:
    return dict(torch.load(checkpoint, weights_only=True)["network"])


def test_the_shipped_configuration_holds_and_is_the_one_of_the_graph() -> None:
    settings = read_settings(CONFIGS / "standard.json")
    said = {entry.key: entry.value for entry in onnx.load(FOLDER / "region.onnx").metadata_props}
    assert Settings.model_validate_json(said["settings"]) == settings
    assert said["trained_on"] == "synthetic phantoms; no patient data"
    assert (FOLDER / "region.onnx").stat().st_size < 1_500_000


def test_an_unknown_key_of_a_configuration_is_refused(tmp_path: Path) -> None:
    raw = json.loads((CONFIGS / "standard.json").read_text()) | {"epoch": 3}
    (tmp_path / "odd.json").write_text(json.dumps(raw))
    with pytest.raises(ValidationError, match="epoch"):
        read_settings(tmp_path / "odd.json")


def test_no_image_is_in_two_parts(cache: Path) -> None:
    parts = parts_of(TINY, cache)
    seen = [
        image.tobytes() for part in (parts.train, parts.validation, parts.test, parts.shifted) for image in part.images
    ]
    assert len(seen) == len(set(seen)) == len(REGIONS) * (3 + 2 + 2 + 2)
    assert parts.train.regions.tolist() == sorted([*range(len(REGIONS))] * 3)


def test_an_interrupted_training_goes_on_as_if_nothing_had_been(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(TINY, tmp_path / "whole", cache)
    save = training._save

    def save_then_fail(*arguments: object) -> None:
        save(*arguments)  # type: ignore[arg-type]
        raise PowerCut

    monkeypatch.setattr(training, "_save", save_then_fail)
    with pytest.raises(PowerCut):
        train(TINY, tmp_path / "cut", cache)
    monkeypatch.undo()
    cut = tmp_path / "cut" / "checkpoint.pt"
    with pytest.raises(SettingsError) as refusal:
        load_trained(cut)
    assert str(refusal.value) == f"{cut} is not trained to its end; go on with the training."
    resumed = train(TINY, tmp_path / "cut", cache)
    for name, value in state(whole).items():
        torch.testing.assert_close(state(resumed)[name], value)


def test_another_configuration_does_not_go_on_from_a_checkpoint(tmp_path: Path, cache: Path) -> None:
    checkpoint = train(TINY, tmp_path, cache)
    with pytest.raises(SettingsError) as refusal:
        train(TINY.model_copy(update={"seed": 6}), tmp_path, cache)
    assert str(refusal.value) == (
        f"{checkpoint} was trained with another configuration; give another --out or remove it."
    )


def test_the_graph_says_what_torch_says_in_any_unit(tmp_path: Path, cache: Path) -> None:
    trained = load_trained(train(TINY, tmp_path, cache))
    assert export_network(trained, tmp_path / "graph") <= 1e-4
    assert sorted(path.name for path in (tmp_path / "graph").iterdir()) == ["region.json", "region.onnx"]
    image = torch.from_numpy(np.random.default_rng(0).random((1, 1, 128, 128), np.float32))
    with torch.inference_mode():
        torch.testing.assert_close(trained.network(image), trained.network(image * 3000 - 1000), rtol=1e-3, atol=1e-3)
        next(trained.network.parameters()).mul_(-4)
    with pytest.raises(ParityError, match=r"^region\.onnx differs from torch by .*; at most 1e-04 is allowed\.$"):
        check_parity(Probability(trained.network).eval(), tmp_path / "graph" / "region.onnx", {"image": image}, 1e-4)


def test_the_threshold_is_the_lowest_that_lets_few_enough_wrong_answers_pass() -> None:
    probabilities = torch.tensor([[0.95, 0.05], [0.9, 0.1], [0.85, 0.15], [0.4, 0.6]])
    assert threshold_of(probabilities, torch.tensor([0, 0, 1, 1]), 0.01) == 0.855
    assert threshold_of(probabilities, torch.tensor([0, 0, 0, 1]), 0.01) == 0.8


def certain(regions: list[int], sure: float = 0.9) -> np.ndarray:
    probabilities = np.full((len(regions), len(REGIONS)), (1 - sure) / (len(REGIONS) - 1))
    probabilities[np.arange(len(regions)), regions] = sure
    return probabilities


def test_figures_tell_wrong_from_unknown() -> None:
    truth = np.repeat(np.arange(len(REGIONS)), 4)
    said = truth.copy()
    said[0] = 1
    trial = Trial(certain(said.tolist(), 0.5), certain(said.tolist()), truth)
    figures = figures_of(trial, threshold=0.8)
    bodies = len(truth) - 4
    assert figures.accuracy.value == pytest.approx(1 - 1 / len(truth))
    assert figures.wrong_region.value == pytest.approx(1 / bodies)
    assert (figures.unknown.value, figures.said_of_no_body) == (0, 0)
    assert figures.sensitivity["head"].value == 0.75
    assert figures.calibration_error_after < figures.calibration_error_before
    assert confusion_of(trial)[0, :2].tolist() == [3, 1]
    assert figures_of(replace(trial, after=trial.before), threshold=0.4).unknown.value == 0
    assert calibration(trial.after, truth)[2] == pytest.approx(figures.accuracy.value - 0.905)


def test_the_report_says_what_the_data_was_and_stays_small(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = replace(load_trained(train(TINY, tmp_path / "run", cache)), threshold=0.01)

    def answers(_network: object, part: Part) -> np.ndarray:
        return np.log(certain(np.roll(part.regions, 1).tolist()))

    monkeypatch.setattr("export.body_region.report.logits_of", answers)
    report(trained, cache, tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text()
    assert "<body>\n<p>Data: synthetic phantoms; no patient data.</p>" in page
    told = json.loads((tmp_path / "report" / "report.json").read_text())
    assert told["Shifted phantoms"]["images"] == 2 * len(REGIONS)
    pictures = {path.name for path in (tmp_path / "report").glob("*.png")}
    assert all(name in page for name in pictures)
    assert len(pictures) == 5
    assert sum(path.stat().st_size for path in (tmp_path / "report").iterdir()) < 1_500_000

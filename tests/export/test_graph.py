"""A module becomes a graph that says the same, with halved weights too; what is no longer the same is refused."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from export.classifier import Classifier, Served
from export.graph import ParityError, check_parity, write_graph
from export.strangeness import Strangeness, description_of

HISTORY = {"trained_on": "nothing"}


class Wide(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.look = nn.Conv2d(1, 32, 9)
        self.head = nn.Linear(32, 2)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        found = torch.relu(self.look(images))
        return self.head(found.mean(dim=(2, 3))), found


def images(count: int = 3, rows: int = 32) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((count, 1, rows, rows), np.float32))


def written(path: Path, *, half: bool) -> float:
    return write_graph(Wide(), path, {"image": images()}, ["scores", "maps"], HISTORY, half=half)


def test_halved_weights_halve_the_file_and_hardly_change_the_answers(tmp_path: Path) -> None:
    whole, half = tmp_path / "whole.onnx", tmp_path / "half.onnx"
    assert written(whole, half=False) < 1e-5
    assert 0 < written(half, half=True) < 2e-3
    assert half.stat().st_size < 0.65 * whole.stat().st_size
    (scores, maps) = onnxruntime.InferenceSession(half).run(None, {"image": images(5).numpy()})
    assert (scores.shape, maps.shape) == ((5, 2), (5, 32, 24, 24))
    assert scores.dtype == np.float32


def test_the_file_says_where_it_comes_from(tmp_path: Path) -> None:
    written(tmp_path / "model.onnx", half=True)
    said = {entry.key: entry.value for entry in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert said == {"licence": "AGPL-3.0-or-later", "trained_on": "nothing"}


def test_another_network_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "model.onnx", half=True)
    other = Wide()
    with torch.no_grad():
        other.head.bias.add_(1)
    with pytest.raises(ParityError, match=r"^model\.onnx differs from torch by .*; at most 1e-02 is allowed\.$"):
        check_parity(other, tmp_path / "model.onnx", {"image": images()}, 1e-2)


def test_a_classifier_is_served_with_its_reasons(tmp_path: Path) -> None:
    torch.manual_seed(0)
    classifier = Classifier(channels=1, classes=2).eval()
    given = images(6, 64)
    with torch.inference_mode():
        described = description_of(given, classifier.features(given))
        served = Served(classifier, Strangeness.fitted(described, described), exclusive=False).eval()
        probability, activation, strangeness = served(given)
    torch.testing.assert_close(torch.sigmoid(activation.mean(dim=(2, 3))), probability)
    torch.testing.assert_close(torch.sigmoid(classifier(given)), probability)
    assert strangeness.shape == (6,)
    assert write_graph(served, tmp_path / "m.onnx", {"image": given}, ["p", "a", "s"], HISTORY) < 1e-2


def noise(count: int, seed: int, *, rough: float = 1.0, shift: float = 0.0) -> Tensor:
    """Images of one kind: blobs of a size, in noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(size=(count, 1, 8, 8)).repeat(8, axis=2).repeat(8, axis=3)
    return torch.from_numpy((coarse + rough * 0.2 * rng.normal(size=(count, 1, 64, 64)) + shift).astype(np.float32))


def described(given: Tensor) -> Tensor:
    return description_of(given, given[:, :, ::16, ::16])


def test_what_is_unlike_what_was_learned_is_strange() -> None:
    found = Strangeness.fitted(described(noise(400, 1)), described(noise(200, 2)))
    held_out = found(described(noise(200, 3)))
    assert float((held_out > 1).float().mean()) <= 0.06
    for foreign in (
        noise(50, 4, rough=4),
        noise(50, 5, shift=3),
        -1000 + 500 * noise(50, 6),
        torch.zeros(5, 1, 64, 64),
    ):
        assert float((found(described(foreign)) > 1).float().mean()) >= 0.95

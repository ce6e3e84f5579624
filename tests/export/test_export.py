from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from export.abdominal_muscle_ct.export import Probability, Trained, export_network, load_trained
from export.abdominal_muscle_ct.model import LevelNet, TissueNet
from export.abdominal_muscle_ct.train import Machine, train
from export.graph import ParityError
from export.parity import check_parity
from tests.export.training import tiny

SHIPPED = Path(__file__).parents[2] / "onnx_models" / "abdominal-muscle-ct"


def untrained(network: Literal["tissue", "level"]) -> Trained:
    torch.manual_seed(0)
    settings = tiny(network)
    built = Probability(TissueNet(settings.channels, 1)) if network == "tissue" else LevelNet(settings.channels, 1, 4)
    return Trained(settings, "phantoms", 0, built.eval())


def run(path: Path, hu: np.ndarray) -> list[np.ndarray]:
    return list(onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"hu": hu}))


def test_the_tissue_graph_takes_any_number_of_slices_and_matrices_of_32(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    assert export_network(untrained("tissue"), path) <= 1e-4
    for shape in ((1, 1, 64, 64), (3, 1, 96, 160)):
        (probability,) = run(path, np.random.default_rng(0).normal(0, 300, shape).astype(np.float32))
        assert probability.shape == (shape[0], 3, *shape[2:])
        assert 0 <= probability.min() <= probability.max() <= 1


def test_the_level_graph_gives_an_offset_and_its_deviation_per_slice(tmp_path: Path) -> None:
    path = tmp_path / "level.onnx"
    assert export_network(untrained("level"), path) <= 1e-4
    offset, sigma = run(path, np.random.default_rng(0).normal(0, 300, (3, 1, 512, 512)).astype(np.float32))
    assert offset.shape == sigma.shape == (3,)
    assert sigma.min() >= 1


def test_the_file_says_what_it_was_trained_on(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export_network(untrained("tissue"), path)
    said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert said["trained_on"] == "synthetic phantoms; no patient data"
    assert said["licence"] == "AGPL-3.0-or-later"
    assert list(tmp_path.iterdir()) == [path]


def test_a_graph_that_is_not_the_network_is_refused(tmp_path: Path) -> None:
    trained, path = untrained("tissue"), tmp_path / "model.onnx"
    export_network(trained, path)
    with torch.no_grad():
        next(trained.network.parameters()).mul_(1.5)
    with pytest.raises(ParityError, match=r"^model\.onnx differs from torch by .*; at most 1e-04 is allowed\.$"):
        check_parity(trained.network, path, rows=128)


def test_a_checkpoint_is_served_on_full_slices(tmp_path: Path) -> None:
    checkpoint = train(
        tiny("level", epochs=1), "phantoms", tmp_path, tmp_path / "cache", Machine(torch.device("cpu"), workers=0)
    )
    trained = load_trained(checkpoint)
    assert isinstance(trained.network, LevelNet)
    assert trained.network.shrink.kernel_size == 8  # trained on 64 rows, served on 512
    assert not trained.network.training


@pytest.mark.parametrize("name", ["model.onnx", "level.onnx"])
def test_the_shipped_graphs_are_whole_small_and_honest(name: str) -> None:
    path = SHIPPED / name
    if not path.exists():
        pytest.skip(f"{name} is not trained yet")
    assert path.stat().st_size < 3e6
    graph = onnx.load(path)
    assert [entry.name for entry in graph.graph.input] == ["hu"]
    said = {entry.key: entry.value for entry in graph.metadata_props}
    assert said["trained_on"] == "synthetic phantoms; no patient data"

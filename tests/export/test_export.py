from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from export.abdominal_muscle_ct.export import ServedLevel, ServedTissue, Trained, export_network, load_trained
from export.abdominal_muscle_ct.model import LevelNet, build_network
from export.abdominal_muscle_ct.settings import Network
from export.abdominal_muscle_ct.train import Machine, train
from export.phantoms import abdomen
from export.strangeness import Strangeness, description_of
from tests.export.training import tiny

SHIPPED = Path(__file__).parents[2] / "onnx_models" / "abdominal-muscle-ct"


def untrained(name: Network) -> Trained:
    torch.manual_seed(0)
    settings = tiny(name)
    network = build_network(settings, level_shrink=4)
    if isinstance(network, LevelNet):
        described = description_of(*network.eval().look(torch.randn(40, 1, 256, 256) * 300))
        served = ServedLevel(network, Strangeness.fitted(described[:30], described[30:]))
        return Trained(settings, "phantoms", 0, served.eval())
    return Trained(settings, "phantoms", 0, ServedTissue(network).eval())


def run(path: Path, hu: np.ndarray) -> list[np.ndarray]:
    return list(onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"hu": hu}))


@pytest.mark.parametrize("name", ["tissue", "tissue-densenet"])
def test_the_tissue_graph_takes_any_number_of_slices_and_matrices_of_64(tmp_path: Path, name: Network) -> None:
    path = tmp_path / "model.onnx"
    assert export_network(untrained(name), path, rows=128, half=False) <= 1e-4
    for shape in ((1, 1, 64, 64), (3, 1, 128, 192)):
        (probability,) = run(path, np.random.default_rng(0).normal(0, 300, shape).astype(np.float32))
        assert probability.shape == (shape[0], 3, *shape[2:])
        assert 0 <= probability.min() <= probability.max() <= 1


def test_the_level_graph_gives_an_offset_its_deviation_and_how_strange_a_slice_is(tmp_path: Path) -> None:
    path = tmp_path / "level.onnx"
    assert export_network(untrained("level"), path, rows=256, half=False) <= 1e-4
    noise = np.random.default_rng(0).normal(0, 300, (3, 1, 256, 256)).astype(np.float32)
    offset, sigma, strangeness = run(path, noise)
    assert offset.shape == sigma.shape == strangeness.shape == (3,)
    assert sigma.min() >= 1
    assert run(path, noise * 0 - 1000)[2].min() > 10 * strangeness.max()


def test_the_file_says_what_it_was_trained_on(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export_network(untrained("tissue"), path, rows=128)
    said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert said["trained_on"] == "synthetic phantoms; no patient data"
    assert said["licence"] == "AGPL-3.0-or-later"
    assert list(tmp_path.iterdir()) == [path]


def test_a_checkpoint_is_served_on_full_slices(tmp_path: Path) -> None:
    checkpoint = train(
        tiny("level", epochs=1), "phantoms", tmp_path, tmp_path / "cache", Machine(torch.device("cpu"), workers=0)
    )
    trained = load_trained(checkpoint)
    assert isinstance(trained.network, ServedLevel)
    assert trained.network.network.shrink.kernel_size == 8  # trained on 64 rows, served on 512
    assert not trained.network.training
    slices = torch.from_numpy(abdomen.phantom(2, slices=3, rows=512).voxels_zyx[:, None]).float()
    assert torch.isfinite(trained.network(slices)[2]).all()


@pytest.mark.parametrize("name", ["model.onnx", "level.onnx"])
def test_the_shipped_graphs_are_whole_small_and_honest(name: str) -> None:
    path = SHIPPED / name
    assert path.stat().st_size < 3e6
    graph = onnx.load(path)
    assert [entry.name for entry in graph.graph.input] == ["hu"]
    said = {entry.key: entry.value for entry in graph.metadata_props}
    assert said["trained_on"] == "synthetic phantoms; no patient data"

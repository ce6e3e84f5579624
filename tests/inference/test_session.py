"""Sessions stay warm within the memory, let go of what is not used, and say with figures what they can't do."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from orthanc_plugin.errors import Broken
from orthanc_plugin.inference import session
from orthanc_plugin.inference.graph import OutOfMemory, Tensor
from orthanc_plugin.inference.limits import Limits
from orthanc_plugin.inference.memory import give_back
from orthanc_plugin.inference.session import Sessions, resident_bytes
from tests.inference import graphs

MEBI = 1 << 20
ONE = np.ones((1, 1, 2, 2), np.float32)


def loaded_mb() -> int:
    """What the process holds with ONNX Runtime in it and no graph of ours, nor room that others had and freed."""
    give_back()
    return resident_bytes() // MEBI


def test_a_graph_is_loaded_once_for_each_version_of_its_model(tmp_path: Path) -> None:
    doubler, sessions = graphs.write_doubler(tmp_path / "m" / "model.onnx"), Sessions("cpu", Limits())
    assert sessions.run(doubler, "v1", {"hu": ONE})["probability"].tolist() == (2 * ONE).tolist()
    graphs.write_channels(doubler, [5.0])
    assert sessions.run(doubler, "v1", {"hu": ONE})["probability"].tolist() == (2 * ONE).tolist()
    assert sessions.run(doubler, "v2", {"hu": ONE})["probability"].tolist() == (5 * ONE).tolist()
    assert sessions.warm == 2


def test_memory_stays_under_the_budget_while_ten_models_rotate(tmp_path: Path) -> None:
    heavy = [graphs.write_heavy(tmp_path / str(n) / "model.onnx", megabytes=12, seed=n) for n in range(10)]
    expected = [onnx.numpy_helper.to_array(onnx.load(path).graph.initializer[0])[ONE.size] for path in heavy]
    sessions = Sessions("cpu", Limits())
    sessions.run(graphs.write_doubler(tmp_path / "first" / "model.onnx"), "v1", {"hu": ONE})
    budget_mb = loaded_mb() + 80
    sessions = Sessions("cpu", Limits(host_mb=budget_mb))
    warm = []
    for _ in range(2):
        for path, weight in zip(heavy, expected, strict=True):
            answer = sessions.run(path, "v1", {"hu": ONE})["probability"]
            assert answer[0, 0, 0, 0] == pytest.approx(1 + weight, abs=1e-6)
            assert resident_bytes() <= budget_mb * MEBI
            warm.append(sessions.warm)
    assert 2 <= max(warm) < 10


def test_a_loaded_graph_is_held_once(tmp_path: Path) -> None:
    """And not its file beside its weights."""
    heavy = graphs.write_heavy(tmp_path / "m" / "model.onnx", megabytes=40, seed=1)
    sessions = Sessions("cpu", Limits())
    sessions.run(graphs.write_doubler(tmp_path / "first" / "model.onnx"), "v1", {"hu": ONE})
    before_mb = loaded_mb()
    sessions.run(heavy, "v1", {"hu": ONE})
    assert 36 <= loaded_mb() - before_mb <= 60


def test_the_least_recently_used_leaves_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As if each graph took 10 MB and 45 MB while it is loaded, whatever else this process holds."""
    caplog.set_level("INFO")
    old, kept, new = (graphs.write_heavy(tmp_path / name / "model.onnx", 10, 1) for name in ("old", "kept", "new"))
    sessions = Sessions("cpu", Limits(host_mb=60))
    monkeypatch.setattr(session, "resident_bytes", lambda: sessions.warm * 10 * MEBI)
    for path in (kept, old, kept, new):
        sessions.run(path, "v1", {"hu": ONE})
    assert caplog.messages == ["the graph model.onnx of old leaves the memory"]


def test_a_graph_larger_than_the_budget_is_refused_with_both_figures(tmp_path: Path) -> None:
    heavy = graphs.write_heavy(tmp_path / "some-model" / "model.onnx", 8, 1)
    with pytest.raises(Broken) as refusal:
        Sessions("cpu", Limits(host_mb=4)).run(heavy, "v1", {"hu": ONE})
    assert refusal.value.sentence == (
        "The graph model.onnx of some-model has 8 MB, more than the 4 MB that graphs may take; "
        "raise HostMemoryMegabytes."
    )


def test_memory_that_runs_out_is_told_with_its_figures(tmp_path: Path) -> None:
    hungry, sessions = graphs.write_hungry(tmp_path / "some-model" / "model.onnx"), Sessions("cpu", Limits())
    assert sessions.run(hungry, "v1", {"hu": ONE})["probability"].tolist() == ONE.tolist()
    sessions.run(graphs.write_doubler(tmp_path / "other" / "model.onnx"), "v1", {"hu": ONE})
    with pytest.raises(OutOfMemory) as failure:
        sessions.run(hungry, "v1", {"hu": np.concatenate([ONE, ONE])})
    assert failure.value.sentence.startswith(
        "The memory of cpu ran out on the graph model.onnx of some-model with a batch of 2 (the device process holds "
    )
    assert sessions.warm == 1


@pytest.mark.parametrize("location", ["weights", "../secret", "/proc/self/environ"])
def test_data_beside_the_graph_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str) -> None:
    """Wherever a graph points to, and wherever the process works."""
    path = graphs.write_heavy(tmp_path / "leaking" / "model.onnx", 1, 1)
    model = onnx.load(path)
    (tmp_path / "secret").write_bytes(bytes(1 << 20))
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    skeleton = onnx.load(path, load_external_data=False)
    for weights in skeleton.graph.initializer:
        weights.external_data[0].value = location
    path.write_bytes(skeleton.SerializeToString())
    monkeypatch.chdir(path.parent)
    with pytest.raises(Broken) as refusal:
        Sessions("cpu", Limits()).run(path, "v1", {"hu": ONE})
    assert refusal.value.sentence.startswith("The graph model.onnx of leaking does not load (")


def test_operators_of_foreign_libraries_are_refused(tmp_path: Path) -> None:
    node = onnx.helper.make_node("Magic", ["hu"], ["probability"], domain="com.example")
    path = graphs.write(tmp_path / "foreign" / "model.onnx", [node])
    model = onnx.load(path)
    model.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    onnx.save(model, path)
    with pytest.raises(Broken) as refusal:
        Sessions("cpu", Limits()).run(path, "v1", {"hu": ONE})
    assert refusal.value.sentence.startswith("The graph model.onnx of foreign does not load (")


def test_a_graph_is_described_by_its_inputs_and_outputs(tmp_path: Path) -> None:
    path = graphs.write_channels(tmp_path / "m" / "model.onnx", [1.0, 2.0], ["n", 1, 8, 8])
    described = Sessions("cpu", Limits()).describe(path, "v1")
    assert described.inputs == (Tensor("hu", "tensor(float)", (None, 1, 8, 8)),)
    assert described.outputs[0].name == "probability"


def test_halves_are_fed_to_graphs_that_take_halves(tmp_path: Path) -> None:
    nodes = [
        onnx.helper.make_node("Cast", ["hu"], ["wide"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Add", ["wide", "wide"], ["probability"]),
    ]
    path = graphs.write(tmp_path / "m" / "model.onnx", nodes)
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    onnx.save(model, path)
    assert Sessions("cpu", Limits()).run(path, "v1", {"hu": ONE})["probability"].tolist() == (2 * ONE).tolist()

"""Tiny ONNX graphs for the tests, made by hand, and the folders of models around them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper, save

from orthanc_plugin.routing.folder import Model, read

FREE = ["n", "c", "r", "k"]


def write_doubler(path: Path) -> Path:
    """hu [n, c, r, k] -> probability, twice as much."""
    return write(path, [helper.make_node("Add", ["hu", "hu"], ["probability"])])


def write_endless(path: Path) -> Path:
    """A graph that does not end within the tests' lifetime: a loop that counts to the largest integer."""
    return write_slow(path, 2**62)


def write_slow(
    path: Path, rounds: int, factor: float = 1.0, shift: float = 0.0, shape: list[Any] | None = None
) -> Path:
    """hu -> probability, hu * factor + shift after a loop of so many rounds: half a microsecond each, on one core."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Identity", ["seen"], ["seen_on"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("seen", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("seen_on", TensorProto.FLOAT, None),
        ],
    )
    nodes = [
        helper.make_node("Constant", [], ["rounds"], value=helper.make_tensor("m", TensorProto.INT64, [], [rounds])),
        helper.make_node("Constant", [], ["yes"], value=helper.make_tensor("y", TensorProto.BOOL, [], [True])),
        helper.make_node("Loop", ["rounds", "yes", "hu"], ["after"], body=body),
        constant("factor", np.array(factor, np.float32)),
        constant("shift", np.array(shift, np.float32)),
        helper.make_node("Mul", ["after", "factor"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["probability"]),
    ]
    return write(path, nodes, shape)


def write_bands(path: Path, bands: list[tuple[float, float]]) -> Path:
    """hu -> probability with a channel a band: 1 where the value lies inside, 0 elsewhere."""
    nodes, channels = [], []
    for number, (lowest, highest) in enumerate(bands):
        for name, value in ((f"low{number}", lowest), (f"high{number}", highest)):
            constant = helper.make_tensor(name, TensorProto.FLOAT, [], [value])
            nodes.append(helper.make_node("Constant", [], [name], value=constant))
        nodes += [
            helper.make_node("Greater", ["hu", f"low{number}"], [f"above{number}"]),
            helper.make_node("Less", ["hu", f"high{number}"], [f"below{number}"]),
            helper.make_node("And", [f"above{number}", f"below{number}"], [f"in{number}"]),
            helper.make_node("Cast", [f"in{number}"], [f"channel{number}"], to=TensorProto.FLOAT),
        ]
        channels.append(f"channel{number}")
    nodes.append(helper.make_node("Concat", channels, ["probability"], axis=1))
    return write(path, nodes, outputs={"probability": ["n", len(bands), "r", "c"]})


def write_level(path: Path, offset_mm: float = 0.0, sigma_mm: float = 5.0, strangeness: float = 0.5) -> Path:
    """hu -> the same offset_mm, sigma_mm and strangeness for every slice."""
    nodes = [helper.make_node("ReduceMean", ["hu"], ["mean"], axes=[1, 2, 3], keepdims=0)]
    for name, value in (("nought", 0.0), ("offset", offset_mm), ("sigma", sigma_mm), ("strange", strangeness)):
        constant = helper.make_tensor(name, TensorProto.FLOAT, [], [value])
        nodes.append(helper.make_node("Constant", [], [name], value=constant))
    nodes += [
        helper.make_node("Mul", ["mean", "nought"], ["none"]),
        helper.make_node("Add", ["none", "offset"], ["offset_mm"]),
        helper.make_node("Add", ["none", "sigma"], ["sigma_mm"]),
        helper.make_node("Add", ["none", "strange"], ["strangeness"]),
    ]
    return write(path, nodes, outputs={"offset_mm": ["n"], "sigma_mm": ["n"], "strangeness": ["n"]})


def write_hungry(path: Path) -> Path:
    """hu [n, …] -> probability, the same; on the way it asks for 4 MB for one item and for 4 TB for more."""
    nodes = [
        helper.make_node("Shape", ["hu"], ["lengths"]),
        constant("first", np.array([0], np.int64)),
        helper.make_node("Gather", ["lengths", "first"], ["items"], axis=0),
        helper.make_node("Cast", ["items"], ["count"], to=TensorProto.FLOAT),
        constant("twenty", np.array([20], np.float32)),
        constant("two", np.array([2], np.float32)),
        constant("forty", np.array([40], np.float32)),
        helper.make_node("Mul", ["count", "twenty"], ["longer"]),
        helper.make_node("Min", ["longer", "forty"], ["exponent"]),
        helper.make_node("Pow", ["two", "exponent"], ["length"]),
        helper.make_node("Cast", ["length"], ["whole"], to=TensorProto.INT64),
        helper.make_node("ConstantOfShape", ["whole"], ["much"]),
        helper.make_node("ReduceMax", ["much"], ["nothing"], keepdims=0),
        helper.make_node("Add", ["hu", "nothing"], ["probability"]),
    ]
    return write(path, nodes)


def write_heavy(path: Path, megabytes: int, seed: int) -> Path:
    """hu -> probability: plus that one of so many megabytes of weights whose place is the number of its values."""
    weights = np.random.default_rng(seed).normal(size=megabytes << 18).astype(np.float32)
    nodes = [
        helper.make_node("Size", ["hu"], ["place"]),
        helper.make_node("Gather", ["weights", "place"], ["weight"]),
        helper.make_node("Add", ["hu", "weight"], ["probability"]),
    ]
    return write(path, nodes, initializers={"weights": weights})


def write_channels(
    path: Path, factors: list[float], shape: list[Any] | None = None, kind: int = 2, output: str = "probability"
) -> Path:
    """hu [n, c, …] -> probability [n, len(factors), …]: the mean of the channels times each factor."""
    spread = np.array(factors, np.float32).reshape(1, -1, *[1] * kind)
    nodes = [
        helper.make_node("ReduceMean", ["hu"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["mean", "factors"], [output]),
    ]
    shape = shape or ["n", "c", *(f"s{axis}" for axis in range(kind))]
    free = {output: ["n", *(f"o{axis}" for axis in range(len(shape) - 1))]}
    return write(path, nodes, shape, {"factors": spread}, free)


def write_classifier(path: Path, bias: list[float]) -> Path:
    """hu [n, c, r, k] -> logits [n, classes], the mean of the item plus each bias; means [n, 1]; heat, the input."""
    nodes = [
        helper.make_node("ReduceMean", ["hu"], ["mean"], axes=[1, 2, 3], keepdims=0),
        constant("column", np.array([-1, 1], np.int64)),
        helper.make_node("Reshape", ["mean", "column"], ["means"]),
        helper.make_node("Add", ["means", "bias"], ["logits"]),
        helper.make_node("ReduceMean", ["hu"], ["heat"], axes=[1], keepdims=1),
    ]
    return write(
        path,
        nodes,
        outputs={"logits": ["n", len(bias)], "means": ["n", 1], "heat": FREE},
        initializers={"bias": np.array([bias], np.float32)},
    )


def write_slots(path: Path, slots: int, earlier: float = 0.0) -> Path:
    """hu [n, c, r, k] -> means [n, slots] of the first channels, plus a share of those after them; heat, the first."""
    nodes = []
    for name, first in (("heat", 0), ("before", slots)):
        nodes += [
            constant(f"{name} from", np.array([first], np.int64)),
            constant(f"{name} to", np.array([first + slots], np.int64)),
            helper.make_node("Slice", ["hu", f"{name} from", f"{name} to", "channels"], [name]),
            helper.make_node("ReduceMean", [name], [f"mean of {name}"], axes=[2, 3], keepdims=0),
        ]
    nodes = [constant("channels", np.array([1], np.int64)), constant("share", np.array(earlier, np.float32)), *nodes]
    nodes += [
        helper.make_node("Mul", ["mean of before", "share"], ["added"]),
        helper.make_node("Add", ["mean of heat", "added"], ["means"]),
    ]
    return write(path, nodes, outputs={"means": ["n", slots], "heat": FREE})


def write_fed(path: Path, values: int) -> Path:
    """hu and values [n, values] -> logits [n, 1]: the mean of the item plus the sum of the values that are numbers."""
    nodes = [
        helper.make_node("ReduceMean", ["hu"], ["mean"], axes=[1, 2, 3], keepdims=0),
        constant("column", np.array([-1, 1], np.int64)),
        helper.make_node("Reshape", ["mean", "column"], ["means"]),
        constant("nought", np.array(0, np.float32)),
        helper.make_node("IsNaN", ["values"], ["unknown"]),
        helper.make_node("Where", ["unknown", "nought", "values"], ["known"]),
        constant("across", np.array([1], np.int64)),
        helper.make_node("ReduceSum", ["known", "across"], ["sum"], keepdims=1),
        helper.make_node("Add", ["means", "sum"], ["logits"]),
    ]
    return write(path, nodes, outputs={"logits": ["n", 1]}, more_inputs={"values": ["n", values]})


def constant(name: str, value: np.ndarray) -> NodeProto:  # type: ignore[type-arg]
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))


def write(
    path: Path,
    nodes: list[NodeProto],
    shape: list[Any] | None = None,
    initializers: dict[str, np.ndarray] | None = None,  # type: ignore[type-arg]
    outputs: dict[str, list[Any]] | None = None,
    more_inputs: dict[str, list[Any]] | None = None,
) -> Path:
    outputs = outputs or {"probability": ["n", *(f"o{axis}" for axis in range(len(shape or FREE) - 1))]}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, lengths)
            for name, lengths in {"hu": shape or FREE, **(more_inputs or {})}.items()
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, lengths) for name, lengths in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in (initializers or {}).items()],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def concept(value: str, meaning: str) -> dict[str, str]:
    return {"value": value, "scheme": "99TEST", "meaning": meaning}


def segment(label: str, **more: Any) -> dict[str, Any]:
    category = {"value": "123037004", "scheme": "SCT", "meaning": "Anatomical Structure"}
    structure = {"value": "10200004", "scheme": "SCT", "meaning": "Liver"}
    return {"label": label, "category": category, "property": structure, "rgb": [200, 80, 60]} | more


def model(folder: Path, stages: list[dict[str, Any]], outputs: dict[str, Any], **more: Any) -> Model:
    """The model in `folder`, whose graphs are there already: its card has these stages and outputs."""
    card = {
        "card_version": 1,
        "name": folder.name,
        "title": "Of the tests",
        "version": "1.0.0",
        "licence": "AGPL-3.0-or-later",
        "intended_use": "Tests.",
        "trained_on": "Nothing.",
        "clinical_use": False,
        "notice": "Not for clinical use.",
        "applies": {"tag": "Modality", "present": True},
        "unknown": "run",
        "stages": stages,
        "outputs": outputs,
        "limits": {"seconds": 60},
    }
    (folder / "card.json").write_text(json.dumps(card | more))
    return read(folder)


def stage(**changes: Any) -> dict[str, Any]:
    plain = {"name": "only", "files": ["model.onnx"], "kind": "slices", "input": "hu", "outputs": ["probability"]}
    return plain | {"rows": 16, "columns": 16, "batch": 4} | changes


def segments(*items: dict[str, Any], steps: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    source = {"stage": "only", "output": "probability"}
    return {"segments": {"from": source, "steps": steps, "items": list(items)} | more}

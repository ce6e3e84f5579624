"""Tiny ONNX graphs for the tests, made by hand."""

from pathlib import Path

from onnx import TensorProto, helper, save


def write_doubler(path: Path) -> Path:
    """hu [n, 1, r, c] -> probability, twice as much."""
    return _write(path, [helper.make_node("Add", ["hu", "hu"], ["probability"])], ["n", 1, "r", "c"])


def write_endless(path: Path) -> Path:
    """A graph that does not end within the tests' lifetime: a loop that counts to the largest integer."""
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
        helper.make_node("Constant", [], ["rounds"], value=helper.make_tensor("m", TensorProto.INT64, [], [2**62])),
        helper.make_node("Constant", [], ["yes"], value=helper.make_tensor("y", TensorProto.BOOL, [], [True])),
        helper.make_node("Loop", ["rounds", "yes", "hu"], ["probability"], body=body),
    ]
    return _write(path, nodes, ["n", 1, "r", "c"])


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
    return _write(path, nodes, ["n", 1, "r", "c"], {"probability": ["n", len(bands), "r", "c"]})


def write_level(path: Path, offset_mm: float = 0.0, sigma_mm: float = 5.0) -> Path:
    """hu -> the same offset_mm and sigma_mm for every slice."""
    nodes = [helper.make_node("ReduceMean", ["hu"], ["mean"], axes=[1, 2, 3], keepdims=0)]
    for name, value in (("nought", 0.0), ("offset", offset_mm), ("sigma", sigma_mm)):
        constant = helper.make_tensor(name, TensorProto.FLOAT, [], [value])
        nodes.append(helper.make_node("Constant", [], [name], value=constant))
    nodes += [
        helper.make_node("Mul", ["mean", "nought"], ["none"]),
        helper.make_node("Add", ["none", "offset"], ["offset_mm"]),
        helper.make_node("Add", ["none", "sigma"], ["sigma_mm"]),
    ]
    return _write(path, nodes, ["n", 1, "r", "c"], {"offset_mm": ["n"], "sigma_mm": ["n"]})


def _write(path: Path, nodes: list, shape: list, outputs: dict[str, list] | None = None) -> Path:  # type: ignore[type-arg]
    named = outputs or {"probability": shape}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("hu", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name, sizes in named.items()],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path

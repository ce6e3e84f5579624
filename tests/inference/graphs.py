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


def _write(path: Path, nodes: list, shape: list) -> Path:  # type: ignore[type-arg]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("hu", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, shape)],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path

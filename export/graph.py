"""A torch module as it is to be served in, its ONNX file with its history in it out, held against the module."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET = 17
LICENCE = "AGPL-3.0-or-later"
_SMALL = 1024
"""Of so few numbers, which are biases and constants rather than weights, nothing is gained by halving them."""


class ParityError(AssertionError):
    """The exported graph is not the network that was trained."""


def write_graph(
    module: nn.Module,
    path: Path,
    examples: Mapping[str, Tensor],
    outputs: Sequence[str],
    history: Mapping[str, str],
    *,
    free: Mapping[str, Mapping[int, str]] | None = None,
    half: bool = True,
    tolerance: float | None = None,
    opset: int = OPSET,
) -> float:
    """Gives the largest difference to the module on the examples, one and all of them at a time.

    `examples` are the inputs by name, several items each. The first axis of inputs and outputs is free, and so are
    those that `free` names. With `half` weights are stored as float16, and computed with as float32.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    module = module.eval()
    axes = {name: {0: "items", **(free or {}).get(name, {})} for name in (*examples, *outputs)}
    with warnings.catch_warnings():
        # The newer exporter needs onnxscript, which nothing else here needs; this one is deprecated and says so.
        warnings.simplefilter("ignore", DeprecationWarning)
        # What is mirrored is not folded into constants, which changes nothing of what it says.
        warnings.filterwarnings("ignore", "Constant folding", UserWarning)
        # It normalises by each instance when it serves, too; whether sizes fit that is asked while it is traced.
        warnings.filterwarnings("ignore", ".*'instance_norm' is set to train=True", UserWarning)
        place = r"torch\.nn\.(modules\.instancenorm|functional)"
        warnings.filterwarnings("ignore", "Converting a tensor to a Python boolean", module=place)
        torch.onnx.export(
            module,
            tuple(given[:1] for given in examples.values()),
            str(path),
            input_names=list(examples),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=opset,
            dynamo=False,
        )
    graph = onnx.load(path)
    if half:
        halve_weights(graph.graph)
    helper.set_model_props(graph, {"licence": LICENCE, **history})
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, path)
    return check_parity(module, path, examples, tolerance or (1e-2 if half else 1e-4))


def halve_weights(graph: onnx.GraphProto) -> None:
    """Half the size of the file; ONNX Runtime casts them once, when it loads the graph."""
    casts = []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < _SMALL:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [weight.name], [name], to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])


def check_parity(module: nn.Module, path: Path, examples: Mapping[str, Tensor], tolerance: float) -> float:
    """Of the outputs, relative to their size where that is more than one."""
    alone = {name: given[:1] for name, given in examples.items()}
    worst = max(_difference(module, path, given) for given in (examples, alone))
    if worst > tolerance:
        raise ParityError(f"{path.name} differs from torch by {worst:.1e}; at most {tolerance:.0e} is allowed.")
    return worst


def _difference(module: nn.Module, path: Path, examples: Mapping[str, Tensor]) -> float:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    graph: Sequence[NDArray[np.float32]] = session.run(None, {name: each.numpy() for name, each in examples.items()})
    with torch.inference_mode():
        answer = module(*examples.values())
    answers = [answer] if isinstance(answer, Tensor) else list(answer)
    return max(
        float(np.max(np.abs(ours.numpy() - theirs) / np.maximum(1, np.abs(theirs))))
        for ours, theirs in zip(answers, graph, strict=True)
    )

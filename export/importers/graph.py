"""A torch network in, an ONNX file that says the same out, and by how much it differs."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from export.importers import Refused

INPUT, OUTPUT = "image", "scores"
TOLERANCE = 1e-3
_OPSET = 17


def answer(network: nn.Module, batch: Tensor) -> Tensor:
    """What the network says to a batch; Refused when that is not one tensor."""
    try:
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            said = network(batch)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise Refused(
            f"The network does not run on an input of the shape {list(batch.shape)} ({first_line(error)}); "
            "state the shape that it takes."
        ) from error
    if not isinstance(said, Tensor):
        raise Refused(f"The network answers a {type(said).__name__}; wrap it so that it answers one tensor.")
    return said


def write_graph(network: nn.Module, shape: tuple[int, ...], path: Path) -> float:
    """`shape` is without the batch, which stays free. The largest difference of graph and network, relative above 1."""
    try:
        with warnings.catch_warnings():
            # The newer exporter needs onnxscript, which nothing else here needs; this one is deprecated and says so.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                (torch.zeros(1, *shape),),
                str(path),
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}},
                opset_version=_OPSET,
                dynamo=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise Refused(f"The network can't be written as ONNX ({first_line(error)}).") from error
    onnx.checker.check_model(onnx.load(path), full_check=True)
    return _checked(network, shape, path)


def _checked(network: nn.Module, shape: tuple[int, ...], path: Path) -> float:
    worst = max(_difference(network, path, batch) for batch in _batches(shape))
    if not worst <= TOLERANCE:
        raise Refused(
            f"The graph {path.name} differs from the network by {worst:.1e}; at most {TOLERANCE:g} is allowed."
        )
    return worst


def _batches(shape: tuple[int, ...]) -> list[Tensor]:
    """Noise of the size that normalised images have, and of the size of Hounsfield units, one and two at a time."""
    noise = torch.randn((2, *shape), generator=torch.Generator().manual_seed(0))
    return [noise, noise[:1], noise[:1] * 500]


def _difference(network: nn.Module, path: Path, batch: Tensor) -> float:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (theirs,) = session.run([OUTPUT], {INPUT: batch.numpy()})
    ours = answer(network, batch).numpy()
    return float(np.max(np.abs(ours - theirs) / np.maximum(1, np.abs(ours))))


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]

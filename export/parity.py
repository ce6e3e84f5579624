"""Does the graph say what the network says? A torch module and its ONNX file in, their largest difference out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from export.phantoms import abdomen

TOLERANCE = 1e-4


class ParityError(AssertionError):
    """The exported graph is not the network that was trained."""


def check_parity(network: nn.Module, path: Path, *, rows: int, tolerance: float = TOLERANCE) -> float:
    """Compares all outputs on phantom slices, one and several at a time; large values relative to their size."""
    slices = abdomen.phantom(1, slices=3, rows=rows).voxels_zyx[:, None].astype(np.float32)
    worst = max(_largest_difference(network, path, batch) for batch in (slices, slices[:1]))
    if worst > tolerance:
        raise ParityError(f"{path.name} differs from torch by {worst:.1e}; at most {tolerance:.0e} is allowed.")
    return worst


def _largest_difference(network: nn.Module, path: Path, hu: NDArray[np.float32]) -> float:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    graph: Sequence[NDArray[np.float32]] = session.run(None, {"hu": hu})
    with torch.inference_mode():
        answer = network(torch.from_numpy(hu))
    torch_outputs = [answer] if isinstance(answer, torch.Tensor) else list(answer)
    return max(
        float(np.max(np.abs(ours.numpy() - theirs) / np.maximum(1, np.abs(theirs))))
        for ours, theirs in zip(torch_outputs, graph, strict=True)
    )

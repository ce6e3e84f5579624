"""Does the graph say what the network says? A torch module and its ONNX file in, their largest difference out."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from export.graph import check_parity as check
from export.phantoms import abdomen

TOLERANCE = 1e-4


def check_parity(network: nn.Module, path: Path, *, rows: int, tolerance: float = TOLERANCE) -> float:
    """Compares all outputs on phantom slices, one and several at a time; large values relative to their size."""
    slices = abdomen.phantom(1, slices=3, rows=rows).voxels_zyx[:, None].astype(np.float32)
    return check(network, path, {"hu": torch.from_numpy(slices)}, tolerance)

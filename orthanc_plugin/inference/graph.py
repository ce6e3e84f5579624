"""What a graph takes and gives, as both sides of the device speak of it, and the error for memory that ran out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orthanc_plugin.errors import Temporary

# The types of inputs that our float32 can be given as.
FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


@dataclass(frozen=True)
class Tensor:
    """An input or output; a length of None is free. `type` is as ONNX Runtime writes it, as `tensor(float)`."""

    name: str
    type: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class Graph:
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


class OutOfMemory(Temporary):
    """The device has too little memory for this batch; a smaller one may fit."""


class OverLimit(OutOfMemory):
    """The graph takes more for this batch than its card allows; a smaller one may take less."""

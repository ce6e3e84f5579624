"""One node of an ONNX graph and its tensors in, its answer on an image out; of volumes, what they say of one slice.

A kernel that looks over slices is summed over them: its answer where all slices are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx
import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Node:
    """`inputs` are names of tensors or weights; `said` are the attributes."""

    operator: str
    inputs: tuple[str, ...]
    output: str
    said: Mapping[str, Any]

    @classmethod
    def of(cls, node: onnx.NodeProto) -> Node:
        said = {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}
        return cls(node.op_type, tuple(name for name in node.input if name), node.output[0], said)

    def pair(self, name: str, default: int) -> tuple[int, int]:
        """Of rows and columns, whatever comes before them."""
        *_, rows, columns = self.said.get(name, (default, default))
        return int(rows), int(columns)

    @property
    def pads(self) -> tuple[int, int, int, int]:
        """Left, right, top, bottom, as torch has them."""
        pads = self.said.get("pads", (0, 0, 0, 0))
        before, after = pads[: len(pads) // 2], pads[len(pads) // 2 :]
        return int(before[-1]), int(after[-1]), int(before[-2]), int(after[-2])

    @property
    def even(self) -> bool:
        """As much on one side as on the other."""
        left, right, top, bottom = self.pads
        return left == right and top == bottom

    @property
    def padding(self) -> tuple[int, int]:
        return self.pads[2], self.pads[0]


Operator = Callable[[Node, Sequence[Tensor]], Tensor]


def flat(weight: Tensor) -> Tensor:
    """A kernel or a constant of volumes as one of images."""
    if weight.ndim != 5:
        return weight
    return weight.sum(dim=2) if weight.shape[2] > 1 else weight[:, :, 0]


def known(node: Node) -> bool:
    """Whether it is worked out here, as the graph says it."""
    if node.said.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        return False
    if node.operator == "Concat":
        return bool(node.said["axis"] == 1)
    if node.operator in ("AveragePool", "MaxPool"):
        even = node.even and node.pair("dilations", 1) == (1, 1)
        return even and not node.said.get("ceil_mode", 0) and node.said.get("storage_order", 0) == 0
    return node.operator in OPERATORS


def convolution(node: Node, tensors: Sequence[Tensor]) -> Tensor:
    image, kernel, *bias = tensors
    if not node.even:
        image = functional.pad(image, node.pads)
    return functional.conv2d(
        image,
        kernel,
        bias[0] if bias else None,
        node.pair("strides", 1),
        node.padding if node.even else 0,
        node.pair("dilations", 1),
        int(node.said.get("group", 1)),
    )


def batch_norm(node: Node, tensors: Sequence[Tensor]) -> Tensor:
    """By what was learned of the images before: a few new ones say less."""
    image, scale, shift, mean, variance = tensors
    return functional.batch_norm(image, mean, variance, scale, shift, eps=float(node.said.get("epsilon", 1e-5)))


def instance_norm(node: Node, tensors: Sequence[Tensor]) -> Tensor:
    image, scale, shift = tensors
    return functional.instance_norm(image, weight=scale, bias=shift, eps=float(node.said.get("epsilon", 1e-5)))


def largest(node: Node, tensors: Sequence[Tensor]) -> Tensor:
    return functional.max_pool2d(tensors[0], node.pair("kernel_shape", 1), node.pair("strides", 1), node.padding)


def average(node: Node, tensors: Sequence[Tensor]) -> Tensor:
    whole = bool(node.said.get("count_include_pad", 0))
    kernel, strides = node.pair("kernel_shape", 1), node.pair("strides", 1)
    return functional.avg_pool2d(tensors[0], kernel, strides, node.padding, count_include_pad=whole)


def slope(_node: Node, tensors: Sequence[Tensor]) -> Tensor:
    return functional.prelu(tensors[0], tensors[1].flatten())


def leaky(node: Node, tensors: Sequence[Tensor]) -> Tensor:
    return functional.leaky_relu(tensors[0], float(node.said.get("alpha", 0.01)))


def exponential(node: Node, tensors: Sequence[Tensor]) -> Tensor:
    return functional.elu(tensors[0], float(node.said.get("alpha", 1.0)))


OPERATORS: Mapping[str, Operator] = {
    "Add": lambda _, tensors: tensors[0] + tensors[1],
    "AveragePool": average,
    "BatchNormalization": batch_norm,
    "Concat": lambda _, tensors: torch.cat(list(tensors), dim=1),
    "Conv": convolution,
    "Div": lambda _, tensors: tensors[0] / tensors[1],
    "Elu": exponential,
    "Identity": lambda _, tensors: tensors[0],
    "InstanceNormalization": instance_norm,
    "LeakyRelu": leaky,
    "MaxPool": largest,
    "Mul": lambda _, tensors: tensors[0] * tensors[1],
    "PRelu": slope,
    "Relu": lambda _, tensors: torch.relu(tensors[0]),
    "Sigmoid": lambda _, tensors: torch.sigmoid(tensors[0]),
    "Sub": lambda _, tensors: tensors[0] - tensors[1],
    "Tanh": lambda _, tensors: torch.tanh(tensors[0]),
}

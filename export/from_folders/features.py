"""An ONNX graph of any model in, the part of its network that sees what is in an image out, as torch goes on with it.

That part begins at the first convolution, as what comes before it is made for the intensities of another task, and ends
where the image is coarsest and has most channels: what comes after it answers that other task.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from export.from_folders import Unusable
from export.from_folders.operators import OPERATORS, Node, flat, known

_PROBE = 128  # rows and columns that tell where the image is coarsest
# What a network was trained to change; the moments of a batch norm are none of it.
_MOMENTS = slice(3, 5)


@dataclass(frozen=True)
class Part:
    """Nodes in their order, from the tensor `begin` to the tensor `end`."""

    nodes: tuple[Node, ...]
    begin: str
    end: str


class Features(nn.Module):
    """What a network of another task makes of a grey image from 0 to 1; each of its channels is given the same."""

    def __init__(self, part: Part, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._part = part
        self._places = {name: f"w{number}" for number, name in enumerate(sorted(weights))}
        norms = (node for node in part.nodes if node.operator == "BatchNormalization")
        moments = {name for node in norms for name in node.inputs[_MOMENTS]}
        for name, place in self._places.items():
            own = weights[name].float().clone()
            if name in moments or own.numel() == 1:
                self.register_buffer(place, own)
            else:
                self.register_parameter(place, nn.Parameter(own))
        first = next(node for node in part.nodes if node.operator == "Conv")
        self.channels = weights[first.inputs[1]].shape[1] * int(first.said.get("group", 1))

    def forward(self, image: Tensor) -> Tensor:
        return self.answers((image * 2 - 1).expand(-1, self.channels, -1, -1))[self._part.end]

    def answers(self, image: Tensor) -> dict[str, Tensor]:
        """Of every node; `image` is what its first convolution takes."""
        found = {self._part.begin: image}
        for node in self._part.nodes:
            tensors = [self.weight(name) if name in self._places else found[name] for name in node.inputs]
            found[node.output] = OPERATORS[node.operator](node, tensors)
        return found

    def weight(self, name: str) -> Tensor:
        """By its name in the graph that it comes from."""
        found = getattr(self, self._places[name])
        assert isinstance(found, Tensor)
        return found

    @property
    def taken(self) -> tuple[str, ...]:
        return tuple(self._places)

    @property
    def end(self) -> str:
        """The tensor of the graph that `forward` answers."""
        return self._part.end

    @property
    def begin(self) -> str:
        return self._part.begin


def features(graph: onnx.GraphProto, model: str) -> Features:
    """Unusable when there is nothing that could be taken over."""
    weights = constants(graph)
    nodes = [Node.of(node) for node in graph.node if node.output[0] not in weights]
    first = next((node for node in nodes if node.operator == "Conv"), None)
    if first is None or len(first.inputs) < 2 or first.inputs[1] not in weights:
        raise Unusable(f"The network of {model} has no convolution whose weights could be taken over; name another.")
    reached = tuple(reachable(nodes, first.inputs[0], weights))
    if first not in reached:
        raise Unusable(f"The first convolution of {model} is of a kind that can't be taken over; name another model.")
    end = deepest(made(Part(reached, first.inputs[0], ""), weights), model)
    return made(Part(tuple(needed(reached, end)), first.inputs[0], end), weights)


def made(part: Part, weights: Mapping[str, Tensor]) -> Features:
    used = {name for node in part.nodes for name in node.inputs if name in weights}
    return Features(part, {name: flat(weights[name]) for name in used})


def weights_of(graph: onnx.GraphProto) -> dict[str, Tensor]:
    """By name; those that are equal may be written once and named as the same again, those that are halves are cast."""
    found = {entry.name: torch.tensor(numpy_helper.to_array(entry)) for entry in graph.initializer}
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
        if node.op_type == "Cast" and node.input[0] in found:
            found[node.output[0]] = found.pop(node.input[0]).float()
    return found


def constants(graph: onnx.GraphProto) -> dict[str, Tensor]:
    """Beside the weights what stands between the nodes."""
    nodes = (node for node in graph.node if node.op_type == "Constant" and node.attribute[0].name == "value")
    written = {node.output[0]: torch.tensor(numpy_helper.to_array(node.attribute[0].t)) for node in nodes}
    return written | weights_of(graph)


def reachable(nodes: Iterable[Node], begin: str, weights: Mapping[str, Tensor]) -> Iterator[Node]:
    """The nodes that can be worked out from `begin` by operators that are known."""
    found = {begin}
    for node in nodes:
        fed = found & set(node.inputs)
        if known(node) and fed and all(name in found or usable(weights, name) for name in node.inputs):
            found.add(node.output)
            yield node


def usable(weights: Mapping[str, Tensor], name: str) -> bool:
    return name in weights and weights[name].is_floating_point()


def deepest(whole: Features, model: str) -> str:
    """The last of the tensors with most channels where the image is coarsest."""
    try:
        with torch.inference_mode():
            answers = whole.answers(torch.zeros(1, whole.channels, _PROBE, _PROBE))
    except (RuntimeError, ValueError, IndexError) as error:
        raise Unusable(
            f"The network of {model} does not run on images ({type(error).__name__}); name another."
        ) from error
    images = {name: answer for name, answer in answers.items() if name != whole.begin and answer.ndim == 4}
    smallest = min(map(area, images.values()))
    coarsest = {name: answer.shape[1] for name, answer in images.items() if area(answer) == smallest}
    return [name for name, channels in coarsest.items() if channels == max(coarsest.values())][-1]


def area(image: Tensor) -> int:
    return image.shape[2] * image.shape[3]


def needed(nodes: tuple[Node, ...], end: str) -> list[Node]:
    wanted, kept = {end}, []
    for node in reversed(nodes):
        if node.output in wanted:
            wanted |= set(node.inputs)
            kept.append(node)
    return kept[::-1]

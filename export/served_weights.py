"""A graph that is served and the network it was exported from in, the graph's weights in the network out.

An export folds normalisation into the convolution before it. Here it is taken out again, so that training goes on as it
would have gone on from the checkpoint, but for what storing the weights in half precision took.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import torch
from onnx import GraphProto, NodeProto, numpy_helper
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from export.graph import ParityError

_NORMALISES = "BatchNormalization"
_LAYERS = ("Conv", "ConvTranspose", _NORMALISES)


@torch.no_grad()
def take_weights(network: nn.Module, path: Path, examples: Tensor) -> None:
    """`examples` are what the network is asked; how large things are within it is seen from them."""
    graph = onnx.load(path).graph
    stored = _stored(graph)
    nodes = [node for node in graph.node if node.op_type in _LAYERS]
    folded: list[_BatchNorm] = []
    network.eval()
    for layer in _in_order(network, examples):
        if isinstance(layer, _BatchNorm) and not (nodes and nodes[0].op_type == _NORMALISES):
            folded.append(layer)
            continue
        if not nodes:
            raise ParityError(f"{path.name} has fewer layers than the network.")
        _take(layer, nodes.pop(0), stored, path)
    if nodes:
        raise ParityError(f"{path.name} has {len(nodes)} layers more than the network.")
    _unfold(network, folded, examples)


def _stored(graph: GraphProto) -> dict[str, Tensor]:
    """By the name that layers know them by: what is stored in half precision is cast to that first."""
    stored = {each.name: torch.from_numpy(numpy_helper.to_array(each).astype(np.float32)) for each in graph.initializer}
    cast_from = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Cast"}
    return stored | {name: stored[before] for name, before in cast_from.items() if before in stored}


def _in_order(network: nn.Module, examples: Tensor) -> Iterator[nn.Module]:
    """The layers, as the network comes to them."""
    met: list[nn.Module] = []
    hooks = [
        layer.register_forward_pre_hook(lambda layer, _: met.append(layer))
        for layer in network.modules()
        if isinstance(layer, (_ConvNd, _BatchNorm))
    ]
    network(examples[:1])
    for hook in hooks:
        hook.remove()
    yield from met


def _take(layer: nn.Module, node: NodeProto, stored: dict[str, Tensor], path: Path) -> None:
    names = ("weight", "bias", "running_mean", "running_var") if node.op_type == _NORMALISES else ("weight", "bias")
    values = dict(zip(names, (stored[name] for name in node.input[1:]), strict=True))
    known = layer.state_dict()
    if {name: value.shape for name, value in values.items()} != {name: known[name].shape for name in names}:
        raise ParityError(f"{path.name} was not exported from such a network: {node.name} is of another size.")
    layer.load_state_dict(known | values)


def _unfold(network: nn.Module, folded: list[_BatchNorm], examples: Tensor) -> None:
    """With what comes there the usual mean and spread are undone again, so that nothing changes but in training."""
    seen: dict[_BatchNorm, tuple[Tensor, Tensor]] = {}

    def notice(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        axes = [axis for axis in range(given[0].dim()) if axis != 1]
        seen[cast(_BatchNorm, layer)] = given[0].mean(dim=axes), given[0].var(dim=axes, correction=0)

    for layer in folded:
        _set(layer, torch.zeros(layer.num_features), torch.ones(layer.num_features) - layer.eps)
    hooks = [layer.register_forward_pre_hook(notice) for layer in folded]
    network(examples)
    for hook in hooks:
        hook.remove()
    for layer, (mean, variance) in seen.items():
        _set(layer, mean, variance)


def _set(layer: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """To these, and to undo them."""
    usual = {"running_mean": mean, "running_var": variance, "bias": mean, "weight": (variance + layer.eps).sqrt()}
    layer.load_state_dict(layer.state_dict() | usual)

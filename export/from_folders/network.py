"""The classifier: images [N, 1, rows, columns] in, logits [N, classes] and their activation maps out."""

from pathlib import Path
from typing import cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from export.from_folders import Unusable

ARCHITECTURE = "from_folders/1"
CHANNELS = (16, 32, 64, 96)


class Block(nn.Module):
    """Half the size; normed by the image itself, so that what is exported has the weights by their names."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.shrink = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        self.norm1 = nn.InstanceNorm2d(after, affine=True)
        self.look = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.InstanceNorm2d(after, affine=True)

    def forward(self, image: Tensor) -> Tensor:
        smaller = torch.relu(self.norm1(self.shrink(image)))
        return torch.relu(smaller + self.norm2(self.look(smaller)))


class Chain(nn.Sequential):
    """Convolutions one after the other, as a network of another task learned them for images from -1 to 1."""

    def forward(self, image: Tensor) -> Tensor:
        return cast(Tensor, super().forward(image * 2 - 1))  # type: ignore[no-untyped-call]


class Classifier(nn.Module):
    """The activation map of a class is what each place adds to its logit: their mean is the logit."""

    def __init__(self, classes: int, features: Chain | None = None) -> None:
        super().__init__()
        blocks = [Block(before, after) for before, after in zip((1, *CHANNELS), CHANNELS, strict=False)]
        self.features = features if features is not None else nn.Sequential(*blocks)
        width = CHANNELS[-1]
        # Not normed: how much of a thing there is must still be seen in the mean.
        self.last = nn.Conv2d(width if features is None else _width(features), width, 3, padding=1)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        maps = cast(Tensor, self.head(torch.relu(self.last(self.features(image)))))
        return maps.mean(dim=(2, 3)), maps


def _width(features: Chain) -> int:
    return [layer.out_channels for layer in features if isinstance(layer, nn.Conv2d)][-1]


def transferred(graph: Path, classes: int) -> Classifier:
    """A classifier that begins with what the graph's network learned; its head is new."""
    loaded = onnx.load(graph)
    said = {entry.key: entry.value for entry in loaded.metadata_props}
    given = {entry.name: numpy_helper.to_array(entry) for entry in loaded.graph.initializer}
    if said.get("architecture") != ARCHITECTURE:
        return Classifier(classes, chain(loaded.graph, given, graph.parent.name))
    network = Classifier(classes)
    own = network.state_dict()
    taken = {
        name: torch.from_numpy(given[name].copy()) for name in own if name in given and not name.startswith("head")
    }
    network.load_state_dict(own | taken)
    return network


def chain(graph: onnx.GraphProto, given: dict[str, NDArray[np.float32]], name: str) -> Chain:
    """The convolutions that follow one another with nothing but ReLU between, as the body region's network has them."""
    layers: list[nn.Module] = []
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    active = {node.input[0]: node.output[0] for node in graph.node if node.op_type == "Relu"}
    before = convolutions[0].input[0] if convolutions else ""
    for node in convolutions:
        if node.input[0] != before or node.output[0] not in active or any(part not in given for part in node.input[1:]):
            break
        layers += [_convolution(node, [given[part] for part in node.input[1:]]), nn.ReLU()]
        before = active[node.output[0]]
    # All of them but the last, which may be a head.
    whole = len(layers) // 2 >= max(1, len(convolutions) - 1)
    if not whole or given[convolutions[0].input[1]].shape[1] != 1:
        raise Unusable(
            f"The network of {name} is no chain of convolutions on grey images; transfer takes models that were made "
            "here, or the body region's."
        )
    return Chain(*layers)


def _convolution(node: onnx.NodeProto, parts: list[NDArray[np.float32]]) -> nn.Conv2d:
    said = {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}
    after, before, *kernel = parts[0].shape
    made = nn.Conv2d(
        before, after, tuple(kernel), tuple(said.get("strides", (1, 1))), tuple(said.get("pads", (0, 0))[:2])
    )
    made.load_state_dict({"weight": torch.tensor(parts[0]), "bias": torch.tensor(parts[1])})
    return made


def metadata(network: Classifier, trained_on: str) -> dict[str, str]:
    own = {} if isinstance(network.features, Chain) else {"architecture": ARCHITECTURE}
    return {**own, "trained_on": trained_on}

"""The classifier: images [N, 1, rows, columns] in, logits [N, classes] and their activation maps out."""

import json
from pathlib import Path
from typing import cast

import onnx
import torch
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


class Classifier(nn.Module):
    """The activation map of a class is what each place adds to its logit: their mean, and the bias, is the logit."""

    def __init__(self, classes: int, channels: tuple[int, ...] = CHANNELS) -> None:
        super().__init__()
        blocks = [Block(before, after) for before, after in zip((1, *channels), channels, strict=False)]
        self.features = nn.Sequential(*blocks)
        # Not normed: how much of a thing there is must still be seen in the mean.
        self.last = nn.Conv2d(channels[-1], channels[-1], 3, padding=1)
        self.head = nn.Conv2d(channels[-1], classes, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        maps = cast(Tensor, self.head(torch.relu(self.last(self.features(image)))))
        return maps.mean(dim=(2, 3)), maps


def trained_before(network: Classifier, graph: Path) -> int:
    """Takes over the features of an exported model of this architecture; gives how many tensors there were."""
    loaded = onnx.load(graph)
    said = {entry.key: entry.value for entry in loaded.metadata_props}
    if said.get("architecture") != ARCHITECTURE:
        raise Unusable(
            f"The network of {graph.parent.name} is not of this architecture; transfer takes {ARCHITECTURE}."
        )
    own = network.state_dict()
    given = {entry.name: numpy_helper.to_array(entry) for entry in loaded.graph.initializer}
    taken = {
        name: torch.from_numpy(given[name].copy()) for name in own if name in given and not name.startswith("head")
    }
    if not taken or any(values.shape != own[name].shape for name, values in taken.items()):
        raise Unusable(f"The network of {graph.parent.name} has other sizes than this one; train from scratch.")
    network.load_state_dict(own | taken)
    return len(taken)


def metadata(trained_on: str) -> dict[str, str]:
    return {"architecture": ARCHITECTURE, "channels": json.dumps(CHANNELS), "trained_on": trained_on}

"""The classifier: images [N, 1, rows, columns] in, logits [N, classes] and their activation maps out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import onnx
import torch
from torch import Tensor, nn

from export.from_folders import Unusable
from export.from_folders.features import Features, features, weights_of

ARCHITECTURE = "from_folders/1"
CHANNELS = (16, 32, 64, 96)
_PROBE = 256  # rows and columns, where nobody says any


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
    """The activation map of a class is what each place adds to its logit: their mean is the logit."""

    def __init__(self, classes: int, features: Features | None = None) -> None:
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


def _width(features: Features) -> int:
    with torch.inference_mode():
        return int(features(torch.zeros(1, 1, _PROBE, _PROBE)).shape[1])


@dataclass(frozen=True, eq=False)
class Transfer:
    """A classifier that begins with what another model's network learned, and the names of the weights in its graph."""

    network: Classifier
    taken: tuple[str, ...]
    left: tuple[str, ...]


def transferred(graph: Path, classes: int, size: int = _PROBE) -> Transfer:
    """Its head is new. Unusable when nothing can be taken over, or images of `size` are too small for it."""
    loaded = onnx.load(graph)
    said = {entry.key: entry.value for entry in loaded.metadata_props}
    weights = {name: values for name, values in weights_of(loaded.graph).items() if values.numel() > 1}
    if said.get("architecture") == ARCHITECTURE:
        network, used = _own(weights, classes)
    else:
        found = features(loaded.graph, graph.parent.name)
        _fits(found, size, graph.parent.name)
        network, used = Classifier(classes, found), found.taken
    return Transfer(
        network,
        tuple(name for name in weights if name in used),
        tuple(name for name in weights if name not in used),
    )


def _own(weights: Mapping[str, Tensor], classes: int) -> tuple[Classifier, tuple[str, ...]]:
    network = Classifier(classes)
    own = network.state_dict()
    used = tuple(name for name in own if name in weights and not name.startswith("head"))
    network.load_state_dict(own | {name: weights[name] for name in used})
    return network, used


def _fits(found: Features, size: int, model: str) -> None:
    """A norm over the places of an image needs more than one."""
    try:
        with torch.inference_mode():
            *_, rows, columns = found(torch.zeros(1, 1, size, size)).shape
    except RuntimeError:
        rows = columns = 0
    if min(rows, columns) < 2:
        raise Unusable(f"Images of {size} x {size} are too small for the network of {model}; give it a larger --size.")


def metadata(network: Classifier, trained_on: str) -> dict[str, str]:
    own = {} if isinstance(network.features, Features) else {"architecture": ARCHITECTURE}
    return {**own, "trained_on": trained_on}

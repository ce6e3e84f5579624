"""The networks: a window around a head in, how probable Alzheimer's disease is, where that was seen, hippocampi out.

The head is found and turned upright. What patches at the landmarks say is added up, each with a weight of its own; so
what a landmark adds to the logit is known, and painted where it lies.
"""

from collections.abc import Sequence
from typing import cast

import torch
from monai.networks.blocks import Convolution
from monai.networks.nets import UNet
from torch import Tensor, nn
from torch.nn.functional import avg_pool3d

from export.alzheimer_mr.settings import Settings
from export.heads.aligning import HeadNetwork, Locator, Shape, halved, inverse, taken
from export.heads.reconstruction import Reconstruction
from export.strangeness import Strangeness, description_of

_FEATURES = 32
_FADING_CUBES = 3.0
_SLABS, _BLOCKS, _WHOLE = (6, 2, 2), 8, 16
_LEAST_SPREAD = 1e-3


class Instances(nn.Module):
    """Patches [N, L, side, side, side] at L landmarks to what each adds to the logit [N, L]; their mean is the logit.

    One network looks at all patches. How much a landmark counts is its own, and grows with what is seen there.
    """

    def __init__(self, channels: tuple[int, ...], landmarks: int) -> None:
        super().__init__()
        self.looking, before = nn.Sequential(), 1
        for number, wide in enumerate(channels):
            if number:
                self.looking.append(nn.MaxPool3d(2))
            self.looking.append(Convolution(3, before, wide, norm="BATCH", act="RELU"))
            before = wide
        self.looking.append(nn.AdaptiveAvgPool3d(1))
        self.looking.append(nn.Flatten())
        self.looking.append(nn.Linear(before, _FEATURES))
        self.looking.append(nn.Tanh())
        self.says = nn.Parameter(torch.randn(landmarks, _FEATURES) * 0.1)
        self.shift = nn.Parameter(torch.zeros(landmarks))
        self.attention = nn.Linear(_FEATURES, 1)
        self.weight = nn.Parameter(torch.zeros(landmarks))

    def forward(self, patches: Tensor, at: Sequence[int]) -> Tensor:
        """`at` are the numbers of the landmarks that the patches lie at."""
        side, at = patches.shape[-1], list(at)
        features = self.looking(patches.reshape(-1, 1, side, side, side)).reshape(-1, len(at), _FEATURES)
        counts = torch.softmax(self.attention(features)[..., 0] + self.weight[at], dim=1) * len(at)
        return cast(Tensor, counts * ((features * self.says[at]).sum(dim=2) + self.shift[at]))


class AlzheimerNet(HeadNetwork):
    """`landmarks` (slice, row, column of each) and the `corner` of the left hippocampus's box, in cubes of the aligned
    head, are found by the training, and so are `scale` and `level`, which calibrate the logit, and `reconstruction`.
    """

    points: Tensor
    box_from: Tensor

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.aligned, self.box, self.patch = settings.aligned, settings.box, settings.patch
        self.locator = Locator(settings.locating, settings.window, settings.aligned)
        self.instances = Instances(settings.judging, settings.landmarks)
        self.outlines = UNet(3, 1, 1, settings.outlining, (2,) * (len(settings.outlining) - 1), num_res_units=1,
                             norm="BATCH")  # fmt: skip
        self.register_buffer("points", torch.full((settings.landmarks, 3), settings.patch // 2, dtype=torch.long))
        self.register_buffer("box_from", torch.zeros(3, dtype=torch.long))
        self.landmarks: list[list[int]] = []
        self.corner: list[int] = []
        self.read_places()
        self.reconstruction = Reconstruction(settings.aligned, settings.step_mm)
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("level", torch.zeros(()))

    def put_places(self, landmarks: Tensor, corner: Tensor) -> None:
        device = self.points.device
        self.points, self.box_from = landmarks.to(device), corner.to(device)
        self.read_places()

    def read_places(self) -> None:
        """As numbers, which a graph has as constants; a checkpoint, after which they are read, has them as tensors."""
        self.landmarks, self.corner = self.points.tolist(), self.box_from.tolist()

    def places(self, windows: Tensor) -> Tensor:
        return cast(Tensor, self.locator(halved(windows))[-1])

    def patches(self, heads: Tensor, at: Sequence[int]) -> Tensor:
        """Of aligned, standard heads [N, 1, …] those at the landmarks of these numbers [N, L, side, side, side]."""
        half, made = self.patch // 2, []
        for z, y, x in (self.landmarks[number] for number in at):
            made.append(heads[:, 0, z - half : z + half, y - half : y + half, x - half : x + half])
        return torch.stack(made, dim=1)

    def boxes(self, heads: Tensor) -> Tensor:
        """[N, C, …] to the boxes around both hippocampi [2 N, C, …]; the right one is mirrored."""
        return torch.cat([self._box(heads), self._box(heads.flip(-1))])

    def boxes_of_sides(self, sides: Tensor) -> Tensor:
        """The same of what is said of both sides [N, 2, …]: [2 N, 1, …]."""
        return torch.cat([self._box(sides[:, :1]), self._box(sides[:, 1:].flip(-1))])

    def _box(self, heads: Tensor) -> Tensor:
        (z, y, x), (depth, rows, columns) = self.corner, self.box
        return heads[:, :, z : z + depth, y : y + rows, x : x + columns]

    def hippocampi(self, heads: Tensor) -> Tensor:
        """How probable they are [N, 2, …] in the aligned head: the left one, the right one."""
        left, right = torch.sigmoid(self.outlines(self.boxes(heads))).chunk(2)
        return torch.cat([self._whole(left), self._whole(right).flip(-1)], dim=1)

    def _whole(self, boxes: Tensor) -> Tensor:
        around: list[int] = []
        for start, length, whole in reversed(list(zip(self.corner, self.box, self.aligned, strict=True))):
            around += [start, whole - start - length]
        return nn.functional.pad(boxes, around)

    def contributions(self, heads: Tensor) -> Tensor:
        """What each landmark adds to the calibrated logit, which is their sum [N, L]."""
        at = range(len(self.landmarks))
        added = self.instances(self.patches(heads, at), at)
        return cast(Tensor, (added * self.scale + self.level) / len(at))


def standard(heads: Tensor) -> Tensor:
    """Aligned heads with mean 0 and deviation 1."""
    mean = heads.mean(dim=(2, 3, 4), keepdim=True)
    spread = (heads - mean).square().mean(dim=(2, 3, 4), keepdim=True).sqrt()
    return (heads - mean) / (spread + _LEAST_SPREAD)


class Served(nn.Module):
    """As the node takes it, of windows [N, 1, slices, rows, columns] from 0 to 1.

    `probability` [N, 1] of the disease, `contribution` [N, 1, …] to it and `hippocampi` [N, 2, …] on the window's
    cubes, `strangeness` [N] of the whole, `anomaly` [N] of the brain.
    """

    outputs = ("probability", "contribution", "hippocampi", "strangeness", "anomaly")

    def __init__(self, network: AlzheimerNet, strangeness: Strangeness) -> None:
        super().__init__()
        self.network, self.strangeness = network, strangeness
        network.read_places()

    def forward(self, windows: Tensor) -> tuple[Tensor, ...]:
        place = self.network.places(windows)
        seen = taken(windows, place, self.network.aligned)
        heads = standard(seen)
        added = self.network.contributions(heads)
        drawn = torch.cat([painted(added, self.network), self.network.hippocampi(heads)], dim=1)
        shape: Shape = (windows.shape[2], windows.shape[3], windows.shape[4])
        back = taken(drawn, inverse(place), shape)
        probability = torch.sigmoid(added.sum(dim=1, keepdim=True))
        strangeness = self.strangeness(description(windows, seen, place))
        return probability, back[:, :1], back[:, 1:], strangeness, self.network.reconstruction(heads)


def painted(added: Tensor, network: AlzheimerNet) -> Tensor:
    """[N, L] to a map [N, 1, …] of the aligned head: around each landmark a ball that fades, of what it adds."""
    points = network.points.to(added.dtype)
    lines = [
        torch.exp(
            -0.5 * ((torch.arange(length, device=added.device) - points[:, axis : axis + 1]) / _FADING_CUBES) ** 2
        )
        for axis, length in enumerate(network.aligned)
    ]
    depth, rows, columns = network.aligned
    planes = (added[:, :, None] * lines[1])[..., None] * lines[2][:, None]
    return (lines[0].T @ planes.flatten(2)).reshape(-1, 1, depth, rows, columns)


def description(windows: Tensor, seen: Tensor, place: Tensor) -> Tensor:
    """[N, d]: how bright and how detailed the aligned head is, what it looks like from afar, where it lies in what."""
    slabs = avg_pool3d(seen, _SLABS)[:, 0]
    coarse, whole = avg_pool3d(seen, _BLOCKS), avg_pool3d(windows, _WHOLE)
    return torch.cat([description_of(slabs, slabs), coarse.flatten(1), whole.flatten(1), place.flatten(1)], dim=1)

"""nnU-Net's two networks by their plans, with the same names of weights, without what only training needs.

The networks are those of the package dynamic-network-architectures, which plans.json names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The numbers of a network; a stage is one resolution, from the finest to the coarsest."""

    residual: bool
    dimensions: int
    channels: int
    classes: int
    features: Sizes
    kernels: tuple[Sizes, ...]
    strides: tuple[Sizes, ...]
    blocks: Sizes
    decoder_blocks: Sizes
    bias: bool
    epsilon: float
    affine: bool
    slope: float

    def convolution(self, before: int, after: int, kernel: Sizes, stride: Sizes, *, bias: bool) -> nn.Module:
        kind = nn.Conv3d if self.dimensions == 3 else nn.Conv2d
        padding = tuple((size - 1) // 2 for size in kernel)
        return kind(before, after, kernel, stride, padding, bias=bias)  # type: ignore[arg-type]

    def norm(self, features: int) -> nn.Module:
        kind = nn.InstanceNorm3d if self.dimensions == 3 else nn.InstanceNorm2d
        return kind(features, eps=self.epsilon, affine=self.affine)

    @property
    def ones(self) -> Sizes:
        return (1,) * self.dimensions


class Unit(nn.Module):
    """Convolution and norm; with the activation unless they end a branch."""

    def __init__(self, plan: Plan, before: int, after: int, kernel: Sizes, stride: Sizes) -> None:
        super().__init__()
        self.conv = plan.convolution(before, after, kernel, stride, bias=plan.bias)
        self.norm = plan.norm(after)
        self.slope = plan.slope

    def forward(self, image: Tensor) -> Tensor:
        return nn.functional.leaky_relu(self.norm(self.conv(image)), self.slope)


class Linear(Unit):
    def forward(self, image: Tensor) -> Tensor:
        return cast(Tensor, self.norm(self.conv(image)))


class Projection(Linear):
    """Brings the shortcut of a residual block to the block's number of features."""

    def __init__(self, plan: Plan, before: int, after: int) -> None:
        super().__init__(replace(plan, bias=False), before, after, plan.ones, plan.ones)


class Units(nn.Module):
    def __init__(self, plan: Plan, count: int, before: int, after: int, kernel: Sizes, stride: Sizes) -> None:
        super().__init__()
        first = Unit(plan, before, after, kernel, stride)
        self.convs = nn.Sequential(first, *(Unit(plan, after, after, kernel, plan.ones) for _ in range(count - 1)))

    def forward(self, image: Tensor) -> Tensor:
        return cast(Tensor, self.convs(image))


class Residual(nn.Module):
    """Two units and a shortcut beside them, averaged where the block makes the image smaller."""

    def __init__(self, plan: Plan, before: int, after: int, kernel: Sizes, stride: Sizes) -> None:
        super().__init__()
        self.conv1 = Unit(plan, before, after, kernel, stride)
        self.conv2 = Linear(plan, after, after, kernel, plan.ones)
        pooled: Callable[[Sizes, Sizes], nn.Module] = nn.AvgPool3d if plan.dimensions == 3 else nn.AvgPool2d  # type: ignore[assignment]
        self.skip = nn.Sequential(
            *([pooled(stride, stride)] if stride != plan.ones else []),
            *([Projection(plan, before, after)] if before != after else []),
        )
        self.slope = plan.slope

    def forward(self, image: Tensor) -> Tensor:
        added = self.conv2(self.conv1(image)) + self.skip(image)
        return nn.functional.leaky_relu(added, self.slope)


class Residuals(nn.Module):
    def __init__(self, plan: Plan, count: int, before: int, after: int, kernel: Sizes, stride: Sizes) -> None:
        super().__init__()
        first = Residual(plan, before, after, kernel, stride)
        self.blocks = nn.Sequential(first, *(Residual(plan, after, after, kernel, plan.ones) for _ in range(count - 1)))

    def forward(self, image: Tensor) -> Tensor:
        return cast(Tensor, self.blocks(image))


class Encoder(nn.Module):
    def __init__(self, plan: Plan) -> None:
        super().__init__()
        first = plan.features[0] if plan.residual else plan.channels
        if plan.residual:
            self.stem = Units(plan, 1, plan.channels, first, plan.kernels[0], plan.ones)
        stages: list[nn.Module] = []
        for before, after, kernel, stride, count in zip(
            (first, *plan.features), plan.features, plan.kernels, plan.strides, plan.blocks, strict=False
        ):
            if plan.residual:
                stages.append(Residuals(plan, count, before, after, kernel, stride))
            else:
                stages.append(nn.Sequential(Units(plan, count, before, after, kernel, stride)))
        self.stages = nn.Sequential(*stages)
        self.residual = plan.residual

    def forward(self, image: Tensor) -> list[Tensor]:
        """From the finest to the coarsest."""
        image = self.stem(image) if self.residual else image
        levels = []
        for stage in self.stages:
            image = stage(image)
            levels.append(image)
        return levels


class Decoder(nn.Module):
    """From the coarsest level up; only the finest answers, the others' answers were for training."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        transposed = nn.ConvTranspose3d if plan.dimensions == 3 else nn.ConvTranspose2d
        answering = nn.Conv3d if plan.dimensions == 3 else nn.Conv2d
        enlarging: list[nn.Module] = []
        stages: list[nn.Module] = []
        for level, count in zip(range(len(plan.features) - 2, -1, -1), plan.decoder_blocks, strict=True):
            below, here, stride = plan.features[level + 1], plan.features[level], plan.strides[level + 1]
            enlarging.append(transposed(below, here, stride, stride, bias=plan.bias))  # type: ignore[arg-type]
            stages.append(Units(plan, count, 2 * here, here, plan.kernels[level], plan.ones))
        self.transpconvs = nn.ModuleList(enlarging)
        self.stages = nn.ModuleList(stages)
        self.answer = answering(plan.features[0], plan.classes, 1)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        image = levels[-1]
        for enlarge, stage, skipped in zip(self.transpconvs, self.stages, reversed(levels[:-1]), strict=True):
            image = stage(torch.cat([enlarge(image), skipped], dim=1))
        return cast(Tensor, self.answer(image))


class Network(nn.Module):
    """Logits [N, classes, …] of the input's size."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.encoder = Encoder(plan)
        self.decoder = Decoder(plan)

    def forward(self, image: Tensor) -> Tensor:
        return cast(Tensor, self.decoder(self.encoder(image)))


def build(plan: Plan, weights: dict[str, Tensor]) -> nn.Module:
    """RuntimeError when the weights are not those of the plan."""
    last = f"decoder.seg_layers.{len(plan.features) - 2}."
    needed = {}
    for name, values in weights.items():
        name = name.removeprefix("module.").removeprefix("_orig_mod.")
        # Units hold their parts twice, and the decoder holds the encoder once more.
        if ".all_modules." in name or name.startswith("decoder.encoder."):
            continue
        if name.startswith(last):
            needed["decoder.answer." + name.removeprefix(last)] = values
        elif not name.startswith("decoder.seg_layers."):
            needed[name] = values
    network = Network(plan)
    network.load_state_dict(needed, strict=True)
    return network.eval()

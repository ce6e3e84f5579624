"""The networks: the views of a mammography and of the one before in, how probable cancer is in each breast out.

A detector looks at every view by itself. Of what it says the place that speaks most for a malignant lesion counts, with
what lies there, with what lay there before, and with the same view of the other breast.
"""

from collections.abc import Mapping
from typing import cast

import torch
from monai.networks.layers.simplelayers import SkipConnection
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d

from export.breast_cancer_mg import KEYS, OTHER_SIDE, SIDES, SLOTS
from export.breast_cancer_mg.settings import Settings
from export.breast_mass_mg.export import described, plain
from export.breast_mass_mg.model import PRIOR_LOGIT, Finder, unet
from export.strangeness import Strangeness

_BLOCK = 2  # the side of what is one place of the detector's answers
_DEPTH = 3  # so often its features are halved
_SHARPNESS = 2.0
_NEARBY = 5  # places on a side: so far beside, an earlier view may show the same
_FAR, _NEARNESS = 1e-9, 3.0  # the least weight of a place, and how much it counts to be near one of a large weight
_COARSE = 4  # of the detector's answers make one place of the map
_NUMBERS = 5


class Detector(Finder):
    """The finder of masses with two answers at each place: a lesion, a malignant one; [N, 2, rows/2, columns/2]."""

    def __init__(self, channels: tuple[int, ...], rows: int, columns: int) -> None:
        super().__init__(channels, rows, columns)
        self.unet = unet(_BLOCK * _BLOCK, channels, answers=2)

    def looked(self, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Answers, neighbours averaged, and the features [N, F, h, w] that they come from."""
        answers, features = _through(self.unet.model, self.blocks(levels * 2 - 1))
        return self.agreed(answers + PRIOR_LOGIT), features


def _through(block: nn.Module, seen: Tensor) -> tuple[Tensor, Tensor]:
    """As the U-Net goes, with what lies deepest."""
    if not (isinstance(block, nn.Sequential) and len(block) > 1 and isinstance(block[1], SkipConnection)):
        made = block(seen)
        return made, made
    down = block[0](seen)
    inner, features = _through(cast(nn.Module, block[1].submodule), down)
    return block[2](torch.cat([down, inner], dim=1)), features


def begin(detector: Detector, finder: Mapping[str, Tensor]) -> None:
    """With the finder's weights; both answers begin as its one."""
    own = detector.state_dict()
    for name, weights in finder.items():
        if name.startswith("unet."):
            # What sums both answers up would otherwise hear one twice.
            twice = weights.ndim > 1 and all(own[name].shape[axis] > weights.shape[axis] for axis in (0, 1))
            own[name] = weights.expand_as(own[name]).clone() / (2 if twice else 1)
    detector.load_state_dict(own)


class Evidence(nn.Module):
    """Of each view [N, F + 5] what speaks for cancer at the place that says most, and the weights of the places.

    `about` are weights on an earlier or a later view of the same breast: then it is about the places near those.
    """

    def forward(self, answers: Tensor, features: Tensor, about: Tensor | None = None) -> tuple[Tensor, Tensor]:
        cell = 1 << _DEPTH
        lesion, malignant = (max_pool2d(each, cell).flatten(1) for each in torch.split(answers, 1, dim=1))
        filled = avg_pool2d(torch.sigmoid(answers), cell)
        around = avg_pool2d(filled, _NEARBY, stride=1, padding=_NEARBY // 2) * (_NEARBY * _NEARBY)
        spoken = malignant * _SHARPNESS
        if about is not None:
            near = max_pool2d(
                torch.unflatten(about, 1, features.shape[2:])[:, None], _NEARBY, stride=1, padding=_NEARBY // 2
            )
            spoken = spoken + _NEARNESS * torch.log(near.flatten(1) + _FAR)
        weights = torch.softmax(spoken, dim=1)
        highest = malignant.gather(1, spoken.argmax(dim=1, keepdim=True))

        def there(values: Tensor) -> Tensor:
            return (values.flatten(2) * weights[:, None]).sum(dim=2)

        at = [(each * weights).sum(dim=1, keepdim=True) for each in (malignant, lesion)]
        numbers = [highest, *at, torch.log1p(there(around))]
        return torch.cat([*numbers, there(features)], dim=1), weights


class Combination(nn.Module):
    """Evidence of all views [N, 8, F + 5] and whether they are `there` [N, 8] to the logits of both breasts [N, 2].

    The views of a breast are heard alike, and those that are missing not at all. `scale` and `level` calibrate.
    """

    scale: Tensor
    level: Tensor
    usual: Tensor
    spread: Tensor

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.seen = nn.Linear(features + _NUMBERS, hidden)
        self.view = nn.Sequential(nn.Linear(3 * hidden + 2, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        self.register_buffer("usual", torch.zeros(features + _NUMBERS))
        self.register_buffer("spread", torch.ones(features + _NUMBERS))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("level", torch.zeros(()))

    def forward(self, evidence: Tensor, there: Tensor) -> Tensor:
        seen = torch.tanh(self.seen((evidence - self.usual) / self.spread)) * there[..., None]
        now, before = torch.split(seen, len(SLOTS), dim=1)
        is_now, was_before = torch.split(there, len(SLOTS), dim=1)
        others = list(OTHER_SIDE)
        told = torch.stack([was_before, is_now[:, others]], dim=2)
        said = self.view(torch.cat([now, before, now[:, others], told], dim=2))[..., 0]
        # Of the slots, right and left take turns.
        said, heard = (torch.unflatten(each, 1, (-1, len(SIDES))).sum(dim=1) for each in (said * is_now, is_now))
        return said / heard.clamp_min(1) * self.scale + self.level


class CancerNet(nn.Module):
    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.detector = Detector(settings.channels, settings.rows, settings.columns)
        self.evidence = Evidence()
        self.combination = Combination(settings.channels[-1], settings.hidden)

    def looked(self, levels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Levels of the views [N * 8, 1, …] to evidence [N, 8, F + 5], maps [N * 8, …], features [N * 8, F, h, w].

        An earlier view is looked at near the place that says most of the present one.
        """
        answers, features = self.detector.looked(levels)
        by_time = [torch.unflatten(each, 0, (-1, 2, len(SLOTS))) for each in (answers, features)]
        now, before = ([each[:, time].flatten(0, 1) for each in by_time] for time in range(2))
        found, weights = self.evidence(*now)
        earlier, _ = self.evidence(*before, weights)
        both = [torch.unflatten(each, 0, (-1, len(SLOTS))) for each in (found, earlier)]
        return torch.cat(both, dim=1), max_pool2d(answers[:, 1:], _COARSE)[:, 0], features


class Served(nn.Module):
    """As the node takes it: views [N, 8, rows, columns], those of now before those of then, zeros where one is missing.

    `probability` [N, 2] of the right breast and the left one; `activation` [N, 4, h, w], how much each place of each
    present view speaks for a malignant lesion; `strangeness` [N], that of the strangest view.
    """

    outputs = ("probability", "activation", "strangeness")

    def __init__(self, network: CancerNet, strangeness: Strangeness) -> None:
        super().__init__()
        self.network, self.strangeness = network, strangeness

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        images = views.flatten(0, 1)[:, None]
        there = (views.amax(dim=(2, 3)) > views.amin(dim=(2, 3))).to(views.dtype)
        levels = self.network.detector.levels(images)
        evidence, maps, features = self.network.looked(levels)
        probability = torch.sigmoid(self.network.combination(evidence, there))
        detector = self.network.detector
        like = described(detector, levels, plain(images, detector.levels.last), features)
        strange = (torch.unflatten(self.strangeness(like), 0, (-1, len(KEYS))) * there).amax(dim=1)
        return probability, torch.unflatten(maps, 0, (-1, len(KEYS)))[:, : len(SLOTS)], strange

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

from export.breast_cancer_mg import KEYS, SIDES, SLOTS
from export.breast_cancer_mg.settings import Settings
from export.breast_mass_mg.export import described, plain
from export.breast_mass_mg.model import PRIOR_LOGIT, Finder, unet
from export.strangeness import Strangeness

_BLOCK = 2  # the side of what is one place of the detector's answers
_DEPTH = 3  # so often they are halved to the places that are told apart
_NEARBY = 5  # places on a side: so far beside, an earlier view may show the same
_AROUND = 3  # places on a side: so much of a lesion is counted
_FAR = 1e3
_LEAST_SHARE = 1e-4
_COARSE = 4  # of the detector's answers make one place of the map
NUMBERS = 4
"""Of each view: how malignant its most suspicious place is in all, how surely a lesion, of which kind, how large."""
_KINDS = 4


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
    """Of each view [N, 4] what is said of the place that speaks most for a malignant lesion, and where that is.

    `about` are places of an earlier or a later view of the same breast: then it is about those near them.
    """

    def forward(self, answers: Tensor, about: Tensor | None = None) -> tuple[Tensor, Tensor]:
        cell = 1 << _DEPTH
        lesion, malignant = torch.split(answers, 1, dim=1)
        share = avg_pool2d(torch.sigmoid(lesion), cell)
        sure = max_pool2d(lesion, cell)
        # What lies beside a lesion says nothing of it.
        kind = avg_pool2d(torch.sigmoid(lesion) * malignant, cell) / share.clamp_min(_LEAST_SHARE)
        around = avg_pool2d(share, _AROUND, stride=1, padding=_AROUND // 2) * (_AROUND * cell) ** 2
        spoken = sure + kind
        if about is not None:
            spoken = spoken + (max_pool2d(about, _NEARBY, stride=1, padding=_NEARBY // 2) - 1) * _FAR
        place = (spoken >= spoken.amax(dim=(2, 3), keepdim=True)).to(answers.dtype)
        count = place.sum(dim=(2, 3))
        numbers = [(each * place).sum(dim=(2, 3)) / count for each in (sure + kind, sure, kind, torch.log1p(around))]
        return torch.cat(numbers, dim=1), place


class Combination(nn.Module):
    """Evidence of all views [N, 8, 4] and whether they are `there` [N, 8] to the logits of both breasts [N, 2].

    A breast's logit is a weighted sum of the mean and the largest of its views, the mean of those before and that of
    the other breast, each held against what is `usual`; of what is missing nothing is heard. `scale` and `level`
    calibrate.
    """

    usual: Tensor
    spread: Tensor
    weights: Tensor
    constant: Tensor
    scale: Tensor
    level: Tensor

    def __init__(self) -> None:
        super().__init__()
        count = _KINDS * NUMBERS
        self.register_buffer("usual", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))
        self.register_buffer("weights", torch.zeros(count + _KINDS - 1))
        self.register_buffer("constant", torch.zeros(()))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("level", torch.zeros(()))

    def told(self, evidence: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """Of both breasts [N, 2, 16] what is summed up, and [N, 2, 16 + 3] which of it is there, and whether of the
        breast, of the time before and of the other breast anything is.
        """
        found, heard, known = [], [], []
        for side in range(len(SIDES)):
            mine, other = [side, side + len(SIDES)], [1 - side, 1 - side + len(SIDES)]
            now = there[:, mine]
            before = there[:, [place + len(SLOTS) for place in mine]] * now
            mean_now, largest = _mean(evidence[:, mine], now), _largest(evidence[:, mine], now)
            earlier = _mean(evidence[:, [place + len(SLOTS) for place in mine]], before)
            beside = _mean(evidence[:, other], there[:, other])
            found.append(torch.cat([mean_now, largest, earlier, beside], dim=1))
            flags = [each.amax(dim=1, keepdim=True) for each in (now, now, before, there[:, other])]
            heard.append(torch.cat([flag.expand(-1, NUMBERS) for flag in flags], dim=1))
            known.append(torch.cat(flags[1:], dim=1))
        return torch.stack(found, dim=1), torch.cat([torch.stack(heard, dim=1), torch.stack(known, dim=1)], dim=2)

    def scaled(self, evidence: Tensor, there: Tensor) -> Tensor:
        """[N, 2, 16 + 3]: what is weighed."""
        found, heard = self.told(evidence, there)
        count = _KINDS * NUMBERS
        return torch.cat([(found - self.usual) / self.spread * heard[..., :count], heard[..., count:]], dim=2)

    def forward(self, evidence: Tensor, there: Tensor) -> Tensor:
        said = (self.scaled(evidence, there) * self.weights).sum(dim=2) + self.constant
        return said * self.scale + self.level


def _mean(evidence: Tensor, there: Tensor) -> Tensor:
    total = (evidence * there[..., None]).sum(dim=1)
    return total / there.sum(dim=1, keepdim=True).clamp_min(1)


def _largest(evidence: Tensor, there: Tensor) -> Tensor:
    return (evidence + (there[..., None] - 1) * _FAR).amax(dim=1)


class CancerNet(nn.Module):
    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.detector = Detector(settings.channels, settings.rows, settings.columns)
        self.evidence = Evidence()
        self.combination = Combination()

    def looked(self, levels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Levels of the views [N * 8, 1, …] to evidence [N, 8, 4], maps [N * 8, …], features [N * 8, F, h, w].

        An earlier view is looked at near the place that says most of the present one.
        """
        answers, features = self.detector.looked(levels)
        by_time = torch.unflatten(answers, 0, (-1, 2, len(SLOTS)))
        now, before = (by_time[:, time].flatten(0, 1) for time in range(2))
        found, places = self.evidence(now)
        earlier, _ = self.evidence(before, places)
        both = [torch.unflatten(each, 0, (-1, len(SLOTS))) for each in (found, earlier)]
        shares = torch.sigmoid(answers)
        return torch.cat(both, dim=1), max_pool2d(shares[:, :1] * shares[:, 1:], _COARSE)[:, 0], features


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

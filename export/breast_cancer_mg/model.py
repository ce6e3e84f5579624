"""The networks: the views of a mammography and of the one before in, how probable cancer is in each breast out.

The finder of masses says at which places of a view a lesion may lie, another network what is seen round each of them.
Of a view the place counts that speaks most for a malignant lesion, with what lay there before, and with the same view
of the other breast.
"""

from typing import cast

import torch
from monai.networks.layers.simplelayers import SkipConnection
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from export.breast_cancer_mg import KEYS, SIDES, SLOTS
from export.breast_cancer_mg.places import Kinds, Places, Rings
from export.breast_cancer_mg.settings import Settings
from export.breast_mass_mg.export import described, plain
from export.breast_mass_mg.model import PRIOR_LOGIT, Finder
from export.strangeness import Strangeness

BLOCK = 2
"""The side of what is one place of the finder's answers."""
COUNT = 3
"""Places of a view that are looked at."""
_NEARBY = 9  # of the finder's answers on a side: so far beyond what is a place's own an earlier view may show the same
_FAR = 1e3
_COARSE = 4  # of the finder's answers make one place of the map
NUMBERS = 4
"""Of each view, of its place: how surely something malignant, how surely a lesion, how surely found, how large."""
_KINDS = 4


def looked(finder: Finder, levels: Tensor) -> tuple[Tensor, Tensor]:
    """The finder's logits, neighbours averaged, and the features [N, F, h, w] that they come from."""
    answers, features = _through(finder.unet.model, finder.blocks(levels * 2 - 1))
    return finder.agreed(answers + PRIOR_LOGIT), features


def _through(block: nn.Module, seen: Tensor) -> tuple[Tensor, Tensor]:
    """As the U-Net goes, with what lies deepest."""
    if not (isinstance(block, nn.Sequential) and len(block) > 1 and isinstance(block[1], SkipConnection)):
        made = block(seen)
        return made, made
    down = block[0](seen)
    inner, features = _through(cast(nn.Module, block[1].submodule), down)
    return block[2](torch.cat([down, inner], dim=1)), features


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
        self.finder = Finder(settings.channels, settings.rows, settings.columns)
        self.places = Places(settings.rows // BLOCK, settings.columns // BLOCK)
        self.rings = Rings()
        self.kinds = Kinds()
        self.combination = Combination()

    def looked(self, levels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Levels of the views [N * 8, 1, …] to evidence [N, 8, 4], maps [N, 4, h, w] of the present views, features
        [N * 8, F, h, w].

        An earlier view is looked at near the place that says most of the present one.
        """
        answers, features = looked(self.finder, levels)
        (now, before), (seen, earlier) = _by_time(answers), _by_time(levels)
        found, place, heat = self._said(now, seen, COUNT)
        near = max_pool2d(place, _NEARBY, stride=1, padding=_NEARBY // 2)
        found_before, _, _ = self._said(before, earlier, 1, near)
        both = [torch.unflatten(each, 0, (-1, len(SLOTS))) for each in (found, found_before)]
        heats = torch.unflatten(max_pool2d(heat, _COARSE)[:, 0], 0, (-1, len(SLOTS)))
        return torch.cat(both, dim=1), heats, features

    def _said(
        self, answers: Tensor, levels: Tensor, count: int, within: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Of each view the numbers [N, 4] of the place that speaks most for something malignant, what of the map is
        that place's own, and how much each place of the map speaks for it, both [N, 1, h, w].
        """
        sure, middles, own = self.places(answers, count, within)
        told = self.kinds(self.rings(levels, pixels_of(middles)))
        lesion, malignant = torch.unflatten(told, 0, (-1, count)).unbind(dim=2)
        share = torch.sigmoid(answers) * own
        most = (malignant >= malignant.amax(dim=1, keepdim=True)).to(answers.dtype)
        most = most / most.sum(dim=1, keepdim=True)
        size = torch.log1p(share.sum(dim=(2, 3)))
        numbers = torch.stack([(each * most).sum(dim=1) for each in (malignant, lesion, sure, size)], dim=1)
        heat = (share * torch.sigmoid(malignant)[..., None, None]).amax(dim=1, keepdim=True)
        return numbers, (own * most[..., None, None]).amax(dim=1, keepdim=True), heat


def pixels_of(middles: Tensor) -> Tensor:
    """Of the views, for places of the finder's answers."""
    return middles * BLOCK + (BLOCK - 1) / 2


def _by_time(of_views: Tensor) -> tuple[Tensor, Tensor]:
    """Present ones and earlier ones of [N * 8, …]."""
    now, before = torch.unflatten(of_views, 0, (-1, 2, len(SLOTS))).unbind(dim=1)
    return now.flatten(0, 1), before.flatten(0, 1)


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
        finder = self.network.finder
        levels = finder.levels(images)
        evidence, maps, features = self.network.looked(levels)
        probability = torch.sigmoid(self.network.combination(evidence, there))
        like = described(finder, levels, plain(images, finder.levels.last), features)
        strange = (torch.unflatten(self.strangeness(like), 0, (-1, len(KEYS))) * there).amax(dim=1)
        return probability, maps, strange

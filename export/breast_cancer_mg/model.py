"""The networks: the views of a mammography and of the one before in, how probable cancer is in each breast out.

The finder of masses says at which places of a view a lesion may lie, and so does a scout, who knows malignant ones
that are no masses to the finder; another network says what is seen round each of these places.
Of a view the place counts that speaks most for a malignant lesion, with what lay there before, and with the same view
of the other breast.
"""

from typing import cast

import torch
from monai.networks.layers.simplelayers import SkipConnection
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from export.breast_cancer_mg import KEYS, SIDES, SLOTS
from export.breast_cancer_mg.places import STEP, Kinds, Places, Rings, Scout
from export.breast_cancer_mg.settings import Settings
from export.breast_mass_mg.export import described, plain
from export.breast_mass_mg.model import PRIOR_LOGIT, Finder
from export.strangeness import Strangeness

BLOCK = 2
"""The side of what is one place of the finder's answers."""
COUNT = 3
"""Places of a view that are looked at of those that the finder knows, and as many that the scout does."""
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
        self.scout = Scout(settings.rows, settings.columns)
        rows, columns = settings.rows // BLOCK, settings.columns // BLOCK
        self.places = Places(rows, columns, agreed=9, apart=12)
        self.scouted = Places(*self.scout.shape, agreed=1, apart=3)
        self.rings = Rings(64, 96)
        self.kinds = Kinds((16, 24, 32, 64, 96), ((2, 2), (2, 2), (2, 2), (1, 2)))
        self.combination = Combination()

    def looked(self, levels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Levels of the views [N * 8, 1, …] to evidence [N, 8, 4], maps [N, 4, h, w] of the present views, features
        [N * 8, F, h, w].

        An earlier view is looked at near the place that says most of the present one.
        """
        answers, features = looked(self.finder, levels)
        (now, before), (seen, earlier) = _by_time(answers), _by_time(levels)
        found, heat, place = self._said(now, seen, self.middles(now, seen))
        near = max_pool2d(self.places.own(place), _NEARBY, stride=1, padding=_NEARBY // 2)
        then = [self.places(before, 1, near), answers_at(self.scout.near(earlier, pixels_of(place)))]
        found_before, _, _ = self._said(before, earlier, torch.cat(then, dim=1))
        both = [torch.unflatten(each, 0, (-1, len(SLOTS))) for each in (found, found_before)]
        heats = torch.unflatten(max_pool2d(heat, _COARSE)[:, 0], 0, (-1, len(SLOTS)))
        return torch.cat(both, dim=1), heats, features

    def middles(self, answers: Tensor, levels: Tensor) -> Tensor:
        """The places [N, 2 * COUNT, 2] that are looked at of present views, all four of each study, as rows and columns
        of the finder's answers.
        """
        scouted = self.scout(torch.unflatten(levels, 0, (-1, len(SLOTS))))
        others = self.scouted(scouted, COUNT) * STEP + (STEP - 1) / 2
        return torch.cat([self.places(answers, COUNT), answers_at(others)], dim=1)

    def _said(self, answers: Tensor, levels: Tensor, middles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of each view the numbers [N, 4] of the place that speaks most for something malignant, how much each place of
        the map speaks for it [N, 1, h, w], and that place [N, 1, 2].
        """
        told = self.kinds(self.rings(levels, pixels_of(middles)))
        lesion, malignant = torch.unflatten(told, 0, (-1, middles.shape[1])).unbind(dim=2)
        own = self.places.own(middles)
        sure = (self.places.height(answers) + (own - 1) * _FAR).amax(dim=(2, 3))
        size = torch.log1p((torch.sigmoid(answers) * own).sum(dim=(2, 3)))
        most = (malignant >= malignant.amax(dim=1, keepdim=True)).to(own.dtype)
        most = most / most.sum(dim=1, keepdim=True)
        numbers = torch.stack([(each * most).sum(dim=1) for each in (malignant, lesion, sure, size)], dim=1)
        heat = (self.places.near(middles) * torch.sigmoid(malignant)[..., None, None]).amax(dim=1, keepdim=True)
        return numbers, heat, (middles * most[..., None]).sum(dim=1, keepdim=True)


def pixels_of(middles: Tensor) -> Tensor:
    """Of the views, for places of the finder's answers."""
    return middles * BLOCK + (BLOCK - 1) / 2


def answers_at(places: Tensor) -> Tensor:
    """The other way round."""
    return (places - (BLOCK - 1) / 2) / BLOCK


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
        return probability, maps * there[:, : len(SLOTS), None, None], strange

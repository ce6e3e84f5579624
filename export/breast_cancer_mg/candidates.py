"""Squares of views with places in them that the scout learns from; and places that it and the finder take for lesions,
rightly or not, with what lies there, for the network that tells kinds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import center_of_mass, label
from torch import Tensor
from tqdm import tqdm

from export.breast_cancer_mg import BENIGN, MALIGNANT, NOTHING, SLOTS
from export.breast_cancer_mg.data import Kept
from export.breast_cancer_mg.model import BLOCK, CancerNet, looked, pixels_of
from export.breast_cancer_mg.pieces import SCALE, SIDE, KeptPieces
from export.breast_cancer_mg.places import STEP
from export.breast_cancer_mg.settings import Settings
from export.breast_mass_mg.data import roughened

SQUARE = 136  # pixels round a place; none that is looked at lies beyond, however it is turned
_OFTEN = {MALIGNANT: 0.35, BENIGN: 0.3, NOTHING: 0.35}
_BESIDE = 3.0  # pixels, the deviation in rows and in columns of where a lesion is taken to lie
_MARGIN = 50
IN_LESION, ELSEWHERE = 4, 28
"""Places of a square that the scout learns from."""


@dataclass(frozen=True, eq=False)
class PlaceBatch:
    """Squares of views `levels` [N, 1, side, side], `places` [N, K, 2] in each, how it is to be turned [N, 2, 2], and
    whether a lesion lies at each place and a malignant one, [N, K, 2].
    """

    levels: Tensor
    places: Tensor
    turned: Tensor
    truth: Tensor


def scout_batches(
    scans: Sequence[Kept], pieces: Sequence[KeptPieces], settings: Settings, first: int
) -> Iterator[PlaceBatch]:
    """From iteration `first` on, each made by its own number. A malignant lesion lies in every other square."""
    whole = _of_kinds([each.shows * each.there for each in scans])
    cut = _of_kinds([each.kinds for each in pieces])
    for iteration in range(first, settings.scout.iterations):
        rng = np.random.default_rng([settings.seed, iteration, 101])
        made = [_scouted(scans, pieces, whole, cut, settings, rng) for _ in range(settings.scout.batch)]
        levels, places, truth = (np.stack(each) for each in zip(*made, strict=True))
        yield _batch(rng, levels, places, truth, settings)


Numbered = tuple[int, int]


def _of_kinds(kinds: Sequence[NDArray[np.uint8]]) -> dict[int, list[Numbered]]:
    """By what they show, views or pieces with the number of their patient."""
    found: dict[int, list[Numbered]] = {MALIGNANT: [], BENIGN: [], NOTHING: []}
    for number, each in enumerate(kinds):
        for place, kind in enumerate(each):
            found[int(kind)].append((number, place))
    return found


def _scouted(
    scans: Sequence[Kept],
    pieces: Sequence[KeptPieces],
    whole: dict[int, list[Numbered]],
    cut: dict[int, list[Numbered]],
    settings: Settings,
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]]:
    """A square, places in it, and what lies there."""
    kind = int(rng.choice([MALIGNANT, BENIGN, NOTHING], p=[0.5, 0.2, 0.3]))
    if cut[kind] and rng.random() < settings.more_share:
        number, piece = cut[kind][int(rng.integers(len(cut[kind])))]
        levels, outline = pieces[number].levels()[piece], pieces[number].outlines()[piece]
    else:
        of_kind = whole[kind] or whole[NOTHING] or whole[BENIGN]
        number, view = of_kind[int(rng.integers(len(of_kind)))]
        levels, outline = scans[number].levels()[view], scans[number].outlines()[view]
        tissue = np.argwhere(levels > 0)
        row, column = _one_of(outline, rng)[0] if outline.any() else tissue[rng.integers(len(tissue))]
        at = BLOCK * round(row / BLOCK), BLOCK * round(column / BLOCK)
        levels, _ = square(levels, *at, SIDE)
        outline, _ = square(outline, at[0] // BLOCK, at[1] // BLOCK, SIDE // BLOCK)
    return (levels, *_places(levels, outline, rng))


def _places(
    levels: NDArray[np.uint8], outline: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Near the middle of a lesion, as near as one of the scout's places lies to each; and where there is none in the
    breast, or anywhere without a breast, but not where little of what lies around is seen.
    """
    none = outline.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1) == NOTHING
    inside = np.zeros_like(none)
    inside[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = True
    within = none & inside & (levels > 0)
    elsewhere = np.argwhere(within if within.any() else inside)
    chosen = elsewhere[rng.integers(len(elsewhere), size=IN_LESION + ELSEWHERE)].astype(np.float64)
    truth = np.zeros((len(chosen), 2))
    if outline.any():
        middle, kind = _one_of(outline, rng)
        chosen[:IN_LESION] = middle + rng.uniform(-STEP / 2, STEP / 2, (IN_LESION, 2))
        truth[:IN_LESION] = [1, kind == MALIGNANT]
    return chosen, truth


def _one_of(outline: NDArray[np.uint8], rng: np.random.Generator) -> tuple[NDArray[np.float64], int]:
    """The middle in pixels, and the kind, of one of the lesions that are outlined."""
    numbers, count = label(outline > 0)
    one = numbers == 1 + rng.integers(count)
    return np.array(center_of_mass(one)) * BLOCK + (BLOCK - 1) / 2, int(outline[one].max())


@dataclass(frozen=True)
class Candidate:
    """A place of a scan's view, in pixels, and what lies there."""

    scan: int
    view: int
    row: float
    column: float
    kind: int


@torch.no_grad()
def candidates(network: CancerNet, scans: Sequence[Kept], device: torch.device) -> list[Candidate]:
    """Of all present views that are there, those that the network will look at."""
    network.eval()
    found = []
    for number, scan in enumerate(tqdm(scans, "finding", unit="patient", mininterval=5)):
        levels = torch.from_numpy(scan.levels()[: len(SLOTS)].astype(np.float32) / SCALE)[:, None].to(device)
        middles = network.middles(looked(network.finder, levels)[0], levels).cpu()
        for view in np.flatnonzero(scan.there[: len(SLOTS)]):
            outline = scan.outlines()[view]
            most = torch.tensor(outline.shape) - 1
            for middle, place in zip(middles[view], pixels_of(middles[view]), strict=True):
                row, column = torch.minimum(middle.round().long().clamp_min(0), most).tolist()
                kind = int(outline[row, column])
                found.append(Candidate(number, int(view), float(place[0]), float(place[1]), kind))
    return found


def kind_batches(
    found: Sequence[Candidate], scans: Sequence[Kept], pieces: Sequence[KeptPieces], settings: Settings, first: int
) -> Iterator[PlaceBatch]:
    """From iteration `first` on, each made by its own number."""
    seen = {kind: [each for each in found if each.kind == kind] for kind in _OFTEN}
    cut = _of_kinds([each.kinds for each in pieces])
    known = {kind: often for kind, often in _OFTEN.items() if seen[kind] or cut[kind]}
    shares = np.array(list(known.values())) / sum(known.values())
    for iteration in range(first, settings.kinds.iterations):
        rng = np.random.default_rng([settings.seed, iteration, 97])
        squares, kinds = [], rng.choice(list(known), settings.kinds.batch, p=shares)
        for kind in kinds:
            if cut[kind] and (not seen[kind] or rng.random() < settings.more_share):
                number, piece = cut[kind][int(rng.integers(len(cut[kind])))]
                squares.append(square(pieces[number].levels()[piece], (SIDE - 1) / 2, (SIDE - 1) / 2))
            else:
                at = seen[kind][int(rng.integers(len(seen[kind])))]
                squares.append(square(scans[at.scan].levels()[at.view], at.row, at.column))
        levels, places = (np.stack(each) for each in zip(*squares, strict=True))
        beside = rng.normal(0, _BESIDE, places.shape).clip(-3 * _BESIDE, 3 * _BESIDE)
        truth = np.stack([kinds != NOTHING, kinds == MALIGNANT], axis=1)
        yield _batch(rng, levels, (places + beside)[:, None], truth[:, None], settings)


def _batch(
    rng: np.random.Generator,
    levels: NDArray[np.uint8],
    places: NDArray[np.float64],
    truth: NDArray[np.generic],
    settings: Settings,
) -> PlaceBatch:
    by = settings.augmentation
    return PlaceBatch(
        levels=roughened(rng, torch.from_numpy(levels.astype(np.float32) / SCALE)[:, None], by.noise),
        places=torch.from_numpy(places.astype(np.float32)),
        turned=torch.from_numpy(_turned(rng, len(levels), by.scale_share)),
        truth=torch.from_numpy(truth.astype(np.float32)),
    )


def square(
    view: NDArray[np.uint8], row: float, column: float, side: int = SQUARE
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """What lies round a place, nothing beyond the view; and where the place is in it."""
    top, left = round(row) - side // 2, round(column) - side // 2
    made = np.zeros((side, side), np.uint8)
    part = view[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    down, right = max(-top, 0), max(-left, 0)
    made[down : down + part.shape[0], right : right + part.shape[1]] = part
    return made, np.array([row - top, column - left])


def _turned(rng: np.random.Generator, count: int, scale_share: float) -> NDArray[np.float32]:
    """Any way round, mirrored or not, a little larger or smaller."""
    angle, scale = rng.uniform(-np.pi, np.pi, count), np.exp(rng.uniform(-scale_share, scale_share, count))
    mirrored = rng.choice([-1.0, 1.0], count)
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    rows = np.stack([cosine * mirrored, -sine], axis=1), np.stack([sine * mirrored, cosine], axis=1)
    return np.stack(rows, axis=1).astype(np.float32)

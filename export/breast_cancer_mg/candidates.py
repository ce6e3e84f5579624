"""Places that the finder takes for lesions, rightly or not, in; batches of what lies round such places out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from export.breast_cancer_mg import BENIGN, MALIGNANT, NOTHING
from export.breast_cancer_mg.data import SCALE, Kept
from export.breast_cancer_mg.model import COUNT, CancerNet, looked, pixels_of
from export.breast_cancer_mg.pieces import SIDE, KeptPieces
from export.breast_cancer_mg.settings import Settings
from export.breast_mass_mg.data import roughened

SQUARE = 128  # pixels round a place; none that is looked at lies beyond, however it is turned
_OFTEN = {MALIGNANT: 0.35, BENIGN: 0.3, NOTHING: 0.35}
_BESIDE = 1.5  # pixels, the deviation in rows and in columns of where a lesion is taken to lie


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
    """Of all views that are there, as many as the network will look at."""
    network.eval()
    found = []
    for number, scan in enumerate(tqdm(scans, "finding", unit="patient", mininterval=5)):
        levels = torch.from_numpy(scan.levels().astype(np.float32) / SCALE)[:, None].to(device)
        _, middles, _ = network.places(looked(network.finder, levels)[0], COUNT)
        for view in np.flatnonzero(scan.there):
            for middle, place in zip(middles[view].cpu(), pixels_of(middles[view].cpu()), strict=True):
                row, column = middle.round().long().tolist()
                kind = int(scan.outlines()[view][row, column])
                found.append(Candidate(number, int(view), float(place[0]), float(place[1]), kind))
    return found


@dataclass(frozen=True, eq=False)
class KindBatch:
    """Squares of views `levels` [N, 1, 128, 128], the place [N, 1, 2] in each, how it is to be turned [N, 2, 2], and
    whether a lesion lies there and a malignant one, [N, 2].
    """

    levels: Tensor
    places: Tensor
    turned: Tensor
    truth: Tensor


def kind_batches(
    found: Sequence[Candidate], scans: Sequence[Kept], pieces: Sequence[KeptPieces], settings: Settings, first: int
) -> Iterator[KindBatch]:
    """From iteration `first` on, each made by its own number."""
    seen = {kind: [each for each in found if each.kind == kind] for kind in _OFTEN}
    cut = {kind: [(n, int(piece)) for n, each in enumerate(pieces) for piece in np.flatnonzero(each.kinds == kind)]
           for kind in _OFTEN}  # fmt: skip
    known = {kind: often for kind, often in _OFTEN.items() if seen[kind] or cut[kind]}
    shares = np.array(list(known.values())) / sum(known.values())
    for iteration in range(first, settings.kinds.iterations):
        rng = np.random.default_rng([settings.seed, iteration, 97])
        squares, kinds = [], rng.choice(list(known), settings.kinds.batch, p=shares)
        for kind in kinds:
            of_piece = bool(cut[kind]) and (not seen[kind] or rng.random() < settings.more_share)
            if of_piece:
                number, piece = cut[kind][int(rng.integers(len(cut[kind])))]
                squares.append(square(pieces[number].levels()[piece], (SIDE - 1) / 2, (SIDE - 1) / 2))
            else:
                at = seen[kind][int(rng.integers(len(seen[kind])))]
                squares.append(square(scans[at.scan].levels()[at.view], at.row, at.column))
        levels = torch.from_numpy(np.stack([each for each, _ in squares]).astype(np.float32) / SCALE)[:, None]
        beside = rng.normal(0, _BESIDE, (len(squares), 2))
        places = np.stack([place for _, place in squares]) + beside
        yield KindBatch(
            levels=roughened(rng, levels, settings.augmentation.noise),
            places=torch.from_numpy(places.astype(np.float32))[:, None],
            turned=torch.from_numpy(_turned(rng, len(squares), settings.augmentation.scale_share)),
            truth=torch.from_numpy(np.stack([kinds != NOTHING, kinds == MALIGNANT], axis=1).astype(np.float32)),
        )


def square(view: NDArray[np.uint8], row: float, column: float) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """What lies round a place, nothing beyond the view; and where the place is in it."""
    top, left = round(row) - SQUARE // 2, round(column) - SQUARE // 2
    made = np.zeros((SQUARE, SQUARE), np.uint8)
    part = view[max(top, 0) : max(top + SQUARE, 0), max(left, 0) : max(left + SQUARE, 0)]
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

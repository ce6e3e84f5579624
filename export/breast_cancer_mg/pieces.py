"""Further lesions, each with what lies around it alone: a seed in, squares of views as the networks see them out.

A whole view takes six times as long to draw, and nothing of what tells lesions apart lies elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from export.breast_cancer_mg import BENIGN, MALIGNANT, SLOTS
from export.breast_cancer_mg.settings import Settings
from export.breast_cancer_mg.sources import PhantomCase, worst_outline
from export.breast_cancer_mg.study import Outline
from export.breast_mass_mg.model import BreastLevels, between
from export.kept import kept_in
from export.phantoms.entry import PhantomPatient
from export.phantoms.mammography.acquisition import Machine, bright
from export.phantoms.mammography.anatomy import VIEWS
from export.phantoms.mammography.dicom import as_stored
from export.phantoms.mammography.history import TIMES, Examined, examined, history, machine_of
from export.phantoms.mammography.lesions import Lesion
from export.phantoms.mammography.sheet import HEIGHT_MM, WIDTH_MM, Window
from orthanc_plugin.inference.resample import planes

FIRST_SEED = 260_000
"""Far from those of whole patients."""
SIDE = 220  # of a piece, in pixels of the networks' matrix
_COARSE_MM = 1.4
SCALE = 255


@dataclass(frozen=True, eq=False)
class Piece:
    """`levels` [side, side] from 0 to 255, and on half as many rows and columns the worst of what lies there."""

    levels: NDArray[np.uint8]
    outline: Outline
    kind: int


@dataclass(frozen=True)
class PieceEntry(PhantomPatient):
    drawing = PhantomCase.drawing


@dataclass(frozen=True)
class KeptPieces:
    """Of one patient, on disk; of one without a lesion there are none."""

    folder: Path

    @cached_property
    def kinds(self) -> NDArray[np.uint8]:
        return np.asarray(np.load(self.folder / "kinds.npy"), np.uint8)

    def levels(self) -> NDArray[np.uint8]:
        return np.asarray(np.load(self.folder / "levels.npy", mmap_mode="r"))

    def outlines(self) -> NDArray[np.uint8]:
        return np.asarray(np.load(self.folder / "outlines.npy", mmap_mode="r"))


def kept_pieces(settings: Settings, cache: Path) -> list[KeptPieces]:
    root = cache / f"{settings.rows}-{settings.columns}" / "pieces"
    entries = [PieceEntry(FIRST_SEED + number) for number in range(settings.more)]
    return [KeptPieces(folder) for folder in kept_in(root, entries, partial(_make, settings=settings), "kinds.npy")]


def _make(entry: PieceEntry, folder: Path, settings: Settings) -> None:
    """Kinds are written last: their file says that the patient is whole."""
    torch.set_num_threads(1)
    made = list(pieces(entry.seed, settings))
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "levels.npy", np.array([each.levels for each in made], np.uint8).reshape(-1, SIDE, SIDE))
    halves = np.array([each.outline for each in made], np.uint8)
    np.save(folder / "outlines.npy", halves.reshape(-1, SIDE // 2, SIDE // 2))
    np.save(folder / "kinds.npy", np.array([each.kind for each in made], np.uint8))


def pieces(seed: int, settings: Settings) -> Iterator[Piece]:
    """Of both times and all views that show a lesion, in the order of the network's."""
    with_lesion = {each.side for each in history(seed).suspects}
    for when in TIMES:
        by = machine_of(seed, when, shifted=False)
        for view in sorted(VIEWS, key=SLOTS.index):
            if view[0] not in with_lesion:
                continue
            seen = examined(seed, view, when)
            edges = _edges(seen, by, settings)
            for lesion, malignant in zip(seen.masses, seen.malignant, strict=True):
                yield _piece(seen, by, lesion, MALIGNANT if malignant else BENIGN, edges, settings)


def _edges(seen: Examined, by: Machine, settings: Settings) -> torch.Tensor:
    """The levels of the whole view, which a coarse look tells."""
    whole = bright(as_stored(seen, by, Window.whole(_COARSE_MM)), by)
    return BreastLevels(whole.size).edges(torch.from_numpy(whole)[None, None])


def _piece(seen: Examined, by: Machine, lesion: Lesion, kind: int, edges: torch.Tensor, settings: Settings) -> Piece:
    window, beyond = _around(seen, lesion, settings)
    pixels = torch.from_numpy(bright(as_stored(seen, by, window), by))
    levels = between(pixels[None, None], edges)[0, 0].numpy()
    outline = np.asarray(seen.truth(window) * BENIGN, np.uint8)
    outline[seen.malignancy(window)] = MALIGNANT
    if seen.view.startswith("R"):  # stored from the other side, as the pixels are
        outline, beyond = outline[:, ::-1], (beyond[0], beyond[1][::-1])
    return Piece(
        np.rint(planes(np.pad(levels, beyond), (SIDE, SIDE)) * SCALE).astype(np.uint8),
        worst_outline(np.pad(outline, beyond), (SIDE, SIDE)),
        kind,
    )


Beyond = tuple[tuple[int, ...], tuple[int, ...]]


def _around(seen: Examined, lesion: Lesion, settings: Settings) -> tuple[Window, Beyond]:
    """The lesion in the middle, where the breast has moved to; as much of it as lies on the detector, and how many rows
    and columns lie beyond, where nothing is seen.
    """
    moved, side_mm = seen.moved, SIDE * HEIGHT_MM / settings.rows
    count = round(side_mm / settings.parts_mm)
    pixel_mm = side_mm / count
    middle_mm = ((lesion.y - moved.down_mm) / moved.scale, (lesion.x - moved.across_mm) / moved.scale)
    starts, spans, beyond = [], [], []
    for middle, most in zip(middle_mm, (HEIGHT_MM, WIDTH_MM), strict=True):
        first = round((middle - side_mm / 2) / pixel_mm)
        start, stop = max(first, 0), min(first + count, int(most / pixel_mm))
        starts.append(start)
        spans.append(stop - start)
        beyond.append((start - first, first + count - stop))
    window = Window(starts[0] * pixel_mm, starts[1] * pixel_mm, spans[0], spans[1], pixel_mm)
    return window, (beyond[0], beyond[1])

"""Entries in, batches for training out: images are fitted as the node does, kept on disk, varied on the way out."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from export.checkpoints import SettingsError
from export.chest_findings_cxr.settings import Settings
from export.chest_findings_cxr.sources import Entry, PhantomEntry, Study, entries_of
from export.phantoms.chest import FINDINGS
from export.phantoms.chest.film import Floats
from export.phantoms.chest.radiograph import radiograph
from export.phantoms.regions.region import phantom
from orthanc_plugin.inference.preprocess import Placement
from orthanc_plugin.inference.resample import planes

CELL = 4  # pixels of the network's image for one of its maps
KNOWN_FOREIGN = ("hand", "pelvis", "abdomen", "head")
"""Regions that training shows; the report asks about others, too."""
HELD_OUT_FROM = 1_000_000
_COVERED = 0.3
_TURN, _ZOOM, _MOVE = 0.12, 0.12, 0.06
_GAMMA, _NOISE, _SHARP = 0.28, 0.035, (-0.8, 1.3)
_BRIGHT_BORDER = 0.2
_INVERTED = 0.35


@dataclass(frozen=True, eq=False)
class Part:
    """`images` (image, row, column) in 256 steps, `insides` where the image lies in its matrix (top, bottom, left,
    right), `truth` (image, finding), `places` (image, finding, row, packed columns) and whether they are known."""

    images: NDArray[np.uint8]
    insides: NDArray[np.int16]
    truth: NDArray[np.bool_]
    places: NDArray[np.uint8]
    known: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.images)

    def of(self, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Images from 0 to 1, where they lie, truth, places and whether these are known, as the network takes them."""
        rows = self.images.shape[1]
        images = torch.from_numpy(self.images[chosen].astype(np.float32) / 255)[:, None]
        inside = torch.zeros_like(images)
        for number, (top, bottom, left, right) in enumerate(self.insides[chosen].tolist()):
            inside[number, :, top:bottom, left:right] = 1
        places = np.unpackbits(self.places[chosen], axis=-1, count=rows // CELL).astype(np.float32)
        truth = torch.from_numpy(self.truth[chosen].astype(np.float32))
        return images, inside, truth, torch.from_numpy(places), torch.from_numpy(self.known[chosen])


@dataclass(frozen=True, eq=False)
class Parts:
    """No patient is in two of them. `beside` are other views and regions (image, row, column)."""

    train: Part
    validation: Part
    beside: NDArray[np.uint8]


def parts_of(settings: Settings, data: str, store: Path, processes: int = 2) -> Parts:
    entries = entries_of(data, settings.train + settings.validation)
    train, validation = split(entries, settings)
    made = [kept(some, settings.rows, store, processes) for some in (train, validation)]
    return Parts(made[0], made[1], beside(settings, store, processes))


def split(entries: Sequence[Entry], settings: Settings) -> tuple[list[Entry], list[Entry]]:
    """By patient, in the shares of the settings."""
    if len(entries) < 2:
        raise SettingsError("There are fewer than two images to train with; see how the data are to be laid out.")
    patients = sorted({entry.patient for entry in entries}, key=lambda patient: _hash(settings.seed, patient))
    share = settings.validation / (settings.train + settings.validation)
    watched = set(patients[: max(round(share * len(patients)), 1)])
    return [e for e in entries if e.patient not in watched], [e for e in entries if e.patient in watched]


def _hash(*parts: object) -> str:
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()


def kept(entries: Sequence[Entry], rows: int, store: Path, processes: int) -> Part:
    """From the cache where these very entries were fitted before."""
    code = _code() if isinstance(entries[0], PhantomEntry) else ""
    folder = store / _hash(rows, code, *(entry.name for entry in entries))[:16]
    if not folder.exists():
        new = folder.with_suffix(".new")
        new.mkdir(parents=True, exist_ok=True)
        _fill(entries, rows, new, processes)
        new.replace(folder)
    return Part(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in Part.__dataclass_fields__))


@cache
def _code() -> str:
    """Of the generator: what an older one drew is never taken for this one's."""
    made = [*map(radiograph, range(3)), radiograph(0, lateral=True)]
    return hashlib.sha256(b"".join(each.image.tobytes() for each in made)).hexdigest()


def _fill(entries: Sequence[Entry], rows: int, folder: Path, processes: int) -> None:
    count, findings, cells = len(entries), len(FINDINGS), rows // CELL
    shapes = {
        "images": ((count, rows, rows), np.uint8), "insides": ((count, 4), np.int16),
        "truth": ((count, findings), np.bool_), "places": ((count, findings, cells, -(-cells // 8)), np.uint8),
        "known": ((count,), np.bool_),
    }  # fmt: skip
    arrays = {
        name: open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind, shape=shape)
        for name, (shape, kind) in shapes.items()
    }
    with ProcessPoolExecutor(processes) as pool:
        made = pool.map(partial(_row, rows=rows), entries, chunksize=8)
        for number, values in enumerate(tqdm(made, total=count, desc="images", mininterval=5)):
            for name, value in zip(shapes, values, strict=True):
                arrays[name][number] = value


def _row(entry: Entry, rows: int) -> tuple[NDArray[np.generic], ...]:
    study = entry.load()
    place = placed(study.image.shape, rows)
    return (
        in_steps(place.place(study.image[np.newaxis], float(study.image.min()))[0]),
        np.array(inside_of(place), np.int16),
        np.array(study.truth),
        np.packbits(cells_of(study, place, rows // CELL), axis=-1),
        np.array(bool(study.places)),
    )


def placed(shape: tuple[int, ...], rows: int) -> Placement:
    """Where the node's stage puts an image of square pixels."""
    longer = max(shape)
    scaled = round(shape[0] * rows / longer), round(shape[1] * rows / longer)
    return Placement((shape[0], shape[1]), scaled, ((rows - scaled[0]) // 2, (rows - scaled[1]) // 2), (rows, rows))


def inside_of(place: Placement) -> tuple[int, int, int, int]:
    (top, left), (rows, columns) = place.corner, place.scaled
    return top, top + rows, left, left + columns


def in_steps(image: Floats) -> NDArray[np.uint8]:
    low, high = float(image.min()), float(image.max())
    return np.asarray(np.rint((image - low) * (255 / max(high - low, 1e-6))), np.uint8)


def cells_of(study: Study, place: Placement, cells: int) -> NDArray[np.bool_]:
    """(finding, row, column): the cells of the network's maps that a finding covers; a small one its best cell."""
    found = np.zeros((len(FINDINGS), cells, cells), bool)
    for name, mask in study.places.items():
        share = planes(place.place(mask.astype(np.float32)[np.newaxis], 0.0), (cells, cells))[0]
        found[FINDINGS.index(name)] = share >= min(_COVERED, float(share.max()))
    return found


def beside(settings: Settings, store: Path, processes: int) -> NDArray[np.uint8]:
    """Laterals, and half as many images of other regions."""
    file = store / f"beside-{settings.rows}-{settings.beside}-{_code()[:16]}.npy"
    if not file.exists():
        with ProcessPoolExecutor(processes) as pool:
            made = list(pool.map(partial(_beside, rows=settings.rows), range(settings.beside), chunksize=8))
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file.with_suffix(".new.npy"), np.stack(made))
        file.with_suffix(".new.npy").replace(file)
    return np.asarray(np.load(file))


def _beside(seed: int, rows: int) -> NDArray[np.uint8]:
    if seed % 3:
        image = radiograph(seed, lateral=True).image
    else:
        image = foreign(seed, KNOWN_FOREIGN[seed // 3 % len(KNOWN_FOREIGN)])
    return in_steps(placed(image.shape, rows).place(image[np.newaxis], float(image.min()))[0])


def foreign(seed: int, region: str) -> Floats:
    """A radiograph of another region; of `none` whatever shapes there are."""
    for attempt in range(1000 * seed, 1000 * seed + 1000):
        made = phantom(attempt, region)
        if made.view in ("radiograph", "shapes"):
            return made.image
    raise SettingsError(f"There is no radiograph of the region {region}.")


def batches(part: Part, settings: Settings, epoch: int) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]]:
    """The same epoch of the same seed gives the same batches, also after a resumption."""
    generator = torch.Generator().manual_seed(settings.seed * 1000 + epoch)
    order = torch.randperm(len(part), generator=generator)
    for chosen in torch.split(order, settings.batch):
        if len(chosen) == 1:
            continue  # a batch of one has no spread to be normalised by
        images, inside, truth, places, known = part.of(chosen.numpy())
        yield (*varied(images, inside, places, generator), truth, known)


def varied(images: Tensor, inside: Tensor, places: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Turned, zoomed, moved, blurred or sharpened, of another contrast, noise and border; never mirrored, as the heart
    lies on one side. Gives images, where they lie, and places."""

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(images), generator=generator)

    turn, zoom, wider = between(-_TURN, _TURN), 1 + between(-_ZOOM, _ZOOM), 1 + between(-_MOVE, _MOVE)
    cos, sin = torch.cos(turn) * zoom, torch.sin(turn) * zoom
    row = torch.stack([cos * wider, -sin, between(-_MOVE, _MOVE)], dim=1)
    column = torch.stack([sin, cos, between(-_MOVE, _MOVE)], dim=1)
    matrices = torch.stack([row, column], dim=1)
    moved = _sampled(torch.cat([images, inside], dim=1), matrices)
    image, lies = moved[:, :1], (moved[:, 1:] > 0.5).float()
    blurred = nn.functional.avg_pool2d(image, 3, 1, 1, count_include_pad=False)
    image = (image + _each(between(*_SHARP)) * (image - blurred)).clamp(0, 1)
    image = image ** _each(torch.exp(_GAMMA * torch.randn(len(images), generator=generator)))
    image = image + torch.randn(image.shape, generator=generator) * _each(between(0, _NOISE))
    border = _each((between(0, 1) < _BRIGHT_BORDER).float())
    return image * lies + border * (1 - lies), lies, (_sampled(places, matrices) > 0.5).float()


def laid(images: Tensor, lies: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """The same images lying in all four ways, some inverted: images, quarter turns that put them upright, inversion."""
    quarters = torch.randint(0, 4, (len(images),), generator=generator)
    inverted = torch.rand(len(images), generator=generator) < _INVERTED
    negative = torch.where(lies > 0, 1 - images, images)
    images = torch.where(_each(inverted), negative, images)
    turned = [torch.rot90(image, -int(turns), (1, 2)) for image, turns in zip(images, quarters, strict=True)]
    return torch.stack(turned), quarters, inverted.float()


def _sampled(images: Tensor, matrices: Tensor) -> Tensor:
    grid = nn.functional.affine_grid(matrices, list(images.shape), align_corners=False)
    return nn.functional.grid_sample(images, grid, padding_mode="zeros", align_corners=False)


def _each(values: Tensor) -> Tensor:
    return values[:, None, None, None]

"""From mammograms to batches: split by patient, regions and whole images kept on disk, augmented on the way out."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from monai.networks.layers import AffineTransform
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from export.breast_mass_mg.settings import Augmentation, Settings, Split
from export.breast_mass_mg.sources import Mammogram, Pixels, Truth, mammograms, of_patient
from export.phantoms import mammography
from orthanc_plugin.inference.preprocess import Placement
from orthanc_plugin.inference.regions import Region, squared
from orthanc_plugin.inference.resample import planes

_AROUND = 1.5  # so much more than its region is kept of each, to turn and move it
_IMAGES_EACH = 1.5  # of phantoms, for each with a mass
_PART_ROWS = 128  # of the parts of whole images that are learned from
_OFTEN, _BESIDE, _MASS = 0.6, 0.3, 0.5
_KEPT_ROWS = 240  # of a region with what is kept around it


@dataclass(frozen=True)
class Parts:
    """Mammograms of the three parts; no patient is in two of them."""

    train: tuple[Mammogram, ...]
    validation: tuple[Mammogram, ...]
    test: tuple[Mammogram, ...]


@dataclass(frozen=True)
class Samples:
    """`images` [n, rows, columns] as the node reads them, `truth` [n, rows, columns] from 0 to 1."""

    images: NDArray[np.float32]
    truth: NDArray[np.float32]


def parts_of(data: str, split: Split) -> Parts:
    found = mammograms(data, split.train + split.validation + split.test)
    patients = list(dict.fromkeys(each.patient for each in found))
    if data != "phantoms":
        patients = [patients[place] for place in np.random.default_rng(0).permutation(len(patients))]
    wanted = np.array([split.train, split.validation, split.test])
    first, second, _ = np.rint(np.cumsum(wanted) * len(patients) / wanted.sum()).astype(int)
    groups = (set(patients[:first]), set(patients[first:second]), set(patients[second:]))
    train, validation, test = (tuple(each for each in found if each.patient in group) for group in groups)
    further = range(len(patients), len(patients) + split.more // 2) if data == "phantoms" else ()
    return Parts((*train, *(view for seed in further for view in of_patient(seed))), validation, test)


def samples(
    kept: tuple[Mammogram, ...], settings: Settings, data: str, cache_folder: Path, *, detected: bool = False
) -> Samples:
    """Made once and kept on disk under a name that says of what; `detected` is of whole images."""
    kind = ("detected" if detected else "images") if settings.network == "find" else "regions"
    of = (settings.beside, settings.margin) if kind == "regions" else (settings.rows, settings.columns)
    named = (data, generator_digest() if data == "phantoms" else "", [each.name for each in kept], kind, of)
    path = cache_folder / f"{kind}-{hashlib.sha256(repr(named).encode()).hexdigest()[:16]}.npz"
    if not path.exists():
        made = _made(kept, settings, detected)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".new").open("wb") as file:
            np.savez(file, images=made.images, truth=np.rint(made.truth * 255).astype(np.uint8))
        path.with_suffix(".new").replace(path)
    with np.load(path) as read:
        return Samples(read["images"], read["truth"].astype(np.float32) / 255)


@cache
def generator_digest() -> str:
    drawing = ("sheet", "anatomy", "lesions", "drawing", "acquisition")
    sources = [Path(mammography.__file__).with_name(f"{name}.py") for name in drawing]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:8]


def _made(kept: tuple[Mammogram, ...], settings: Settings, detected: bool) -> Samples:
    count = len(kept)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        drawn = pool.map(_samples_of, kept, [settings] * count, range(count), [detected] * count, chunksize=4)
        each = [sample for some in tqdm(drawn, total=len(kept), desc="mammograms", mininterval=5) for sample in some]
    images, truth = zip(*each, strict=True)
    return Samples(np.stack(images), np.stack(truth))


def _samples_of(image: Mammogram, settings: Settings, number: int, detected: bool) -> list[tuple[Pixels, Pixels]]:
    if settings.network == "find":
        pixels, truth = image.detected() if detected else image.whole()
        return [fitted(pixels, truth, (settings.rows, settings.columns))]
    rng = np.random.default_rng([settings.seed, number, 17])
    wanted = [*image.masses, *(each for each in image.lookalikes[:1] if rng.random() < settings.beside / _IMAGES_EACH)]
    return [_region(image, box, settings) for box in wanted if min(box.shape) > 4]


def _region(image: Mammogram, box: Region, settings: Settings) -> tuple[Pixels, Pixels]:
    pixels, truth = image.part(widened(squared(box, settings.margin, image.shape)))
    return fitted(pixels, truth, (_KEPT_ROWS, _KEPT_ROWS))


def widened(region: Region) -> Region:
    """With as much beyond each side as is kept; it may reach beyond the image."""
    rows, columns = (round(length * (_AROUND - 1) / 2) for length in region.shape)
    return Region(region.top - rows, region.left - columns, region.bottom + rows, region.right + columns)


def fitted(pixels: Pixels, truth: Truth, matrix: tuple[int, int]) -> tuple[Pixels, Pixels]:
    """As the node fits images into a matrix: as large as they go, in the middle, as dark as their darkest around."""
    scale = max(pixels.shape[0] / matrix[0], pixels.shape[1] / matrix[1])
    scaled = (round(pixels.shape[0] / scale), round(pixels.shape[1] / scale))
    corner = ((matrix[0] - scaled[0]) // 2, (matrix[1] - scaled[1]) // 2)
    place = Placement((pixels.shape[0], pixels.shape[1]), scaled, corner, matrix)
    return place.place(pixels, float(pixels.min())), place.place(truth.astype(np.float32), 0.0)


def centred(samples: Samples, settings: Settings) -> Samples:
    """Without what is kept around regions: what the node would be given."""
    if settings.network == "find":
        return samples
    cut = round(_KEPT_ROWS * (1 - 1 / _AROUND) / 2)
    window = (slice(None), slice(cut, -cut), slice(cut, -cut))
    matrix = (settings.rows, settings.columns)
    return Samples(planes(samples.images[window], matrix), planes(samples.truth[window], matrix))


def training_batches(samples: Samples, settings: Settings, first: int) -> Iterator[tuple[Tensor, Tensor]]:
    """From iteration `first` on; each is made by its own number, so a resumed training sees what it would have seen.

    Of whole images, which come as levels, parts are seen: more often around a mass than elsewhere in the breast.
    """
    whole = settings.network == "find"
    size = (_PART_ROWS, _PART_ROWS) if whole else (settings.rows, settings.columns)
    resampled = AffineTransform(size, normalized=True, align_corners=False, padding_mode="zeros" if whole else "border")
    for iteration in range(first, settings.iterations):
        rng = np.random.default_rng([settings.seed, iteration, 18])
        chosen = rng.integers(0, len(samples.images), settings.batch)
        both = torch.from_numpy(np.stack([samples.images[each] for each in chosen]))
        both = torch.stack([both, torch.from_numpy(np.stack([samples.truth[each] for each in chosen]))], dim=1)
        made = [_part(rng, samples, each, settings) if whole else _around_region(rng, settings) for each in chosen]
        seen = resampled(both, torch.from_numpy(np.stack(made)))
        images = roughened(rng, seen[:, :1], settings.augmentation.noise)
        yield images.contiguous(memory_format=torch.channels_last), seen[:, 1:]


def roughened(rng: np.random.Generator, images: Tensor, most: float) -> Tensor:
    """As noisy as another detector's, after another one's smoothing; where nothing is seen, nothing comes."""
    if not most:
        return images
    smooth = functional.avg_pool2d(images, 3, stride=1, padding=1, count_include_pad=False)
    blended = torch.from_numpy(rng.choice([0.0, 1.0], len(images)) * rng.uniform(0, 1, len(images))).float()
    share = blended[:, None, None, None]
    sigma = torch.from_numpy(rng.uniform(0, most, len(images))).float()[:, None, None, None]
    noise = torch.from_numpy(rng.standard_normal(images.shape, dtype=np.float32))
    made = (1 - share) * images + share * smooth + sigma * noise
    return torch.where(images > 0, made.clamp(0, 1), images)


def _around_region(rng: np.random.Generator, settings: Settings) -> NDArray[np.float32]:
    return moved(rng, settings.augmentation, (1 / _AROUND, 1 / _AROUND))


def _part(rng: np.random.Generator, samples: Samples, number: int, settings: Settings) -> NDArray[np.float32]:
    """A square of the image around a pixel of a mass, or any of the breast."""
    wanted = samples.truth[number] > _MASS if rng.random() < _OFTEN else samples.images[number] > 0
    places = np.argwhere(wanted if wanted.any() else samples.images[number] > 0)
    shape = np.array([settings.rows, settings.columns])
    middle = places[rng.integers(len(places))] + rng.uniform(-_BESIDE, _BESIDE, 2) * _PART_ROWS
    theta = moved(rng, settings.augmentation, (_PART_ROWS / settings.rows, _PART_ROWS / settings.columns))
    theta[:, 2] = (middle + 0.5) / shape * 2 - 1
    return theta


def moved(rng: np.random.Generator, by: Augmentation, zoom: tuple[float, float]) -> NDArray[np.float32]:
    """Where each pixel of a square is taken from (2, 3), in rows and columns from -1 to 1 of the whole.

    Turned, scaled, moved, mirrored; `zoom` is the share of the rows and columns that the square has.
    """
    angle = np.deg2rad(rng.uniform(-by.turn_degrees, by.turn_degrees)) + rng.integers(4) * np.pi / 2
    scale = np.exp(rng.uniform(-by.scale_share, by.scale_share))
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
    mirrored = np.diag(rng.choice([-1.0, 1.0], 2))
    shift = rng.uniform(-by.shift_share, by.shift_share, 2) * 2
    return np.asarray(np.diag(zoom) @ np.column_stack([turned @ mirrored, shift]), np.float32)

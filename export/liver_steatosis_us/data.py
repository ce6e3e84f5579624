"""Seeds or files in, what the network learns from out: numbers and pictures of regions, their grades and patients."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from export.liver_steatosis_us.settings import Settings
from export.phantoms.ultrasound.image import liver
from export.phantoms.ultrasound.liver import GRADES
from export.phantoms.ultrasound.screen import screen
from orthanc_plugin.imaging.image import images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.parenchyma import Box, Windows
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.inference.texture import Canvas

PICTURE_PX = 64
_TRAIN, _VALIDATION, _HELD_OUT, _SHIFTED = 0, 100_000, 200_000, 300_000
_TENFOLD = 10
Number = TypeVar("Number", np.float32, np.float64)


class DataError(ValueError):
    """A sentence for whoever pointed to the data."""


@dataclass(frozen=True, eq=False)
class Cases:
    """One row a region, those of an image one after the other; `first` is true where an image begins.

    `pictures` hold the region and a little around it, 0 to 255; `in_liver` the share of it that is parenchyma, where
    that is known.
    """

    numbers: NDArray[np.float32]
    grades: NDArray[np.int64]
    patients: NDArray[np.int64]
    first: NDArray[np.bool_]
    pictures: NDArray[np.uint8]
    mean_grey: NDArray[np.float32]
    in_liver: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.grades)

    def where(self, chosen: NDArray[np.bool_]) -> "Cases":
        return Cases(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @property
    def images(self) -> "Cases":
        """A row an image: its most even region."""
        return self.where(self.first)

    def by_image(self, said: NDArray[Number]) -> NDArray[Number]:
        """What is said of each region, as the mean over those of an image."""
        starts = np.flatnonzero(self.first)
        many = np.diff(starts, append=len(self)).reshape(-1, *[1] * (said.ndim - 1))
        return np.asarray(np.add.reduceat(said, starts, axis=0) / many, said.dtype)


@dataclass(frozen=True)
class Parts:
    train: Cases
    validation: Cases


def parts_of(settings: Settings, source: str, cache: Path, processes: int) -> Parts:
    """`source` is `phantoms`, or a folder of images; patients of the one part are not in the other."""
    if source == "phantoms":
        seeds = _seeds(_TRAIN, settings.train), _seeds(_VALIDATION, settings.validation)
        return Parts(*(phantom_cases(settings, each, False, cache, processes) for each in seeds))
    cases = folder_cases(settings, Path(source))
    validation = cases.patients % _TENFOLD < 2
    if validation.all() or not validation.any():
        raise DataError(f"{source} has too few patients to be trained and validated on.")
    return Parts(cases.where(~validation), cases.where(validation))


def held_out(settings: Settings, count: int, cache: Path, processes: int) -> Cases:
    return phantom_cases(settings, _seeds(_HELD_OUT, count), False, cache, processes)


def shifted(settings: Settings, count: int, cache: Path, processes: int) -> Cases:
    return phantom_cases(settings, _seeds(_SHIFTED, count), True, cache, processes)


def _seeds(first: int, count: int) -> list[int]:
    return list(range(first, first + count))


def phantom_cases(settings: Settings, seeds: Sequence[int], other: bool, cache: Path, processes: int) -> Cases:
    """Drawn once: what was drawn by the same settings and the same code lies in the cache."""
    path = cache / f"{_key(settings, seeds, other)}.npz"
    if not path.exists():
        draw = partial(_drawn, settings, other)
        with ProcessPoolExecutor(processes) as pool:
            found = list(tqdm(pool.map(draw, seeds), total=len(seeds), desc="phantoms", mininterval=5))
        cases = _joined([case for case in found if case is not None])
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **{field.name: getattr(cases, field.name) for field in fields(cases)})
    with np.load(path) as kept:
        return Cases(**kept)


def _key(settings: Settings, seeds: Sequence[int], other: bool) -> str:
    here = Path(__file__).parents[2]
    drawing = (here / "export/phantoms/ultrasound" / f"{name}.py" for name in ("image", "liver", "machine", "screen"))
    looking = (here / "orthanc_plugin/imaging" / f"{name}.py" for name in ("sector", "parenchyma", "texture"))
    code = (*drawing, *looking, here / "orthanc_plugin/inference/texture.py")
    parts = [settings.texture.model_dump_json(), str(settings.region_px), f"{list(seeds)} {other}"]
    whole = hashlib.sha256("\n".join(parts).encode())
    for path in code:
        whole.update(path.read_bytes())
    return whole.hexdigest()[:16]


def _drawn(settings: Settings, other: bool, seed: int) -> Cases | None:
    phantom = liver(seed, shifted=other)
    shown = screen(phantom, coloured=seed % 8 < 4).astype(np.float32)

    def in_liver(box: Box) -> float:
        return float(phantom.liver[box.window].mean())

    return cases_of(settings, shown, phantom.grade, seed, in_liver)


def cases_of(
    settings: Settings, pixels: NDArray[np.float32], grade: int, patient: int,
    in_liver: Callable[[Box], float] = lambda _box: np.nan,
) -> Cases | None:  # fmt: skip
    """The regions of an image that the node looks at; None where there is none."""
    canvas = Canvas.of(settings.texture, pixels)
    boxes = Windows(canvas.sector, settings.region_px, settings.region_px).apart(settings.texture.windows)
    if not boxes:
        return None
    windows = len(boxes)
    return Cases(
        numbers=canvas.fed(boxes),
        grades=np.full(windows, grade, np.int64),
        patients=np.full(windows, patient, np.int64),
        first=np.arange(windows) == 0,
        pictures=np.stack([_picture(canvas.sector.grey_yx, box) for box in boxes]),
        mean_grey=np.array([canvas.sector.grey_yx[box.window].mean() for box in boxes], np.float32),
        in_liver=np.array([in_liver(box) for box in boxes], np.float32),
    )


def _picture(grey_yx: NDArray[np.float32], box: Box) -> NDArray[np.uint8]:
    rows, columns = grey_yx.shape
    top = int(np.clip(box.top + box.height // 2 - PICTURE_PX // 2, 0, rows - PICTURE_PX))
    left = int(np.clip(box.left + box.width // 2 - PICTURE_PX // 2, 0, columns - PICTURE_PX))
    return np.clip(grey_yx[top : top + PICTURE_PX, left : left + PICTURE_PX], 0, 255).astype(np.uint8)


def folder_cases(settings: Settings, folder: Path) -> Cases:
    """A folder with one of the grade's names for each grade, in it DICOM files (by PatientID) or PNG and JPEG files.

    A picture's patient is what its name says up to the first underscore.
    """
    found: list[Cases | None] = []
    for grade, name in enumerate(GRADES):
        files = sorted(path for path in (folder / name).rglob("*") if path.is_file())
        if not files:
            raise DataError(f"{folder} has no images in {name}; it needs folders named {', '.join(GRADES)}.")
        for path in tqdm(files, desc=name):
            for pixels, patient in _read(path):
                found.append(cases_of(settings, pixels, grade, _number(patient)))
    return _joined([case for case in found if case is not None])


def _read(path: Path) -> Iterator[tuple[NDArray[np.float32], str]]:
    if path.suffix.lower() in (".png", ".jpg", ".jpeg"):
        yield np.asarray(Image.open(path).convert("RGB"), np.float32), path.stem.partition("_")[0]
        return
    instance = decode(path.read_bytes())
    for pixels in images(assemble([instance])).pixels:
        yield pixels, str(instance.header.get("PatientID") or path.stem)


def _number(patient: str) -> int:
    return int(hashlib.sha256(patient.encode()).hexdigest()[:12], 16)


def _joined(cases: Sequence[Cases]) -> Cases:
    return Cases(*(np.concatenate([getattr(case, field.name) for case in cases]) for field in fields(Cases)))

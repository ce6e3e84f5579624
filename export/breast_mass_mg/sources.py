"""Where mammograms come from: phantoms, or DICOM files with masks, go in; regions and whole images with truth come out.

All pixels are as the node reads them: float32, bright is more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import highdicom
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.uid import (
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    SegmentationStorage,
)
from scipy.ndimage import find_objects, label

from export.checkpoints import SettingsError
from export.phantoms.mammography.acquisition import Machine, bright, machine, stored
from export.phantoms.mammography.anatomy import VIEWS, View
from export.phantoms.mammography.drawing import Drawing, draw
from export.phantoms.mammography.sheet import HEIGHT_MM, WIDTH_MM, Window
from orthanc_plugin.imaging.image import images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.inference.regions import Region

MAMMOGRAMS = (
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
)
FINE_MM = 0.2  # pixels of phantoms that stand for a detector's: its own take ten times as long to draw
_COARSE_MM = 0.35  # a phantom that is seen as a whole, and shrunk at once, is drawn no finer than this
_TOUCHING = np.ones((3, 3), bool)
Pixels = NDArray[np.float32]
Truth = NDArray[np.bool_]


class Mammogram(Protocol):
    """One image. `masses` and `lookalikes` are boxes in its pixels; what may reach beyond it is `part`'s business."""

    @property
    def name(self) -> str: ...
    @property
    def patient(self) -> str: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def masses(self) -> Sequence[Region]: ...
    @property
    def lookalikes(self) -> Sequence[Region]: ...
    def part(self, region: Region) -> tuple[Pixels, Truth]: ...
    def whole(self) -> tuple[Pixels, Truth]:
        """The image, or a coarser one of the same field of view."""
        ...

    def detected(self) -> tuple[Pixels, Truth]:
        """The same, with as much noise and detail as a detector's own pixels leave once they are shrunk."""
        ...


@dataclass(frozen=True)
class PhantomView:
    seed: int
    view: View
    shifted: bool = False
    with_mass: bool | None = None

    @property
    def name(self) -> str:
        return f"{self.patient}-{self.view}"

    @property
    def patient(self) -> str:
        return f"{'shifted' if self.shifted else 'phantom'}-{self.seed}"

    @cached_property
    def drawing(self) -> Drawing:
        return draw(self.seed, self.view, shifted=self.shifted, with_mass=self.with_mass)

    @cached_property
    def machine(self) -> Machine:
        return machine(self.seed, shifted=self.shifted)

    @property
    def shape(self) -> tuple[int, int]:
        return round(HEIGHT_MM / self.machine.pixel_mm), round(WIDTH_MM / self.machine.pixel_mm)

    @property
    def masses(self) -> Sequence[Region]:
        return [self._in_pixels(each.box_mm) for each in self.drawing.masses]

    @property
    def lookalikes(self) -> Sequence[Region]:
        return [self._in_pixels(each.box_mm) for each in self.drawing.lookalikes]

    def part(self, region: Region) -> tuple[Pixels, Truth]:
        return self._drawn(self._window(region))

    def whole(self) -> tuple[Pixels, Truth]:
        return self._drawn(Window.whole(_COARSE_MM))

    def detected(self) -> tuple[Pixels, Truth]:
        return self._drawn(Window.whole(FINE_MM))

    def _drawn(self, window: Window) -> tuple[Pixels, Truth]:
        return bright(stored(self.drawing, self.machine, window), self.machine), self.drawing.truth(window)

    def _window(self, region: Region) -> Window:
        pixel = self.machine.pixel_mm
        return Window(region.top * pixel, region.left * pixel, *region.shape, pixel)

    def _in_pixels(self, box_mm: tuple[float, float, float, float]) -> Region:
        """What of it lies on the image."""
        rows, columns = self.shape
        top, left, bottom, right = (round(edge / self.machine.pixel_mm) for edge in box_mm)
        return Region(max(top, 0), max(left, 0), min(bottom, rows), min(right, columns))


@dataclass(frozen=True)
class DicomPair:
    """A DICOM file, with `NAME_mask.png` beside it or a DICOM SEG that refers to it; without either it is healthy."""

    path: Path
    patient: str
    mask: Path | None
    sop_instance_uid: str

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def _pixels(self) -> Pixels:
        return images(assemble([decode(self.path.read_bytes())])).pixels[0]

    @cached_property
    def _truth(self) -> Truth:
        if self.mask is None:
            return np.zeros(self._pixels.shape, bool)
        if self.mask.suffix == ".png":
            with Image.open(self.mask) as opened:
                truth = np.asarray(opened.convert("L")) > 0
        else:
            outlined = highdicom.seg.segread(self.mask)
            truth = np.zeros(self._pixels.shape, bool)
            for frame in outlined.get_pixels_by_source_instance([self.sop_instance_uid], combine_segments=False):
                truth |= (frame > 0).any(axis=-1)
        if truth.shape != self._pixels.shape:
            own, other = (f"{shape[0]} x {shape[1]}" for shape in (self._pixels.shape, truth.shape))
            raise SettingsError(
                f"{self.mask.name} has {other} pixels, its mammogram {own}; give a mask of the mammogram's own size."
            )
        return truth

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = self._pixels.shape
        return rows, columns

    @property
    def masses(self) -> Sequence[Region]:
        parts, _ = label(self._truth, _TOUCHING)
        return [Region(rows.start, columns.start, rows.stop, columns.stop) for rows, columns in find_objects(parts)]

    @property
    def lookalikes(self) -> Sequence[Region]:
        return []

    def part(self, region: Region) -> tuple[Pixels, Truth]:
        """What lies beyond the image is its nearest pixel."""
        rows = np.clip(np.arange(region.top, region.bottom), 0, self.shape[0] - 1)
        columns = np.clip(np.arange(region.left, region.right), 0, self.shape[1] - 1)
        return self._pixels[np.ix_(rows, columns)], self._truth[np.ix_(rows, columns)]

    def whole(self) -> tuple[Pixels, Truth]:
        return self._pixels, self._truth

    def detected(self) -> tuple[Pixels, Truth]:
        return self.whole()


def mammograms(data: str, images_with_mass: int) -> list[Mammogram]:
    """`data` is `phantoms` or `dicom:FOLDER`; phantoms are as many as asked for, two views of each ill breast.

    With them comes one view of the healthy breast of each patient.
    """
    kind, _, where = data.partition(":")
    if kind == "phantoms" and not where:
        return [view for seed in range((images_with_mass + 1) // 2) for view in of_patient(seed)]
    if kind != "dicom" or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms or dicom:FOLDER.")
    found: list[Mammogram] = list(_dicom_pairs(Path(where)))
    if not any(each.masses for each in found):
        raise SettingsError(f"There is no mammogram with a mask of a mass in {where}.")
    return found


def of_patient(seed: int, *, shifted: bool = False) -> list[Mammogram]:
    """Both views of the breast with the mass, one of the other."""
    views = [PhantomView(seed, view, shifted, with_mass=True) for view in VIEWS]
    ill = [view for view in views if view.drawing.masses]
    healthy = [view for view in views if not view.drawing.masses]
    return [*ill, healthy[seed % len(healthy)]]


def _dicom_pairs(folder: Path) -> Iterator[Mammogram]:
    outlined: dict[str, Path] = {}
    found: list[tuple[Path, pydicom.Dataset]] = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file() and pydicom.misc.is_dicom(each)):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        if header.SOPClassUID == SegmentationStorage:
            for item in header.ReferencedSeriesSequence[0].ReferencedInstanceSequence:
                outlined[str(item.ReferencedSOPInstanceUID)] = path
        elif header.SOPClassUID in MAMMOGRAMS:
            found.append((path, header))
    for path, of_image in found:
        picture, uid = path.with_name(f"{path.stem}_mask.png"), str(of_image.SOPInstanceUID)
        mask = picture if picture.exists() else outlined.get(uid)
        yield DicomPair(path, str(of_image.get("PatientID", "")) or uid, mask, uid)

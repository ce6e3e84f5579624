"""A checked series in, its single images out: grey values or colours with their sources, without a place in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from orthanc_plugin.imaging.header import DAMAGED, integer, name, number, numbers, refusal, text
from orthanc_plugin.imaging.instance import Instance
from orthanc_plugin.imaging.series import Series
from orthanc_plugin.imaging.volume import SourceSlice, Volume

GREY = ("MONOCHROME1", "MONOCHROME2")
PALETTE = "PALETTE COLOR"
# On the patient where the machine was calibrated for it, else on the detector.
SPACINGS = ("PixelSpacing", "ImagerPixelSpacing")


@dataclass(frozen=True, eq=False)
class Images:
    """Pixels (rows, columns) in which bright is more, or (rows, columns, RGB); `sources` has one entry an image.

    `headers` and `pixel_digests` have one an instance. `spacings_mm` is (between rows, between columns), None where
    the header states none.
    """

    pixels: tuple[NDArray[np.float32], ...]
    spacings_mm: tuple[tuple[float, float] | None, ...]
    sources: tuple[SourceSlice, ...]
    headers: tuple[Dataset, ...]
    pixel_digests: tuple[str, ...]
    cautions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pixels)

    def shape_yx(self, index: int) -> tuple[int, int]:
        rows, columns = self.pixels[index].shape[:2]
        return rows, columns

    def plane(self, index: int) -> NDArray[np.float32]:
        return self.pixels[index]

    def pixel_mm(self, index: int) -> tuple[float, float] | None:
        return self.spacings_mm[index]


def images(series: Series) -> Images:
    """Unsuitable, with a sentence, for values that can't be read as they are meant."""
    frames = [(instance, frame) for instance in series.instances for frame in range(len(instance.frames))]
    return Images(
        tuple(_pixels(instance, frame) for instance, frame in frames),
        tuple(_spacing_mm(instance.header) for instance, _ in frames),
        tuple(_source(instance, frame) for instance, frame in frames),
        tuple(instance.header for instance in series.instances),
        tuple(instance.pixel_digest for instance in series.instances),
        series.cautions,
    )


def _pixels(instance: Instance, frame: int) -> NDArray[np.float32]:
    header, stored = instance.header, instance.frames[frame]
    values = np.asarray(stored, np.float32)
    if stored.ndim == 3:
        return values
    if text(header, "PhotometricInterpretation") == PALETTE:
        return _looked_up(instance, frame)
    if text(header, "PhotometricInterpretation") not in GREY:
        raise refusal(header, f"{name(header)} has colours that can't be read; send it as RGB or grey.")
    if "ModalityLUTSequence" in header:
        raise refusal(
            header,
            f"{name(header)} maps its values by a lookup table, which this node does not read; "
            "send the series with a rescale slope and intercept.",
        )
    if text(header, "PhotometricInterpretation") == "MONOCHROME1":
        values = np.float32(_dark_and_bright(instance)) - values
    slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept")
    if slope is None or intercept is None:
        return values
    return values * np.float32(slope) + np.float32(intercept)


def _looked_up(instance: Instance, frame: int) -> NDArray[np.float32]:
    """The colours of a palette, from 0 to 255."""
    header = instance.header
    try:
        colours = apply_color_lut(np.asarray(instance.frames[frame]), header)
    except DAMAGED as error:
        raise refusal(
            header, f"{name(header)} has a palette of colours that can't be read; send it as RGB or grey."
        ) from error
    most = np.iinfo(colours.dtype).max
    return np.asarray(colours[..., :3], np.float32) * np.float32(255 / most)


def _dark_and_bright(instance: Instance) -> int:
    """The sum of the least and the largest value that can be stored: taken from it, a value is turned round."""
    bits = integer(instance.header, "BitsStored") or instance.frames.dtype.itemsize * 8
    return -1 if instance.frames.dtype.kind == "i" else (1 << bits) - 1


def _spacing_mm(header: Dataset) -> tuple[float, float] | None:
    for keyword in SPACINGS:
        found = numbers(header, keyword, 2)
        if found is not None and min(found) > 0:
            return found[0], found[1]
    return None


def _source(instance: Instance, frame: int) -> SourceSlice:
    """Scanners state a number of frames of one in classes, too, that have no frames to be named."""
    header = instance.header
    frame_number = frame + 1 if len(instance.frames) > 1 else None
    return SourceSlice(text(header, "SOPClassUID"), text(header, "SOPInstanceUID"), frame_number)


Imaged = Volume | Images

"""The shipped model asked as the node asks it: pixels in, grade, region, heat map and strangeness out."""

from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from export.evaluation.shipped import session
from export.liver_steatosis_us.export import FOLDER, INPUT, OUTPUTS
from export.liver_steatosis_us.foreign import foreign
from export.phantoms.ultrasound.image import liver
from export.phantoms.ultrasound.screen import screen
from orthanc_plugin.imaging.parenchyma import Windows
from orthanc_plugin.inference.network import Network
from orthanc_plugin.inference.texture import Canvas, heat, wanted
from orthanc_plugin.routing.folder import read_card
from orthanc_plugin.routing.network import Stage

PROBABILITY, STRANGENESS = OUTPUTS


class Asked:
    """What `heat` asks of a network, without the device."""

    def __init__(self) -> None:
        self.stage = stage()

    def __call__(self, numbers: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return answered(numbers)


@dataclass(frozen=True)
class Peak:
    """Of one phantom's heat map: whether the grade was right, and whether the peak lies in the parenchyma."""

    right: bool
    in_liver: bool


@cache
def stage() -> Stage:
    return read_card(FOLDER).stages[0]


def answered(numbers: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    return dict(zip(OUTPUTS, session(FOLDER / "model.onnx").run(list(OUTPUTS), {INPUT: numbers}), strict=True))


def looked_at(pixels: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """(regions, numbers) of those that the node would take; None where it finds none."""
    canvas = Canvas.of(wanted(stage()), pixels)
    boxes = Windows(canvas.sector, stage().rows, stage().columns).apart(wanted(stage()).windows)
    return canvas.fed(boxes) if boxes else None


def try_peak(seed: int, shifted: bool) -> Peak | None:
    phantom = liver(seed, shifted=shifted)
    pixels = screen(phantom, coloured=seed % 8 < 4).astype(np.float32)
    numbers = looked_at(pixels)
    if numbers is None:
        return None
    found = int(answered(numbers)[PROBABILITY].mean(axis=0).argmax())
    map_yx = heat(cast(Network, Asked()), pixels, PROBABILITY, found)
    row, column = np.unravel_index(int(map_yx.argmax()), map_yx.shape)
    return Peak(found == phantom.grade, bool(phantom.liver[row, column]))


def try_foreign(seed: int) -> tuple[str, bool]:
    """What it is, and whether the node refuses it or says that it is strange."""
    kind, pixels = foreign(seed)
    numbers = looked_at(pixels)
    return kind, numbers is None or bool(answered(numbers)[STRANGENESS].mean() > 1)

"""What the beam loses in, stored values out: raw ones for processing or finished ones for presentation, with noise."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from export.phantoms.mammography.drawing import Drawing
from export.phantoms.mammography.sheet import Floats, Window

Intent = Literal["FOR PRESENTATION", "FOR PROCESSING"]


@dataclass(frozen=True)
class Machine:
    """How a detector and its processing make numbers of it; `bits` are those stored.

    `inverted` stores them so that large is dark (MONOCHROME1), as raw exposures are by nature.
    """

    intent: Intent
    pixel_mm: float
    noise: float
    bits: int
    inverted: bool
    gamma: float
    flatten: float
    hardness: float

    @property
    def highest(self) -> int:
        return (1 << self.bits) - 1


def machine(seed: int, *, shifted: bool, intent: Intent | None = None, inverted: bool | None = None) -> Machine:
    rng = np.random.default_rng([seed, int(shifted), 411])
    drawn: Intent = "FOR PROCESSING" if rng.random() < 0.25 else "FOR PRESENTATION"
    intent = intent or drawn
    pixel = float(rng.choice([0.05, 0.0941] if shifted else [0.07, 0.085, 0.1]))
    noise = float(rng.uniform(0.05, 0.09) if shifted else rng.uniform(0.02, 0.06))
    raw = intent == "FOR PROCESSING"
    turned = raw or bool(rng.random() < 0.2)
    return Machine(
        intent=intent, pixel_mm=pixel, noise=noise, bits=14 if raw else 12,
        inverted=turned if inverted is None or raw else inverted,
        gamma=float(rng.uniform(0.65, 1.5) if shifted else rng.uniform(0.8, 1.25)),
        flatten=float(rng.uniform(0.3, 0.95) if shifted else rng.uniform(0.5, 0.85)),
        hardness=float(rng.uniform(1.5, 2.4)),
    )  # fmt: skip


def stored(drawing: Drawing, by: Machine, window: Window) -> NDArray[np.uint16]:
    """The pixels as they stand in the file of a left breast; a right one is mirrored by whoever writes it."""
    loss, body = drawing.loss(window)
    rng = np.random.default_rng([drawing.seed, int(drawing.shifted), window.rows, round(window.top_mm * 10), 412])
    fine = by.noise * min(1.0, by.pixel_mm / window.pixel_mm)
    speckle = rng.standard_normal(loss.shape, dtype=np.float32) * np.float32(fine)
    if by.intent == "FOR PROCESSING":
        exposure = 0.8 * np.exp(-by.hardness * loss) * (1 + speckle)
        return _whole(exposure, by.highest)
    bright = loss - by.flatten * body + speckle * (body > 0.02)
    scaled = np.clip((bright - 0.02) / (1.75 - by.flatten), 0, 1) ** np.float32(by.gamma)
    seen = scaled * scaled * (3 - 2 * scaled) if by.gamma > 1 else scaled
    return _whole(1 - seen if by.inverted else seen, by.highest)


def bright(values: NDArray[np.uint16], by: Machine) -> Floats:
    """As the node reads them: large is bright."""
    read = values.astype(np.float32)
    return np.float32(by.highest) - read if by.inverted else read


def _whole(share: Floats, highest: int) -> NDArray[np.uint16]:
    return np.clip(np.rint(share * highest), 0, highest).astype(np.uint16)

"""What the model was not made for: a kind and a seed in, whether the node cautions about a series of it out."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from export.phantoms import abdomen
from export.phantoms.abdomen import Phantom
from export.phantoms.heart import case as heart
from export.phantoms.stroke.case import draw_case, phantom
from export.stroke_cta.export import FOLDER
from export.stroke_cta.trial import ask

_ROWS, _SLICES = 160, 60
Voxels = NDArray[np.int16]


def cautioned(kind: str, seed: int) -> bool:
    """Beside what the header says, which is right in all of them."""
    return any("unlike" in each for each in ask(KINDS[kind](seed), FOLDER).cautions)


def _head(seed: int) -> Phantom:
    return phantom(draw_case(seed), rows=_ROWS)[0]


def _changed(change: Callable[[Voxels], NDArray[np.generic]]) -> Callable[[int], Phantom]:
    def made(seed: int) -> Phantom:
        usual = _head(seed)
        return replace(usual, voxels_zyx=np.clip(change(usual.voxels_zyx), -1024, 3071).astype(np.int16))

    return made


def _without_contrast(seed: int) -> Phantom:
    """Blood as it is by itself, and brain without what contrast adds to it."""
    usual = draw_case(seed)
    contrast = replace(usual.acquisition.contrast, blood_hu=8.0)
    return phantom(replace(usual, acquisition=replace(usual.acquisition, contrast=contrast)), rows=_ROWS)[0]


def _noisy(hu: Voxels) -> NDArray[np.float64]:
    """As from a tenth of the dose."""
    return hu + np.random.default_rng(5).normal(0, 90, hu.shape)


KINDS: Mapping[str, Callable[[int], Phantom]] = {
    "abdomen": lambda seed: abdomen.phantom(seed, slices=_SLICES, rows=_ROWS, spacing_z_mm=3.0),
    "heart": lambda seed: heart.phantom(heart.draw_case(seed), rows=_ROWS),
    "without contrast": _without_contrast,
    "much noise": _changed(_noisy),
    "not in HU": _changed(lambda hu: hu + 1024),
    "inverted": _changed(lambda hu: -hu),
    "turned by 90 degrees": _changed(lambda hu: np.rot90(hu, axes=(1, 2))),
}

"""What the model was not made for: a kind and a seed in, whether the node cautions about a series of it out."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from export.coronary_calcium_ct.export import FOLDER
from export.coronary_calcium_ct.trial import ask
from export.phantoms import abdomen
from export.phantoms.abdomen import Phantom
from export.phantoms.heart.case import draw_case, phantom
from export.phantoms.regions import region

_ROWS, _SLICES = 256, 12
_OTHER_REGIONS = ("head", "neck", "pelvis", "leg", "knee")
Voxels = NDArray[np.int16]


def cautioned(kind: str, seed: int) -> bool:
    """Beside what the header says, which is right in all of them."""
    return any("unlike" in each for each in ask(KINDS[kind](seed), FOLDER).cautions)


def _heart(seed: int) -> Phantom:
    return phantom(draw_case(seed, gated=True), rows=_ROWS)


def _changed(change: Callable[[Voxels], Voxels]) -> Callable[[int], Phantom]:
    def made(seed: int) -> Phantom:
        usual = _heart(seed)
        return replace(usual, voxels_zyx=np.clip(change(usual.voxels_zyx), -1024, 3071).astype(np.int16))

    return made


def _enhanced(hu: Voxels) -> Voxels:
    """Blood of heart and vessels bright, as in an angiography whose header does not say so."""
    return np.where((hu > 20) & (hu < 110), hu + 300, hu)


def _abdomen(seed: int) -> Phantom:
    return abdomen.phantom(seed, slices=_SLICES, rows=_ROWS, spacing_z_mm=3.0)


def _other_region(seed: int) -> Phantom:
    """CT of another part of the body, drawn until it is one; one slice stands for all of the series."""
    rng = np.random.default_rng([seed, 37])
    wanted = _OTHER_REGIONS[int(rng.integers(len(_OTHER_REGIONS)))]
    found = (region.phantom(int(n), wanted) for n in rng.integers(1_000_000, size=60))
    image = next(each.image for each in found if each.view == "CT")
    slices = image[None] + rng.normal(0, 12, (_SLICES, *image.shape))
    usual = _heart(seed)
    pixel_mm = float(rng.uniform(0.7, 1.6))
    place = replace(usual.geometry, row_spacing_mm=pixel_mm, column_spacing_mm=pixel_mm)
    voxels = np.clip(slices, -1024, 3071).astype(np.int16)
    return replace(usual, voxels_zyx=voxels, labels_zyx=np.zeros(voxels.shape, np.uint8), geometry=place)


KINDS: Mapping[str, Callable[[int], Phantom]] = {
    "abdomen": _abdomen,
    "another region": _other_region,
    "with contrast": _changed(_enhanced),
    "not in HU": _changed(lambda hu: hu + 1024),
    "inverted": _changed(lambda hu: -hu),
    "turned by 90 degrees": _changed(lambda hu: np.rot90(hu, axes=(1, 2))),
}

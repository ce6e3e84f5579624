"""What the model was not made for: a kind and a seed in, whether the node cautions about a series of it out."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from export.ct_denoise.export import FOLDER
from export.ct_denoise.trial import Drawn, ask, draw
from export.phantoms.regions import region
from export.restoring.trial import unlike

_ROWS, _SLICES = 256, 6
_OTHER_REGIONS = ("head", "knee", "leg")
Floats = NDArray[np.float32]


def cautioned(kind: str, seed: int) -> bool:
    """Beside what the header says, which is right in all of them."""
    return unlike(ask(KINDS[kind](seed), FOLDER)[1])


def _changed(change: Callable[[Floats], Floats]) -> Callable[[int], Drawn]:
    def made(seed: int) -> Drawn:
        usual = draw(seed, False, _SLICES, _ROWS)
        return replace(usual, low=np.clip(change(usual.low), -1024, 3071).astype(np.float32))

    return made


def _other_region(seed: int) -> Drawn:
    """CT of another part of the body, drawn until it is one; one slice stands for all of the series."""
    rng = np.random.default_rng([seed, 43])
    wanted = _OTHER_REGIONS[int(rng.integers(len(_OTHER_REGIONS)))]
    found = (region.phantom(int(n), wanted) for n in rng.integers(1_000_000, size=60))
    image = next(each.image for each in found if each.view == "CT")
    usual = draw(seed, False, _SLICES, len(image))
    noisy = image[None] + rng.normal(0, 40, (_SLICES, *image.shape))
    return replace(usual, low=np.clip(noisy, -1024, 3071).astype(np.float32))


KINDS: Mapping[str, Callable[[int], Drawn]] = {
    "another region": _other_region,
    "not in HU": _changed(lambda hu: hu + 1024),
    "inverted": _changed(lambda hu: -hu),
    "smoothed already": _changed(lambda hu: gaussian_filter(hu, (0, 3, 3))),
}

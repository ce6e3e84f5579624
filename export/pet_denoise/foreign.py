"""What the model was not made for: a kind and a seed in, whether the node cautions about a series of it out."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

from export.pet_denoise.export import FOLDER
from export.pet_denoise.trial import Drawn, ask, draw
from export.phantoms.brain.anatomy import Floats
from export.restoring.trial import unlike

_SLICES = 8
_WATER_PER_MM = 0.0096


def cautioned(kind: str, seed: int) -> bool:
    """Beside what the header says, which is right in all of them."""
    return unlike(ask(KINDS[kind](seed), FOLDER)[1])


def _changed(change: Callable[[Floats], Floats]) -> Callable[[int], Drawn]:
    def made(seed: int) -> Drawn:
        usual = draw(seed, False, _SLICES)
        return replace(usual, noisy=change(usual.noisy).astype(np.float32))

    return made


def _not_corrected(seed: int) -> Drawn:
    """For attenuation: what lies deep is lost."""
    usual = draw(seed, False, _SLICES)
    deep_mm = np.stack([distance_transform_edt(head) for head in usual.head]) * usual.grid.step_mm[1]
    return replace(usual, noisy=(usual.noisy * np.exp(-_WATER_PER_MM * deep_mm)).astype(np.float32))


KINDS: Mapping[str, Callable[[int], Drawn]] = {
    "inverted": _changed(lambda values: values.max() - values),
    "smoothed already": _changed(lambda values: gaussian_filter(values, (1, 4, 4))),
    "not corrected for attenuation": _not_corrected,
    "every second row left out": _changed(lambda values: values * (np.arange(values.shape[1]) % 2)[None, :, None]),
}

"""What the model was not made for: a kind and a seed in, whether the node cautions about a series of it out."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter

from export.asl_denoise.export import FOLDER
from export.asl_denoise.trial import Drawn, ask, draw
from export.phantoms.brain.anatomy import Floats
from export.restoring.trial import unlike

_SLICES = 8


def cautioned(kind: str, seed: int) -> bool:
    """Beside what the header says, which is right in all of them."""
    return unlike(ask(KINDS[kind](seed), FOLDER)[1])


def _changed(change: Callable[[Floats], Floats]) -> Callable[[int], Drawn]:
    def made(seed: int) -> Drawn:
        usual = draw(seed, False, _SLICES)
        return replace(usual, noisy=np.rint(change(usual.noisy)).astype(np.float32))

    return made


def _not_subtracted(values: Floats) -> Floats:
    """Much more of tissue than of blood, and nearly as much in all of the brain."""
    tissue = gaussian_filter(np.maximum(values, 0), (0, 2, 2))
    return np.asarray(0.2 * values + values.max() * (tissue > 0.1 * tissue.max()), np.float32)


KINDS: Mapping[str, Callable[[int], Drawn]] = {
    "label and control taken for one another": _changed(lambda values: -values),
    "smoothed already": _changed(lambda values: gaussian_filter(values, (1, 3, 3))),
    "one of a pair, not subtracted": _changed(_not_subtracted),
    "every second row left out": _changed(lambda values: values * (np.arange(values.shape[1]) % 2)[None, :, None]),
}

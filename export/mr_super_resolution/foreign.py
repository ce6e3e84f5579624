"""What the model was not made for: a kind and a seed in, whether the node cautions about a series of it out."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter

from export.mr_super_resolution.export import FOLDER
from export.mr_super_resolution.trial import Drawn, ask, draw
from export.phantoms.brain.anatomy import Floats
from export.restoring.trial import unlike

_SLICES = 6


def cautioned(kind: str, seed: int) -> bool:
    """Beside what the header says, which is right in all of them."""
    return unlike(ask(KINDS[kind](seed), FOLDER)[1])


def _changed(change: Callable[[Floats], Floats]) -> Callable[[int], Drawn]:
    def made(seed: int) -> Drawn:
        usual = draw(seed, False, _SLICES)
        return replace(usual, thick=np.rint(np.maximum(change(usual.thick), 0)).astype(np.float32))

    return made


KINDS: Mapping[str, Callable[[int], Drawn]] = {
    "inverted": _changed(lambda values: values.max() - values),
    "smoothed already": _changed(lambda values: gaussian_filter(values, (0, 3, 3))),
    "slices in another order": _changed(lambda values: values[np.arange(len(values)) * 5 % len(values)]),
    "every second row left out": _changed(lambda values: values * (np.arange(values.shape[1]) % 2)[None, :, None]),
}

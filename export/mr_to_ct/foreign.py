"""What the model was not made for: a kind and a seed in, whether the node cautions about a series of it out."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter

from export.mr_to_ct.export import FOLDER
from export.mr_to_ct.trial import Drawn, ask, draw
from export.phantoms.brain.anatomy import Floats
from export.restoring.trial import unlike

_SLICES = 6


def cautioned(kind: str, seed: int) -> bool:
    """Beside what the header says, which is right in all of them."""
    return unlike(ask(KINDS[kind](seed), FOLDER)[1])


def _changed(change: Callable[[Floats], Floats]) -> Callable[[int], Drawn]:
    def made(seed: int) -> Drawn:
        usual = draw(seed, False, _SLICES)
        return replace(usual, t1=np.maximum(change(usual.t1), 0).astype(np.float32))

    return made


def _ghosted(values: Floats) -> Floats:
    """As of a patient who moved."""
    ghosts = np.roll(values, values.shape[1] // 3, axis=1) + np.roll(values, -40, axis=1)
    return np.asarray(values + 0.5 * ghosts, np.float32)


KINDS: Mapping[str, Callable[[int], Drawn]] = {
    "inverted": _changed(lambda values: values.max() - values),
    "smoothed already": _changed(lambda values: gaussian_filter(values, (0, 3, 3))),
    "ghosts": _changed(_ghosted),
    "every second row left out": _changed(lambda values: values * (np.arange(values.shape[1]) % 2)[None, :, None]),
}

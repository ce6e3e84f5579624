"""What the model was not made for: a kind and a seed in, whether the node cautions about such a series out."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from export.alzheimer_mr.export import FOLDER
from export.alzheimer_mr.trial import ask_of
from export.heads.trying import in_place
from export.heads.window import Floats
from export.phantoms.ageing.case import draw_case
from export.phantoms.ageing.scan import FLAIR, T1, T2
from export.phantoms.regions import region

STEP_MM = 2.0
_OTHER_REGIONS = ("neck", "abdomen", "pelvis", "leg", "knee")
_CT: Mapping[str, float] = {
    "air": 0, "fat": 88, "muscle": 104, "bone": 240, "marrow": 190, "csf": 98, "grey": 104, "hippocampus": 104,
    "white": 102, "deep": 104, "stem": 102, "plexus": 106, "spot": 100,
}  # fmt: skip
_SKULL = ("fat", "muscle", "bone", "marrow")
_SMOOTH_MM, _BOTTLE_MM, _NOISE = 7.0, 70.0, 0.03


def cautioned(kind: str, seed: int, folder: Path = FOLDER) -> bool:
    """By the voxels alone: what a header would say is not looked at."""
    return any("unlike" in each for each in ask_of(in_place(KINDS[kind](seed), STEP_MM), folder).cautions)


def head(seed: int, contrast: Mapping[str, float] | None = None) -> Floats:
    case = draw_case(seed)
    return case.seen(case.scanner.cubes(STEP_MM), contrast).values


def _changed(change: Callable[[Floats], Floats]) -> Callable[[int], Floats]:
    return lambda seed: change(head(seed))


def _painted(contrast: Mapping[str, float]) -> Callable[[int], Floats]:
    return lambda seed: head(seed, contrast)


def _other_region(seed: int) -> Floats:
    """MR of another part of the body, drawn until it is one; one slice stands for all of the series."""
    rng = np.random.default_rng([seed, 43])
    wanted = _OTHER_REGIONS[int(rng.integers(len(_OTHER_REGIONS)))]
    found = (region.phantom(int(n), wanted) for n in rng.integers(1_000_000, size=60))
    image = next(each.image for each in found if each.view == "MR")
    bright = np.clip(image / max(float(image.max()), 1e-6), 0, 1)
    return np.asarray(bright + rng.normal(0, _NOISE, (90, *image.shape)), np.float32)


def _noise(seed: int) -> Floats:
    return np.abs(np.random.default_rng([seed, 45]).normal(0, 1, (120, 120, 88))).astype(np.float32)


def _bottle(seed: int) -> Floats:
    """A ball of water, with which a scanner is looked after."""
    middle = np.stack(np.meshgrid(*(np.arange(n) - n / 2 for n in (120, 120, 88)), indexing="ij")) * STEP_MM
    water = np.linalg.norm(middle, axis=0) < _BOTTLE_MM
    grain = np.random.default_rng([seed, 46]).normal(0, _NOISE, water.shape)
    return np.asarray(np.abs(water + grain), np.float32)


KINDS: Mapping[str, Callable[[int], Floats]] = {
    "another region": _other_region,
    "T2": _painted(T2),
    "FLAIR": _painted(FLAIR),
    "CT of a head": _painted(_CT),
    "the brain alone": _painted({**T1, **dict.fromkeys(_SKULL, 0.0)}),
    "upside down": _changed(lambda values: values[::-1]),
    "turned by 90 degrees": _changed(lambda values: np.rot90(values, axes=(1, 2))),
    "coronal slices taken for axial ones": _changed(lambda values: np.swapaxes(values, 0, 1)),
    "without the vertex": _changed(lambda values: values[: round(0.62 * len(values))]),
    "without the back of the head": _changed(lambda values: values[:, : round(0.6 * values.shape[1])]),
    "one side alone": _changed(lambda values: values[:, :, : values.shape[2] // 2]),
    "inverted": _changed(lambda values: values.max() - values),
    "strongly smoothed": _changed(lambda values: gaussian_filter(values, _SMOOTH_MM / STEP_MM)),
    "a bottle of water": _bottle,
    "noise": _noise,
}

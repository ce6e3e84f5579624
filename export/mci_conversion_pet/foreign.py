"""What the model was not made for: a kind and a seed in, whether the node cautions about such a series out."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from export.heads.trying import in_place
from export.heads.window import Floats
from export.mci_conversion_pet.export import FOLDER
from export.mci_conversion_pet.trial import ask_of
from export.phantoms.ageing.scan import T1
from export.phantoms.metabolism.case import draw_case
from export.phantoms.metabolism.uptake import AMYLOID, FDG
from export.phantoms.regions import region

STEP_MM = 3.0
_OTHER_REGIONS = ("neck", "abdomen", "pelvis", "leg", "knee")
_DOPAMINE: Mapping[str, float] = {**{name: 0.35 * value for name, value in FDG.items()}, "grey": 24, "deep": 110}
_CT: Mapping[str, float] = {
    "air": 0, "fat": 88, "muscle": 104, "bone": 240, "marrow": 190, "csf": 98, "grey": 104, "hippocampus": 104,
    "white": 102, "deep": 104, "stem": 102, "plexus": 106, "spot": 100,
}  # fmt: skip
_FLOW: Mapping[str, float] = {**FDG, "fat": 60, "muscle": 75, "marrow": 70, "white": 45}
_SMOOTH_MM, _BOTTLE_MM, _NOISE = 9.0, 90.0, 0.05


def cautioned(kind: str, seed: int, folder: Path = FOLDER) -> bool:
    """By the voxels alone: what a header would say is not looked at."""
    return any("unlike" in each for each in ask_of(in_place(KINDS[kind](seed), STEP_MM), folder).cautions)


def head(seed: int, tracer: Mapping[str, float] | None = None) -> Floats:
    case = draw_case(seed)
    return case.seen(case.scanner.cubes(STEP_MM), tracer).values


def _changed(change: Callable[[Floats], Floats]) -> Callable[[int], Floats]:
    return lambda seed: change(head(seed))


def _painted(tracer: Mapping[str, float]) -> Callable[[int], Floats]:
    return lambda seed: head(seed, tracer)


def _not_corrected(values: Floats) -> Floats:
    """Without attenuation correction: what lies deep is seen less."""
    middle = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in values.shape), indexing="ij"))
    deep_mm = np.maximum(95 - 130 * np.linalg.norm(middle[1:], axis=0), 0)
    return np.asarray(values * np.exp(-0.016 * deep_mm), np.float32)


def _other_region(seed: int) -> Floats:
    """Another part of the body, drawn until it is one; one slice stands for all of the series."""
    rng = np.random.default_rng([seed, 51])
    wanted = _OTHER_REGIONS[int(rng.integers(len(_OTHER_REGIONS)))]
    found = (region.phantom(int(n), wanted) for n in rng.integers(1_000_000, size=60))
    image = next(each.image for each in found if each.view == "MR")
    bright = np.clip(image / max(float(image.max()), 1e-6), 0, 1)
    noisy = bright + rng.normal(0, _NOISE, (60, *image.shape))
    return np.asarray(gaussian_filter(noisy, 1.0), np.float32)


def _noise(seed: int) -> Floats:
    return np.abs(np.random.default_rng([seed, 53]).normal(0, 1, (60, 88, 88))).astype(np.float32)


def _bottle(seed: int) -> Floats:
    """A cylinder of tracer in water, with which a scanner is looked after."""
    across = np.stack(np.meshgrid(*(np.arange(n) - n / 2 for n in (88, 88)), indexing="ij")) * STEP_MM
    water = np.repeat((np.linalg.norm(across, axis=0) < _BOTTLE_MM)[None], 60, axis=0)
    grain = np.random.default_rng([seed, 54]).normal(0, 2 * _NOISE, water.shape)
    return np.asarray(gaussian_filter(np.abs(water * (1 + grain)), 1.0), np.float32)


KINDS: Mapping[str, Callable[[int], Floats]] = {
    "another region": _other_region,
    "tracer of amyloid": _painted(AMYLOID),
    "tracer of dopamine": _painted(_DOPAMINE),
    "tracer that skin and muscle take up": _painted(_FLOW),
    "T1 of a head": _painted(T1),
    "CT of a head": _painted(_CT),
    "without attenuation correction": _changed(_not_corrected),
    "upside down": _changed(lambda values: values[::-1]),
    "turned by 90 degrees": _changed(lambda values: np.rot90(values, axes=(1, 2))),
    "coronal slices taken for axial ones": _changed(lambda values: np.swapaxes(values, 0, 1)),
    "without the vertex": _changed(lambda values: values[: round(0.62 * len(values))]),
    "one side alone": _changed(lambda values: values[:, :, : values.shape[2] // 2]),
    "inverted": _changed(lambda values: values.max() - values),
    "strongly smoothed": _changed(lambda values: gaussian_filter(values, _SMOOTH_MM / STEP_MM)),
    "a cylinder of water": _bottle,
    "noise": _noise,
}

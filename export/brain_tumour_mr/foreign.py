"""What the model was not made for: a kind and a seed in, whether the node cautions about such a study out."""

from collections.abc import Callable, Mapping

import highdicom as hd
import numpy as np
from scipy.ndimage import gaussian_filter

from export.brain_tumour_mr import SERIES
from export.brain_tumour_mr.export import FOLDER
from export.brain_tumour_mr.sources import cubes_of, scan_of
from export.brain_tumour_mr.trial import Floats, ask
from export.phantoms.brain.anatomy import CSF, TISSUES, Labels
from export.phantoms.brain.case import Case, draw_case
from export.phantoms.brain.scan import cube
from export.phantoms.regions import region
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.routing.folder import read

STEP_MM = 2.0
_OTHER_REGIONS = ("neck", "abdomen", "pelvis", "leg", "knee")
# How many HU each tissue has, in the order of `TISSUES`.
_HU = (-1000, -95, 900, 55, 8, 38, 29, 35, 42, 40, 14, 24, 20, 34, 22)
_NOISE_HU, _SMOOTH_MM, _BOTTLE_MM = 6.0, 8.0, 55.0
Study = dict[str, Floats]
"""Voxels of each series, all on one grid of cubes: slices go up, rows to the back, columns to the left."""


def cautioned(kind: str, seed: int) -> bool:
    return unlike(KINDS[kind](seed, STEP_MM))


def unlike(study: Study) -> bool:
    """Whether the node cautions, by the voxels alone: what a header would say is not looked at."""
    volumes = {role: in_place(voxels, STEP_MM) for role, voxels in study.items()}
    return any("unlike" in each for each in ask(volumes, read(FOLDER)).cautions)


def in_place(voxels: Floats, step_mm: float) -> Volume:
    """A volume of no series, its first voxel in the middle of the scanner."""
    affine = np.zeros((4, 4))
    affine[[2, 1, 0, 3], [0, 1, 2, 3]] = (step_mm, step_mm, step_mm, 1)
    place = hd.VolumeGeometry(
        affine=affine,
        spatial_shape=voxels.shape,
        coordinate_system=hd.CoordinateSystemNames.PATIENT,
        frame_of_reference_uid="2.25.1",
    )
    return Volume(voxels, place, (), (), (), ())


def usual(seed: int, step_mm: float) -> Study:
    """A head as the model knows it; the others are changed from it."""
    return dict(zip(SERIES, scan_of(_case(seed), step_mm).images, strict=True))


def _tissues(seed: int, step_mm: float) -> Labels:
    """Of the usual head."""
    case = _case(seed)
    return case.head.tissue(cubes_of(case, step_mm).places())


def _case(seed: int) -> Case:
    return draw_case(seed, ill=True)


def _changed(change: Callable[[Floats], Floats]) -> Callable[[int, float], Study]:
    def made(seed: int, step_mm: float) -> Study:
        return {name: np.ascontiguousarray(change(voxels)) for name, voxels in usual(seed, step_mm).items()}

    return made


def _other_region(seed: int, step_mm: float) -> Study:
    """MR of another part of the body, drawn until it is one; one slice stands for all of each series."""
    rng = np.random.default_rng([seed, 43])
    wanted = _OTHER_REGIONS[int(rng.integers(len(_OTHER_REGIONS)))]
    found = (region.phantom(int(n), wanted) for n in rng.integers(1_000_000, size=60))
    image = next(each.image for each in found if each.view == "MR")
    bright, shape = image / max(float(image.max()), 1e-6), (round(168 / step_mm), *image.shape)
    return {
        name: np.asarray(np.clip(bright, 0, 1) ** rng.uniform(0.6, 1.6) + rng.normal(0, 0.02, shape), np.float32)
        for name in SERIES
    }


def _of_ct(seed: int, step_mm: float) -> Study:
    """The same head in HU, four times."""
    tissues = _tissues(seed, step_mm)
    rng = np.random.default_rng([seed, 44])
    hu = gaussian_filter(np.array(_HU, np.float32)[tissues], 0.5)
    return {name: np.asarray(hu + rng.normal(0, _NOISE_HU, hu.shape), np.float32) for name in SERIES}


def _brain_alone(seed: int, step_mm: float) -> Study:
    """Neither skull nor scalp, as programs that cut them away leave it."""
    tissues = _tissues(seed, step_mm)
    return {name: np.where(tissues >= CSF, voxels, 0) for name, voxels in usual(seed, step_mm).items()}


def _noise(seed: int, step_mm: float) -> Study:
    rng = np.random.default_rng([seed, 45])
    return {name: np.abs(rng.normal(0, 1, cube(step_mm).shape)).astype(np.float32) for name in SERIES}


def _bottle(seed: int, step_mm: float) -> Study:
    """A ball of water, with which a scanner is looked after."""
    rng = np.random.default_rng([seed, 46])
    away_mm = np.linalg.norm(cube(step_mm).places(), axis=0)
    water = np.where(away_mm < _BOTTLE_MM, 1.0, 0.0)
    return {name: np.abs(water + rng.normal(0, 0.03, water.shape)).astype(np.float32) for name in SERIES}


def mistaken(study: Study) -> Study:
    """T2 is taken for T1 with contrast and the other way round."""
    return {**study, "t1c": study["t2"], "t2": study["t1c"]}


assert len(_HU) == len(TISSUES)
KINDS: Mapping[str, Callable[[int, float], Study]] = {
    "another region": _other_region,
    "CT of a head": _of_ct,
    "the brain alone": _brain_alone,
    "a bottle of water": _bottle,
    "noise": _noise,
    "inverted": _changed(lambda voxels: voxels.max() - voxels),
    "strongly smoothed": lambda seed, step_mm: {
        name: gaussian_filter(voxels, _SMOOTH_MM / step_mm) for name, voxels in usual(seed, step_mm).items()
    },
    "turned by 90 degrees": _changed(lambda voxels: np.rot90(voxels, axes=(1, 2))),
    "coronal slices taken for axial ones": _changed(lambda voxels: np.swapaxes(voxels, 0, 1)),
    "T2 and T1 with contrast taken for one another": lambda seed, step_mm: mistaken(usual(seed, step_mm)),
}

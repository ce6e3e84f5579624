"""Two volumes of one patient in different frames of reference in, how the one lies in the space of the other out.

Rigid, by mutual information (Mattes), so that a T1 and a T2 or a CT fit one another; SimpleITK does the search.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import highdicom as hd
import numpy as np
import SimpleITK
from numpy.typing import NDArray

from orthanc_plugin.imaging.volume import Volume

# Anything finer costs time and says nothing more of where a head lies.
FINEST_MM = 1.9
LEVELS = ((4, 4.0, 1.0), (2, 2.0, 0.3), (1, 1.0, 0.06))
"""For each level how many times it is shrunk, smoothed by how many mm, and which share of its voxels is looked at."""
LOOKED_AT_LEAST = 20_000
"""Voxels of a level, as far as it has so many: a small series can't spare any."""
BINS, STEPS_MOST, FIRST_STEP_MM, LAST_STEP_MM, RELAXATION = 32, 200, 2.0, 1e-4, 0.6
SEED = 1
# Images that have nothing to do with one another come to a few hundredths, T1 and T2 of one head to one.
LEAST_INFORMATION = 0.12
DISAGREEMENT_MOST_MM = 3.0
"""Between there and back: where the two searches end elsewhere, at least one of them is wrong."""
FARTHEST_DEGREES = 45.0
_LPS_OF_HIGHDICOM = np.array([2, 1, 0])  # SimpleITK counts columns first

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Registered:
    """`matrix` (4, 4) takes points of the moved series' space to that of the fixed one, in mm."""

    matrix: Matrix
    information: float
    disagreement_mm: float

    @property
    def sure(self) -> bool:
        return (
            self.information >= LEAST_INFORMATION
            and self.disagreement_mm <= DISAGREEMENT_MOST_MM
            and self.turned_degrees <= FARTHEST_DEGREES
        )

    @property
    def turned_degrees(self) -> float:
        cosine = (np.trace(self.matrix[:3, :3]) - 1) / 2
        return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))

    def moved_mm(self, moving: Volume) -> float:
        """How far the middle of the moved series goes."""
        [at] = moving.geometry.map_indices_to_reference((np.array([moving.voxels_zyx.shape]) - 1) / 2)
        return float(np.linalg.norm(self.matrix[:3, :3] @ at + self.matrix[:3, 3] - at))


def registered(fixed: Volume, moving: Volume) -> Registered:
    """The same every time: one thread, regular samples. It is the caller's to look whether it is `sure`."""
    # Of several threads each sums its own share, so that the last digits differ from time to time.
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    first, second = _image(fixed), _image(moving)
    try:
        there, information = _searched(first, second)
        back, _ = _searched(second, first)
    except RuntimeError:  # the two have nothing in common that could be looked at
        return Registered(np.eye(4), 0.0, np.inf)
    corners = [fixed.geometry.map_indices_to_reference(corner[None])[0] for corner in _inner_corners(fixed)]
    round_trips = [np.array(back.TransformPoint(there.TransformPoint(list(map(float, at))))) - at for at in corners]
    return Registered(
        matrix=np.asarray(np.linalg.inv(_matrix(there)), np.float64),
        information=information,
        disagreement_mm=max(float(np.linalg.norm(each)) for each in round_trips),
    )


def laid_on(fixed: Volume, moving: Volume, found: Registered) -> Volume:
    """The same voxels, their place told in the space of the fixed volume."""
    geometry = hd.VolumeGeometry(
        affine=found.matrix @ moving.geometry.affine,
        spatial_shape=moving.geometry.spatial_shape,
        coordinate_system=hd.CoordinateSystemNames.PATIENT,
        frame_of_reference_uid=fixed.geometry.frame_of_reference_uid,
    )
    return replace(moving, geometry=geometry)


def _inner_corners(volume: Volume) -> NDArray[np.float64]:
    """Of a box of half the size, in (slice, row, column): where the patient is."""
    size = np.array(volume.voxels_zyx.shape, np.float64) - 1
    shares = np.stack(np.meshgrid(*[[0.25, 0.75]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(shares * size)


def _image(volume: Volume) -> SimpleITK.Image:
    """Shrunk to about the finest that is looked at; extreme values, metal and vessels, are cut off."""
    low, high = np.percentile(volume.voxels_zyx[::2, ::4, ::4], (0.5, 99.5))
    image = SimpleITK.GetImageFromArray(np.clip(volume.voxels_zyx, low, high))
    affine = volume.geometry.affine
    steps = affine[:3, :3][:, _LPS_OF_HIGHDICOM]
    spacing = np.linalg.norm(steps, axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((steps / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return SimpleITK.BinShrink(image, [max(int(FINEST_MM / mm), 1) for mm in spacing])


def _searched(fixed: SimpleITK.Image, moving: SimpleITK.Image) -> tuple[SimpleITK.Transform, float]:
    search = SimpleITK.ImageRegistrationMethod()
    search.SetMetricAsMattesMutualInformation(BINS)
    search.SetMetricSamplingStrategy(search.REGULAR)
    search.SetMetricSamplingPercentagePerLevel(_shares(fixed), seed=SEED)
    search.SetInterpolator(SimpleITK.sitkLinear)
    search.SetShrinkFactorsPerLevel([shrunk for shrunk, _, _ in LEVELS])
    search.SetSmoothingSigmasPerLevel([smooth for _, smooth, _ in LEVELS])
    search.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    search.SetOptimizerAsRegularStepGradientDescent(
        FIRST_STEP_MM, LAST_STEP_MM, STEPS_MOST, relaxationFactor=RELAXATION
    )
    search.SetOptimizerScalesFromPhysicalShift()
    middle = SimpleITK.CenteredTransformInitializerFilter.GEOMETRY
    begin = SimpleITK.CenteredTransformInitializer(fixed, moving, SimpleITK.Euler3DTransform(), middle)
    search.SetInitialTransform(begin, inPlace=False)
    found = search.Execute(fixed, moving)
    return found, -float(search.GetMetricValue())


def _shares(fixed: SimpleITK.Image) -> list[float]:
    """Of each level's voxels those that are looked at."""
    counts = [fixed.GetNumberOfPixels() / shrunk**3 for shrunk, _, _ in LEVELS]
    return [min(max(share, LOOKED_AT_LEAST / count), 1.0) for count, (_, _, share) in zip(counts, LEVELS, strict=True)]


def _matrix(transform: SimpleITK.Transform) -> Matrix:
    """From points: whatever it is composed of, a rigid transform is what it does to four of them."""
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    for axis, unit in enumerate(np.eye(3)):
        matrix[:3, axis] = np.array(transform.TransformPoint(unit.tolist())) - origin
    matrix[:3, 3] = origin
    return matrix

"""Heads of patients, whose places nobody knows: one head is laid upon another, which stands for the usual one."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray

from export.heads.settings import HeadSettings
from export.heads.window import Floats, place_of

_UPPER_MM = 110.0
_BINS, _SHARE, _SEED = 40, 0.15, 7


@dataclass(frozen=True)
class Outline:
    """What is brighter than `bright` counts as head; its top lies `top_mm` above the middle of the usual brain."""

    bright: float
    top_mm: float


SKIN, BRAIN = Outline(0.12, 76.0), Outline(0.3, 62.0)
"""Where a head ends in MR, and in PET, in which nothing around the brain is as bright as it."""


def reference_of(window: Floats, settings: HeadSettings, outline: Outline = SKIN) -> Floats:
    """The place of the reference itself: by the top of its head and the middle of its upper part, not turned at all."""
    head = window > outline.bright
    step_mm = settings.step_mm
    filled = np.flatnonzero(head.mean(axis=(1, 2)) > 0.01)
    top = int(filled[-1]) if len(filled) else head.shape[0] - 1
    upper = head[max(top - round(_UPPER_MM / step_mm), 0) : top + 1]
    rows, columns = (np.flatnonzero(upper.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    middle_mm = [
        (float(along[0] + along[-1]) / 2 - (length - 1) / 2) * step_mm if len(along) else 0.0
        for along, length in ((columns, head.shape[2]), (rows, head.shape[1]))
    ]
    height_mm = (top - (head.shape[0] - 1) / 2) * step_mm - outline.top_mm
    to_usual = np.column_stack([np.eye(3), -np.array([*middle_mm, height_mm])])
    return place_of(to_usual, window.shape, settings)


def registered(
    window: Floats, reference: Floats, place: Floats, settings: HeadSettings, outline: Outline = SKIN
) -> Floats:
    """The place of a head, laid upon the reference by mutual information: turned and moved first, then affinely."""
    fixed, moving = (_image(each, settings.step_mm) for each in (reference, window))
    half_mm = np.array(settings.window_mm)
    middle = (half_mm * place[:, 3]).tolist()
    rigid = sitk.Euler3DTransform()
    rigid.SetCenter(middle)
    rigid.SetTranslation((half_mm * (reference_of(window, settings, outline) - place)[:, 3]).tolist())
    mask = _mask(fixed, place, settings)
    turned = _searched(fixed, moving, mask, rigid)
    affine = sitk.AffineTransform(3)
    affine.SetCenter(middle)
    affine.SetMatrix(turned.GetMatrix())
    affine.SetTranslation(turned.GetTranslation())
    return _moved(place, _searched(fixed, moving, mask, affine), settings)


def _searched(fixed: sitk.Image, moving: sitk.Image, mask: sitk.Image, start: sitk.Transform) -> sitk.Transform:
    """Of the kind that it starts with."""
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(_BINS)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(_SHARE, _SEED)
    method.SetMetricFixedMask(mask)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 1e-3, 150, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([2, 1])
    method.SetSmoothingSigmasPerLevel([4.0, 2.0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(start, inPlace=True)
    method.Execute(fixed, moving)
    return start


def _mask(fixed: sitk.Image, place: Floats, settings: HeadSettings) -> sitk.Image:
    """What is aligned of the reference: the head without the neck."""
    inside = np.zeros(settings.window, np.uint8)
    lengths = np.array(settings.window)
    half, middle = (lengths / 2 * np.abs(each[::-1]) for each in (np.diag(place[:, :3]), 1 + place[:, 3]))
    first, last = (np.clip(np.rint(middle + sign * half), 0, lengths).astype(int) for sign in (-1, 1))
    inside[first[0] : last[0], first[1] : last[1], first[2] : last[2]] = 1
    mask = sitk.GetImageFromArray(inside)
    mask.CopyInformation(fixed)
    return mask


def _image(window: Floats, step_mm: float) -> sitk.Image:
    """x, y, z in mm around the window's middle."""
    image = sitk.GetImageFromArray(window)
    image.SetSpacing((step_mm,) * 3)
    image.SetOrigin([-(length - 1) / 2 * step_mm for length in reversed(window.shape)])
    return image


def _moved(place: Floats, found: sitk.Transform, settings: HeadSettings) -> Floats:
    """From the aligned head to the reference's window, from there to the other's."""
    half_mm = np.array(settings.window_mm)
    corners: NDArray[np.float64] = np.vstack([np.zeros(3), np.eye(3)])
    through = np.array(
        [found.TransformPoint((half_mm * (place[:, :3] @ each + place[:, 3])).tolist()) for each in corners]
    )
    through = through / half_mm
    return np.column_stack([(through[1:] - through[0]).T, through[0]]).astype(np.float32)

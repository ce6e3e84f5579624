"""Slices within slices: where one lies among those of its source, in; an image that says so out."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage
from pydicom.valuerep import format_number_as_ds

from orthanc_plugin.imaging.volume import Volume


def place_within(result: Dataset, imaged: Volume, number: int, finer: int) -> None:
    """They fill what lies between the middles of the gaps to the neighbours of the source's slice, and no more."""
    at = (number + 0.5) / finer - 0.5
    [position] = imaged.geometry.map_indices_to_reference(np.array([[at, 0.0, 0.0]]))
    step_mm = format_number_as_ds(imaged.spacing_zyx_mm[0] / finer)
    result.ImagePositionPatient = [format_number_as_ds(float(each)) for each in position]
    result.SliceThickness = step_mm
    if result.SOPClassUID == MRImageStorage or "SpacingBetweenSlices" in result:
        result.SpacingBetweenSlices = step_mm
    if "SliceLocation" in result:
        del result.SliceLocation  # that of the source's slice
    if "NumberOfSlices" in result:
        result.NumberOfSlices, result.ImageIndex = len(imaged) * finer, number + 1

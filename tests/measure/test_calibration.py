"""Which of the spacings that headers state are those of the patient."""

from typing import Any

import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.measure.calibration import pixel_mm


def header(**values: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def region(**values: Any) -> Dataset:
    plain = {"RegionSpatialFormat": 1, "PhysicalUnitsXDirection": 3, "PhysicalUnitsYDirection": 3}
    return header(**(plain | {"PhysicalDeltaX": 0.02, "PhysicalDeltaY": 0.03} | values))


TWO, DETECTOR = [0.4, 0.5], {"ImagerPixelSpacing": [0.4, 0.5]}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"Modality": "MR", "PixelSpacing": TWO}, (0.4, 0.5)),
        ({"Modality": "US", "PixelSpacing": TWO}, (0.4, 0.5)),
        ({"Modality": "CR", "PixelSpacing": TWO}, None),
        ({"Modality": "DX", "PixelSpacing": TWO} | DETECTOR, None),
        ({"Modality": "DX", "PixelSpacing": [0.3, 0.4]} | DETECTOR, (0.3, 0.4)),
        ({"Modality": "DX", "PixelSpacing": TWO, "PixelSpacingCalibrationType": "FIDUCIAL"} | DETECTOR, (0.4, 0.5)),
        ({"Modality": "MG"} | DETECTOR, None),
        ({"Modality": "MG", "EstimatedRadiographicMagnificationFactor": 1.25} | DETECTOR, (0.32, 0.4)),
        ({"Modality": "CR", "NominalScannedPixelSpacing": TWO}, None),
        ({"Modality": "US", "SequenceOfUltrasoundRegions": [region()]}, (0.3, 0.2)),
        ({"Modality": "US", "SequenceOfUltrasoundRegions": [region(), region()]}, (0.3, 0.2)),
        ({"Modality": "US", "SequenceOfUltrasoundRegions": [region(), region(PhysicalDeltaX=0.04)]}, None),
        ({"Modality": "US", "SequenceOfUltrasoundRegions": [region(PhysicalUnitsXDirection=4)]}, None),
        ({"Modality": "US", "SequenceOfUltrasoundRegions": [region(), region(RegionSpatialFormat=3)]}, (0.3, 0.2)),
        ({"Modality": "US"}, None),
        ({"Modality": "MR", "PixelSpacing": [0.4, 0.0]}, None),
    ],
)
def test_the_size_of_a_pixel_in_the_patient(values: dict[str, Any], expected: tuple[float, float] | None) -> None:
    found = pixel_mm(header(**values))
    assert found == (None if expected is None else pytest.approx(expected))

"""Small results to store, as the encoders write them: derived from a source, with moments of their own."""

from copy import deepcopy

from pydicom.dataset import Dataset

from tests.builders.series import Scan, slices

SCAN = Scan(slices=3, name="source")
KIND = "SC"


def result(time: str = "101112", version: str = "0.1.0", pixel: int = 7) -> Dataset:
    """A secondary capture in the study of `SCAN`, made at some time by some release of the node."""
    dataset = deepcopy(slices(SCAN)[0])
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SOPInstanceUID = SCAN.uid("result")
    dataset.SeriesInstanceUID = SCAN.uid("result series")
    dataset.ConversionType = "WSD"
    dataset.ContentDate, dataset.ContentTime = "20260101", time
    dataset.SoftwareVersions = version
    equipment = Dataset()
    equipment.ContributionDateTime = f"20260101{time}"
    dataset.ContributingEquipmentSequence = [equipment]
    dataset.PixelData = bytes([pixel]) + dataset.PixelData[1:]
    return dataset

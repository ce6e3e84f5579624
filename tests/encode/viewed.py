"""Sources in, what a viewer knows of each image out: metadata modules as Cornerstone names them."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from pydicom.dataset import Dataset

from orthanc_plugin.encode.place import Place, place_of
from orthanc_plugin.imaging.image import Imaged

# What viewers take where an image does not say.
NOWHERE = Place((0, 0, 0), (1, 0, 0, 0, 1, 0), (1, 1))


def named(result: Dataset) -> set[str]:
    """The instances that a result says it lies on."""
    [series] = result.ReferencedSeriesSequence
    return {str(image.ReferencedSOPInstanceUID) for image in series.ReferencedInstanceSequence}


def viewed(on: Imaged, uids: AbstractSet[str]) -> list[dict[str, Any]]:
    """Of the images of these instances, in the order of the volume; `index` is their place in it."""
    return [_image(on, index) for index, source in enumerate(on.sources) if source.sop_instance_uid in uids]


def _image(on: Imaged, index: int) -> dict[str, Any]:
    source, (rows, columns) = on.sources[index], on.shape_yx(index)
    header = next(header for header in on.headers if header.SOPInstanceUID == source.sop_instance_uid)
    stated = place_of(header, source.frame_number)
    place = stated or NOWHERE
    instance: dict[str, Any] = {
        "SOPInstanceUID": source.sop_instance_uid,
        "SOPClassUID": source.sop_class_uid,
        "SeriesInstanceUID": str(header.SeriesInstanceUID),
        "FrameOfReferenceUID": header.get("FrameOfReferenceUID"),
        "Rows": rows,
        "Columns": columns,
    }
    if stated is not None:
        instance |= {"ImagePositionPatient": place.position_mm, "ImageOrientationPatient": place.orientation}
    return {
        "index": index,
        "id": f"wadors:/instances/{source.sop_instance_uid}/frames/{source.frame_number or 1}",
        "instance": instance,
        "generalSeriesModule": {"seriesInstanceUID": instance["SeriesInstanceUID"], "modality": header.Modality},
        "generalImageModule": {"sopInstanceUID": source.sop_instance_uid},
        "sopCommonModule": {"sopInstanceUID": source.sop_instance_uid, "sopClassUID": source.sop_class_uid},
        "imagePlaneModule": {
            "rows": rows,
            "columns": columns,
            "frameOfReferenceUID": instance["FrameOfReferenceUID"],
            "imagePositionPatient": place.position_mm,
            "imageOrientationPatient": place.orientation,
            "rowCosines": place.orientation[:3],
            "columnCosines": place.orientation[3:],
            "pixelSpacing": place.spacing_mm,
            "rowPixelSpacing": place.spacing_mm[0],
            "columnPixelSpacing": place.spacing_mm[1],
        },
        "imagePixelModule": {
            "rows": rows,
            "columns": columns,
            "bitsAllocated": 8,
            "bitsStored": 8,
            "highBit": 7,
            "samplesPerPixel": 1,
            "pixelRepresentation": 0,
            "photometricInterpretation": "MONOCHROME2",
        },
    }

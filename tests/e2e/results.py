"""What a node gave back, read over DICOMweb alone: which results there are, and whether they lie where they should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from dicomweb_client import DICOMwebClient
from pydicom.dataset import Dataset

KINDS = {
    "1.2.840.10008.5.1.4.1.1.66.4": "SEG",
    "1.2.840.10008.5.1.4.1.1.88.34": "SR",
    "1.2.840.10008.5.1.4.1.1.7": "SC",
}
SAME_POINT_MM = 1e-3


@dataclass(frozen=True)
class Found:
    kind: str
    series_uid: str
    sop_instance_uid: str


def search(client: DICOMwebClient, study_uid: str) -> tuple[Found, ...]:
    """By QIDO-RS, the results of the study, sources left out."""
    found = (Dataset.from_json(entry) for entry in client.search_for_instances(study_instance_uid=study_uid))
    return tuple(
        Found(KINDS[str(entry.SOPClassUID)], str(entry.SeriesInstanceUID), str(entry.SOPInstanceUID))
        for entry in found
        if str(entry.SOPClassUID) in KINDS
    )


def kinds(found: Sequence[Found]) -> list[str]:
    return sorted(result.kind for result in found)


def retrieve(client: DICOMwebClient, study_uid: str) -> dict[str, Dataset]:
    """By WADO-RS, exactly one SEG, SR and SC of the study, each in a series of its own."""
    found = search(client, study_uid)
    assert kinds(found) == ["SC", "SEG", "SR"], f"the study holds {kinds(found)}"
    assert len({result.series_uid for result in found}) == len(found), "results share a series"
    return {
        result.kind: client.retrieve_instance(study_uid, result.series_uid, result.sop_instance_uid) for result in found
    }


def of_job(client: DICOMwebClient, job: Mapping[str, Any]) -> dict[str, Dataset]:
    """By kind, what a job says that it stored; of several of a kind the first."""
    named = {each["kind"]: each for each in reversed(job["results"])}
    return {
        kind: client.retrieve_instance(job["study"], each["series_instance_uid"], each["sop_instance_uid"])
        for kind, each in named.items()
    }


def misplaced_frames(segmentation: Dataset, sources: Mapping[str, Dataset]) -> list[str]:
    """What differs between each frame's place and the source slice that the frame names; empty when all is right."""
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    problems = []
    for number, frame in enumerate(segmentation.PerFrameFunctionalGroupsSequence, start=1):
        source = sources.get(_source_uid(frame))
        if source is None:
            problems.append(f"frame {number} names a slice that was never sent")
            continue
        orientation = (frame.get("PlaneOrientationSequence") or shared.PlaneOrientationSequence)[0]
        measures = (frame.get("PixelMeasuresSequence") or shared.PixelMeasuresSequence)[0]
        same = {
            "position": _close(frame.PlanePositionSequence[0].ImagePositionPatient, source.ImagePositionPatient),
            "orientation": _close(orientation.ImageOrientationPatient, source.ImageOrientationPatient),
            "pixel spacing": _close(measures.PixelSpacing, source.PixelSpacing),
            "matrix": (segmentation.Rows, segmentation.Columns) == (source.Rows, source.Columns),
            "frame of reference": segmentation.FrameOfReferenceUID == source.FrameOfReferenceUID,
        }
        problems += [f"frame {number} has another {what} than its source" for what, equal in same.items() if not equal]
    return problems


def hounsfield_under(segmentation: Dataset, label: str, sources: Mapping[str, Dataset]) -> np.ndarray:
    """The HU of every voxel that the segment covers, looked up in the slice that each frame names."""
    number = next(s.SegmentNumber for s in segmentation.SegmentSequence if s.SegmentLabel == label)
    masks = segmentation.pixel_array.reshape(-1, segmentation.Rows, segmentation.Columns).astype(bool)
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    covered = []
    for mask, frame in zip(masks, segmentation.PerFrameFunctionalGroupsSequence, strict=True):
        named = (frame.get("SegmentIdentificationSequence") or shared.SegmentIdentificationSequence)[0]
        if named.ReferencedSegmentNumber == number:
            source = sources[_source_uid(frame)]
            hounsfield = source.pixel_array * float(source.RescaleSlope) + float(source.RescaleIntercept)
            covered.append(hounsfield[mask])
    return np.concatenate(covered)


def references(result: Dataset) -> Iterator[str]:
    """Every SOPInstanceUID that the object refers to, at any depth."""
    for element in result.iterall():
        if element.keyword == "ReferencedSOPInstanceUID":
            yield str(element.value)


def _source_uid(frame: Dataset) -> str:
    return str(frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID)


def _close(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    return np.allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=0, atol=SAME_POINT_MM)


def texts(report: Dataset) -> list[str]:
    """All that stands in it in words."""
    return [element.value for element in report.iterall() if element.keyword == "TextValue"]

"""Results in, nothing out: Broken with a sentence where one names what is not there, or would not be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydicom.dataset import Dataset

from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.image import Imaged

# Copied from the source with patient and study: what information systems and scanners keep of it.
OF_STUDY = frozenset(
    {"ReferencedPatientSequence", "ReferencedPerformedProcedureStepSequence", "ReferencedStudySequence"}
)


def references(result: Dataset, imaged: Imaged, beside: Sequence[Dataset] = ()) -> None:
    """Whatever it names, at any depth, is a source or one of the results beside it."""
    known = {source.sop_instance_uid for source in imaged.sources} | {str(other.SOPInstanceUID) for other in beside}
    demand(set(_named(result)) <= known, f"The {result.Modality} object names what is neither a source nor a result.")


def _named(dataset: Dataset) -> Iterator[str]:
    """Instances, at any depth; not what the study as a whole belongs to."""
    for element in dataset:
        if element.keyword == "ReferencedSOPInstanceUID":
            yield str(element.value)
        elif element.VR == "SQ" and element.keyword not in OF_STUDY:
            for item in element.value:
                yield from _named(item)


def capture(result: Dataset, imaged: Imaged) -> None:
    known = {(source.sop_instance_uid, source.frame_number) for source in imaged.sources}
    for item in result.SourceImageSequence:
        named = (str(item.ReferencedSOPInstanceUID), item.get("ReferencedFrameNumber"))
        demand(named in known, "The picture names an image that is not among its sources.")


def demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise broken(otherwise)


def broken(sentence: str) -> Broken:
    return Broken(f"{sentence} Nothing was stored; report this as an error of the node.", stage="encode")

"""A making and its results in, a key object selection out: the images worth opening and what lies on them."""

from __future__ import annotations

from collections.abc import Sequence

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from highdicom.sr import DeviceObserverIdentifyingAttributes, ObserverContext
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from orthanc_plugin.encode.context import MANUFACTURER, altered, series_attributes, settle
from orthanc_plugin.encode.identity import Origin, device_uid
from orthanc_plugin.encode.making import Making
from orthanc_plugin.measure.findings import Findings

IMAGE = "IMAGE"


def worth_opening(findings: Findings) -> tuple[int, ...]:
    """The key slice for want of others, and nothing where nothing was found."""
    if findings.worth_opening:
        return findings.worth_opening
    found = findings.segments or any(each.verdict == "present" for each in findings.classes)
    return (findings.key_slice,) if found else ()


def selection(making: Making, beside: Sequence[Dataset]) -> Dataset:
    """There must be something worth opening; `beside` are our own results on it."""
    frames = _frames(making)
    images = [header for header in making.headers if str(header.SOPInstanceUID) in frames]
    # The first one's context is what highdicom copies.
    first = images[0]
    images[0] = altered(making.header, SOPInstanceUID=first.SOPInstanceUID, SeriesInstanceUID=first.SeriesInstanceUID)
    content = KeyObjectSelection(
        document_title=codes.DCM.OfInterest,
        referenced_objects=[*images, *beside],
        observer_device_context=ObserverContext(codes.DCM.Device, _device(making.origin)),
        description="\n".join(text for text in (making.origin.title, making.origin.notice) if text),
    )
    for item in content[0].ContentSequence:
        if item.ValueType == IMAGE:
            [reference] = item.ReferencedSOPSequence
            if numbers := frames.get(str(reference.ReferencedSOPInstanceUID)):
                reference.ReferencedFrameNumber = numbers
    result = KeyObjectSelectionDocument(
        evidence=[*images, *beside],
        content=content,
        **series_attributes("KO", making.header, making.identity, making.origin),
    )
    settle(result, making.header, making.imaged, making.origin)
    return result


def _frames(making: Making) -> dict[str, list[int]]:
    """The frames worth opening by their instance; none of single-frame instances."""
    frames: dict[str, list[int]] = {}
    for index in worth_opening(making.findings):
        source = making.imaged.sources[index]
        numbers = frames.setdefault(source.sop_instance_uid, [])
        if source.frame_number is not None:
            numbers.append(source.frame_number)
    return frames


def _device(origin: Origin) -> DeviceObserverIdentifyingAttributes:
    return DeviceObserverIdentifyingAttributes(
        uid=device_uid(origin),
        name=origin.title,
        manufacturer_name=MANUFACTURER,
        model_name=origin.name,
        serial_number=origin.digest,
    )

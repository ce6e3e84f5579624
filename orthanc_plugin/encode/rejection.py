"""Results that are no longer to be used in, the key object that rejects them for archives beyond out (IHE IOCM)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from highdicom.sr import DeviceObserverIdentifyingAttributes, ObserverContext
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.valuerep import DA, TM

from orthanc_plugin import __version__
from orthanc_plugin.encode.context import FOLLOWING, MANUFACTURER, RESULTS_FROM, UNCHECKED, altered
from orthanc_plugin.encode.identity import derived_uid
from orthanc_plugin.encode.making import Predecessor
from orthanc_plugin.encode.unknown import make_known

# Of the four titles of IOCM none says "replaced"; this one asks archives to hide or mark, and harms nobody.
SUPERSEDED: Code = codes.DCM.RejectedForQualityReasons
RECALLED: Code = codes.DCM.RejectedForPatientSafetyReasons
SERIES_NUMBER = RESULTS_FROM - 1
"""Before all results, as it concerns them."""
# Expected by highdicom of the first one, whose context it copies.
CONTEXT = ("PatientID", "AccessionNumber", "StudyID")
# What stands in a reference, which is another one's than the context's.
SAID_ANEW = ("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID", "Rows", "Columns")
WITHOUT_PIXELS = tuple(f"1.2.840.10008.5.1.4.1.1.{branch}." for branch in (11, 88, 104))


@dataclass(frozen=True)
class Rejection:
    """`why` is a sentence in ASCII, so that it goes with any character set."""

    title: Code
    why: str
    rejected: tuple[Predecessor, ...]


def rejection_note(context: Dataset, rejection: Rejection, made_at: datetime) -> Dataset:
    """In the study of `context`, the header of an image or result in it; the same rejection has the same UIDs."""
    evidence = _evidence(context, rejection.rejected)
    content = KeyObjectSelection(
        document_title=rejection.title,
        referenced_objects=evidence,
        observer_device_context=ObserverContext(codes.DCM.Device, _device()),
        description=rejection.why,
    )
    named = (rejection.title.value, *sorted(each.sop_instance_uid for each in rejection.rejected))
    note = KeyObjectSelectionDocument(
        evidence=evidence,
        content=content,
        series_instance_uid=derived_uid("rejection series", *named),
        series_number=SERIES_NUMBER,
        series_description="Results no longer to be used",
        sop_instance_uid=derived_uid("rejection", *named),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=__version__,
        # Copied in the end: highdicom refuses sets that leave out the first value, as ISO 2022 does.
        specific_character_set=None,
    )
    _settle(note, context, made_at)
    return note


def _evidence(context: Dataset, rejected: Sequence[Predecessor]) -> list[Dataset]:
    """References as highdicom takes them: what has rows is an image; the first one brings the context."""
    found = []
    for place, each in enumerate(rejected):
        reference = Dataset() if place else altered(context, **dict.fromkeys((*UNCHECKED, *SAID_ANEW)))
        for keyword in CONTEXT:
            setattr(reference, keyword, reference.get(keyword))
        if not place:
            del reference.Rows, reference.Columns
        reference.StudyInstanceUID, reference.SeriesInstanceUID = each.study_uid, each.series_uid
        reference.SOPClassUID, reference.SOPInstanceUID = each.sop_class_uid, each.sop_instance_uid
        if not each.sop_class_uid.startswith(WITHOUT_PIXELS):
            reference.Rows = reference.Columns = 1
        found.append(reference)
    return found


def _device() -> DeviceObserverIdentifyingAttributes:
    return DeviceObserverIdentifyingAttributes(
        uid=derived_uid("device", MANUFACTURER), name=MANUFACTURER, manufacturer_name=MANUFACTURER
    )


def _settle(note: KeyObjectSelectionDocument, context: Dataset, made_at: datetime) -> None:
    """What highdicom can't copy, or takes from the clock."""
    make_known([context])
    note.copy_patient_and_study_information(context)
    if context.get("SpecificCharacterSet"):
        note.SpecificCharacterSet = context.SpecificCharacterSet
    for keyword in UNCHECKED:
        if keyword in context:
            note[keyword] = context[keyword]
    for keyword in FOLLOWING:
        if context.get(keyword):
            note[keyword] = context[keyword]
    date, clock = DA(made_at.date()), TM(made_at.time().replace(microsecond=0))
    for equipment in note.ContributingEquipmentSequence:
        del equipment.ContributionDateTime
    for moment in ("Content", "Series", "InstanceCreation"):
        setattr(note, f"{moment}Date", date)
        setattr(note, f"{moment}Time", clock)

"""A source's header and an origin in, what every result says around its content out: patient, series, equipment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from typing import Any

from highdicom.base import SOPClass
from highdicom.base_content import ContributingEquipment
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.valuerep import DA, DT, TM

from orthanc_plugin.encode.identity import Identity, Origin, device_uid
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume

MANUFACTURER = "Inference node"
# As IHE AI Results has it; DICOM's own codes know only processing equipment in general.
PROCESSING_ALGORITHM = CodedConcept("1630", "99IHE", "Processing Algorithm")
PRIVATE_SCHEME = "99INODE"

LO_LENGTH = 64
# Results come after every series that a scanner numbers; the source's number keeps those of one series together.
RESULTS_FROM = 10_000
SOURCE_NUMBER_MOST = 99_999
PLACE_IN_SERIES = {
    "REG": 0,
    "SEG": 1,
    "SR": 2,
    "SC": 3,
    "PM": 4,
    "IMAGE": 5,
    "KO": 6,
    "PR": 7,
    "PDF": 8,
    "STATUS": 9,
}
KIND_IN_DESCRIPTION = {
    "SEG": "segmentation",
    "SR": "report",
    "SC": "picture",
    "SC scrolling": "all slices",
    "PM": "map",
    "IMAGE": "images",
    "KO": "key images",
    "PR": "contours",
    "PDF": "page",
    "STATUS": "status",
    "REG": "registration",
}

# Type 2 attributes that highdicom asks for outright, and that scanners still leave out.
EXPECTED = ("PatientID", "AccessionNumber", "StudyID")
# Attributes that highdicom checks: it refuses what a scanner garbled, and warns with the patient's name in the warning.
# It never sees them; they are copied as they are.
UNCHECKED = (
    *("PatientName", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "ReferringPhysicianName"),
)
# What is said of the scanner where it is named as contributing equipment.
EQUIPMENT = (
    *("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions"),
    *("InstitutionName", "InstitutionalDepartmentName", "StationName"),
)
# What highdicom leaves behind although it belongs to the context; the first two are for images alone.
FOLLOWING_IMAGES = ("BodyPartExamined", "Laterality")
DOCUMENTS = ("DOC", "KO", "SR")
# Of the body parts that scanners name in the standard's words (PS3.16 annex L), those of which everyone has one.
UNPAIRED = frozenset(
    {"ABDOMEN", "BRAIN", "CHEST", "CSPINE", "HEAD", "HEART", "LIVER", "LSPINE", "NECK", "PELVIS", "TSPINE"}
)
SIDES = ("L", "R")
# Modalities whose machines commonly write name and date into the picture.
WRITING_INTO_IMAGES = frozenset({"ES", "GM", "IVUS", "OP", "OT", "US", "XC"})
FOLLOWING = (
    *("TimezoneOffsetFromUTC", "LongitudinalTemporalInformationModified", "EthnicGroup"),
    # A result belongs to the part of a trial that its source belongs to.
    *("ClinicalTrialCoordinatingCenterName", "ClinicalTrialSeriesID", "IssuerOfClinicalTrialSeriesID"),
    "ClinicalTrialSeriesDescription",
)


def source_headers(imaged: Imaged, texts: tuple[str, ...]) -> list[Dataset]:
    """One header a slice or image in the source's order, or that of a multi-frame source.

    The first is the context of all that lies on a volume; of single images each is that of what lies on it. `texts` are
    the words of ours that go beside the patient's: where the source's character set may not hold them, the context is
    in UTF-8.
    """
    by_uid = {str(header.SOPInstanceUID): header for header in imaged.headers}
    uids = dict.fromkeys(source.sop_instance_uid for source in imaged.sources)
    first, *others = [by_uid[uid] for uid in uids]
    if not isinstance(imaged, Volume):
        others = [_complete(other, imaged, texts) for other in others]
    return [_complete(first, imaged, texts), *others]


def altered(header: Dataset, **changes: Any) -> Dataset:
    """A header with the same elements and some others, by keyword; pydicom's own shallow copy shares its entries."""
    other = Dataset()
    for element in header:
        if element.keyword not in changes:
            other.add(element)
    for keyword, value in changes.items():
        setattr(other, keyword, value)
    return other


def _complete(header: Dataset, imaged: Imaged, texts: tuple[str, ...]) -> Dataset:
    """The header with what highdicom needs and it lacks, and without what highdicom must not see."""
    changes: dict[str, Any] = dict.fromkeys(UNCHECKED)
    changes |= {keyword: None for keyword in EXPECTED if keyword not in header}
    if not all(text.isascii() for text in texts):
        header = deepcopy(header)
        header.decode()
        changes["SpecificCharacterSet"] = "ISO_IR 192"
    if isinstance(imaged, Volume) and "SharedFunctionalGroupsSequence" in header:
        changes["SharedFunctionalGroupsSequence"] = [_shared_geometry(header)]
    elif isinstance(imaged, Volume) and not header.get("SliceThickness"):
        changes["SliceThickness"] = f"{imaged.geometry.spacing_between_slices:.6g}"
    return altered(header, **changes)


def _shared_geometry(header: Dataset) -> Dataset:
    """Shared functional groups with orientation and spacing, which some scanners repeat in each frame's."""
    shared, first = header.SharedFunctionalGroupsSequence[0], header.PerFrameFunctionalGroupsSequence[0]
    lacking = [keyword for keyword in ("PlaneOrientationSequence", "PixelMeasuresSequence") if keyword not in shared]
    return altered(shared, **{keyword: first[keyword].value for keyword in lacking})


def series_attributes(kind: str, header: Dataset, identity: Identity, origin: Origin, part: str = "") -> dict[str, Any]:
    """The arguments that all of highdicom's constructors share; `part` tells results of one kind from one another."""
    name = f"{kind} {part}" if part else kind
    made_at = moment(header, origin)
    date, clock = DA(made_at.date()), TM(made_at.time())
    return {
        "series_instance_uid": identity.series_uid(name),
        "sop_instance_uid": identity.instance_uid(name),
        "series_number": series_number(kind, header),
        "instance_number": 1,
        "series_description": series_description(kind, origin),
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": origin.title[:LO_LENGTH],
        "software_versions": [origin.version, origin.software_version],
        "device_serial_number": origin.digest,
        "content_date": date,
        "content_time": clock,
        "series_date": date,
        "series_time": clock,
        # Copied in the end: highdicom refuses sets that leave out the first value, as ISO 2022 does.
        "specific_character_set": None,
    }


def series_number(kind: str, header: Dataset) -> int:
    source = min(max(int(header.get("SeriesNumber") or 0), 0), SOURCE_NUMBER_MOST)
    return RESULTS_FROM + 10 * source + PLACE_IN_SERIES[kind]


def series_description(kind: str, origin: Origin) -> str:
    return described(origin.title, origin, f" {KIND_IN_DESCRIPTION[kind]}")


def described(name: str, origin: Origin, kind: str = "") -> str:
    ending = kind + ("" if origin.clinical_use else " (not for clinical use)")
    return name[: LO_LENGTH - len(ending)] + ending


def coding_schemes() -> list[CodingSchemeIdentificationItem]:
    return [
        CodingSchemeIdentificationItem(
            designator=PRIVATE_SCHEME, name="Codes of the inference node", responsible_organization=MANUFACTURER
        )
    ]


def settle(result: Dataset, header: Dataset, imaged: Imaged, origin: Origin) -> None:
    """Finish a result that was just made from `header`: what highdicom can't copy, or takes from the clock."""
    source = next(head for head in imaged.headers if head.SOPInstanceUID == header.SOPInstanceUID)
    if isinstance(result, SOPClass):
        result.copy_patient_and_study_information(header)  # not all of highdicom's classes do so themselves
    if header.get("SpecificCharacterSet"):
        result.SpecificCharacterSet = header.SpecificCharacterSet
    for keyword in UNCHECKED:
        if keyword in source:
            result[keyword] = source[keyword]
    for keyword in FOLLOWING if result.Modality in DOCUMENTS else (*FOLLOWING, *FOLLOWING_IMAGES):
        if source.get(keyword):
            result[keyword] = source[keyword]
    made_at = moment(header, origin)
    result.InstanceCreationDate, result.InstanceCreationTime = DA(made_at.date()), TM(made_at.time())
    result.ContributingEquipmentSequence = _equipment(header, origin)


def state_side(result: Dataset, header: Dataset) -> None:
    """Which of a paired body part (type 2C): empty where that is not known, or not whether there are two."""
    stated = "Laterality" in result or "ImageLaterality" in result
    if not stated and result.get("BodyPartExamined") not in UNPAIRED:
        side = str(header.get("ImageLaterality") or "")
        result.Laterality = side if side in SIDES else ""


def burned_in_annotation(imaged: Imaged, patient_on_page: bool) -> str:
    """Of pictures that show the source's pixels: what is burned into those is seen on these, too."""
    return "YES" if patient_on_page or any(_burned_in(header) for header in imaged.headers) else "NO"


def _burned_in(header: Dataset) -> bool:
    """A machine that writes into its images and does not say whether it did is taken to have done so."""
    stated = str(header.get("BurnedInAnnotation") or "")
    return stated == "YES" or (not stated and header.get("Modality") in WRITING_INTO_IMAGES)


def _equipment(header: Dataset, origin: Origin) -> list[Dataset]:
    """The whole chain: what the source names itself, the scanner, our networks, the library that wrote the object."""
    library = ContributingEquipment.for_highdicom()
    del library.ContributionDateTime
    before = list(header.get("ContributingEquipmentSequence") or ())
    scanner = [_scanner(header, before)] if header.get("Manufacturer") else []
    return [*before, *scanner, *_algorithms(header, origin), library]


def _scanner(header: Dataset, before: Sequence[Dataset]) -> Dataset:
    """What made the source: where that names the scanner among its own contributors, it only processed its images."""
    purposes = [code.get("CodeValue") for item in before for code in item.get("PurposeOfReferenceCodeSequence") or ()]
    acquired = codes.DCM.AcquisitionEquipment
    purpose = codes.DCM.ProcessingEquipment if acquired.value in purposes else acquired
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [CodedConcept.from_code(purpose)]
    for keyword in EQUIPMENT:
        if header.get(keyword):
            item[keyword] = header[keyword]
    return item


def _algorithms(header: Dataset, origin: Origin) -> list[Dataset]:
    """One for each network of the model, which are several where it has stages."""
    if len(origin.stages) < 2:
        return [_algorithm(header, origin, origin.name, origin.title)]
    return [
        _algorithm(header, origin, f"{origin.name} {stage}", f"{origin.title}, stage {stage}")
        for stage in origin.stages
    ]


def _algorithm(header: Dataset, origin: Origin, model_name: str, what: str) -> Dataset:
    item = ContributingEquipment(
        manufacturer=MANUFACTURER,
        purpose_of_reference=codes.DCM.ProcessingEquipment,
        manufacturer_model_name=model_name[:LO_LENGTH],
        software_versions=[origin.version, origin.software_version],
        device_serial_number=origin.digest,
        contribution_description=f"{what}, model digest {origin.digest}, computed on {origin.provider}",
    )
    item.PurposeOfReferenceCodeSequence = [PROCESSING_ALGORITHM]
    item.DeviceUID = device_uid(origin)
    item.ContributionDateTime = DT(moment(header, origin).replace(tzinfo=None))
    return item


def moment(header: Dataset, origin: Origin) -> datetime:
    """When the result was made, to the second, in the zone that the source states for its times, if any."""
    made_at = origin.created_at.replace(microsecond=0)
    offset = re.fullmatch(r"([+-])(\d\d)(\d\d)", str(header.get("TimezoneOffsetFromUTC") or ""))
    if offset is None or made_at.tzinfo is None:
        return made_at
    sign, hours, minutes = offset.groups()
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    return made_at.astimezone(timezone(ahead if sign == "+" else -ahead))

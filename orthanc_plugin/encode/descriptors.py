"""An image's header in, what an image library says of it out (TID 1602 to 1607): what the header states, no more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from orthanc_plugin.encode.descriptor import Date, Descriptor, Number, Time
from orthanc_plugin.encode.regions import region
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.header import numbers, text, words

PIXELS = Code("{pixels}", "UCUM", "Pixels")
MODALITIES = {
    "CR": "Computed Radiography",
    "CT": "Computed Tomography",
    "DX": "Digital Radiography",
    "MG": "Mammography",
    "MR": "Magnetic Resonance",
    "NM": "Nuclear Medicine",
    "PT": "Positron emission tomography",
    "RF": "Radio Fluoroscopy",
    "RG": "Radiographic imaging",
    "US": "Ultrasound",
    "XA": "X-Ray Angiography",
}
PROJECTIONS = ("CR", "DX", "MG", "RF", "RG", "XA")
SIDES: Mapping[str, Code] = {
    "L": codes.SCT.Left,
    "R": codes.SCT.Right,
    "B": codes.SCT.Bilateral,
    "U": codes.SCT.Unilateral,
}
# Where the header codes no view: the defined terms of View Position.
VIEWS: Mapping[str, Code] = {
    "AP": Code("399348003", "SCT", "antero-posterior"),
    "PA": Code("272479007", "SCT", "postero-anterior"),
    "LL": Code("399173006", "SCT", "left lateral"),
    "RL": Code("399198007", "SCT", "right lateral"),
    "CC": Code("399162004", "SCT", "cranio-caudal"),
    "MLO": Code("399368009", "SCT", "medio-lateral oblique"),
    "ML": Code("399260004", "SCT", "medial-lateral"),
    "LM": Code("399352003", "SCT", "lateral-medial"),
}
ACQUISITIONS: Mapping[str, Code] = {
    "SPIRAL": Code("116152004", "SCT", "Spiral Acquisition"),
    "SEQUENCED": Code("113804", "DCM", "Sequenced Acquisition"),
    "CONSTANT_ANGLE": Code("113805", "DCM", "Constant Angle Acquisition"),
    "STATIONARY": Code("113806", "DCM", "Stationary Acquisition"),
    "FREE": Code("113807", "DCM", "Free Acquisition"),
}
RECONSTRUCTIONS: Mapping[str, Code] = {
    "FILTER_BACK_PROJ": Code("113962", "DCM", "Filtered Back Projection"),
    "ITERATIVE": Code("113963", "DCM", "Iterative Reconstruction"),
}
RADIONUCLIDE = Code("89457008", "SCT", "Radionuclide")
AGENT = Code("417881006", "SCT", "Radiopharmaceutical agent")
HALF_LIFE = Code("304283002", "SCT", "Half-life of radiopharmaceutical")
ROUTE = Code("410675002", "SCT", "Route of administration")
PULSE_SEQUENCE = Code("128230", "DCM", "Pulse Sequence Name")
DATES = (
    ("StudyDate", codes.DCM.StudyDate),
    ("ContentDate", codes.DCM.ContentDate),
    ("AcquisitionDate", Code("126201", "DCM", "Acquisition Date")),
)
TIMES = (
    ("StudyTime", codes.DCM.StudyTime),
    ("ContentTime", codes.DCM.ContentTime),
    ("AcquisitionTime", Code("126202", "DCM", "Acquisition Time")),
)


def descriptors(header: Dataset) -> Iterator[Descriptor]:
    """In the order of the templates."""
    yield Descriptor(codes.DCM.Modality, modality(header))
    shown = region(header)
    if shown is not None:
        yield Descriptor(codes.DCM.TargetRegion, shown)
    side = SIDES.get(laterality(header))
    if side is not None:
        yield Descriptor(codes.DCM.ImageLaterality, side)
    yield from moments(header)
    if text(header, "Modality") in PROJECTIONS:
        yield from projection(header)
    yield from _scanned(header)


def modality(header: Dataset) -> Code:
    """CID 29 codes a modality by the very letters of the attribute."""
    letters = text(header, "Modality") or "OT"
    return Code(letters, "DCM", MODALITIES.get(letters, letters))


def laterality(header: Dataset) -> str:
    frame = _group(header, "FrameAnatomySequence")
    return text(header, "ImageLaterality") or text(header, "Laterality") or text(frame, "FrameLaterality")


def moments(header: Dataset) -> Iterator[Descriptor]:
    """Dates and times as the scanner wrote them; what it garbled is left out."""
    for (of_day, day_name), (of_clock, clock_name) in zip(DATES, TIMES, strict=True):
        day, clock = text(header, of_day), text(header, of_clock)
        if re.fullmatch(r"\d{4}(0[1-9]|1[0-2])([0-2]\d|3[01])", day):
            yield Descriptor(day_name, Date(day))
        if re.fullmatch(r"([01]\d|2[0-3])([0-5]\d){2}(\.\d{1,6})?", clock):
            yield Descriptor(clock_name, Time(clock))


def matrix(header: Dataset) -> Iterator[Descriptor]:
    yield Descriptor(codes.DCM.PixelDataRows, Number(int(header.Rows), PIXELS))
    yield Descriptor(codes.DCM.PixelDataColumns, Number(int(header.Columns), PIXELS))


def view(header: Dataset) -> Descriptor | None:
    coded = _code(header, "ViewCodeSequence") or VIEWS.get(text(header, "ViewPosition"))
    if coded is None:
        return None
    modifying = [
        _coded(modifier)
        for item in header.get("ViewCodeSequence") or []
        for modifier in item.get("ViewModifierCodeSequence") or []
    ]
    return Descriptor(codes.DCM.ImageView, coded, tuple(code for code in modifying if code is not None))


def projection(header: Dataset) -> Iterator[Descriptor]:
    """TID 1603; the distance of pixels is that in the patient where the machine says so, else that on its detector."""
    seen = view(header)
    if seen is not None:
        yield seen
    along = words(header, "PatientOrientation")
    if len(along) == 2:
        yield Descriptor(codes.DCM.PatientOrientationRow, along[0])
        yield Descriptor(codes.DCM.PatientOrientationColumn, along[1])
    spacing_mm = stated(header, "PixelSpacing", 2) or stated(header, "ImagerPixelSpacing", 2)
    if spacing_mm is not None:
        yield Descriptor(codes.DCM.HorizontalPixelSpacing, Number(spacing_mm[1], codes.UCUM.Millimeter))
        yield Descriptor(codes.DCM.VerticalPixelSpacing, Number(spacing_mm[0], codes.UCUM.Millimeter))
    yield from _numbers(
        header,
        ("PositionerPrimaryAngle", codes.DCM.PositionerPrimaryAngle, codes.UCUM.Degree),
        ("PositionerSecondaryAngle", codes.DCM.PositionerSecondaryAngle, codes.UCUM.Degree),
    )


def _scanned(header: Dataset) -> Iterator[Descriptor]:
    """TID 1605 of CT, 1606 of MR, 1607 of PET."""
    acquired = ACQUISITIONS.get(text(_group(header, "CTAcquisitionTypeSequence"), "AcquisitionType"))
    if acquired is not None:
        yield Descriptor(codes.DCM.CTAcquisitionType, acquired)
    algorithm = text(_group(header, "CTReconstructionSequence"), "ReconstructionAlgorithm")
    if algorithm in RECONSTRUCTIONS:
        yield Descriptor(codes.DCM.ReconstructionAlgorithm, RECONSTRUCTIONS[algorithm])
    pulses = text(header, "PulseSequenceName") or text(header, "SequenceName")
    if pulses and text(header, "Modality") == "MR":
        yield Descriptor(PULSE_SEQUENCE, pulses)
    for injected in header.get("RadiopharmaceuticalInformationSequence") or []:
        yield from _injected(injected)


def _injected(of: Dataset) -> Iterator[Descriptor]:
    for keyword, name in (("RadionuclideCodeSequence", RADIONUCLIDE), ("RadiopharmaceuticalCodeSequence", AGENT)):
        coded = _code(of, keyword)
        if coded is not None:
            yield Descriptor(name, coded)
    yield from _numbers(
        of,
        ("RadionuclideHalfLife", HALF_LIFE, codes.UCUM.Second),
        ("RadiopharmaceuticalVolume", codes.DCM.RadiopharmaceuticalVolume, codes.UCUM.CubicCentimeter),
        ("RadionuclideTotalDose", codes.DCM.RadionuclideTotalDose, codes.UCUM.Becquerel),
    )
    route = _code(of, "AdministrationRouteCodeSequence")
    if route is not None:
        yield Descriptor(ROUTE, route)


def _numbers(of: Dataset, *wanted: tuple[str, Code, Code]) -> Iterator[Descriptor]:
    for keyword, name, unit in wanted:
        values = stated(of, keyword, 1)
        if values is not None:
            yield Descriptor(name, Number(values[0], unit))


def stated(header: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """None, too, for what a scanner garbled: no result fails for want of a descriptor."""
    try:
        return numbers(header, keyword, count)
    except Unsuitable:
        return None


def _code(of: Dataset, keyword: str) -> Code | None:
    items = of.get(keyword) or []
    return _coded(items[0]) if len(items) else None


def _coded(item: Dataset) -> Code | None:
    """None for a code that is not whole."""
    value, scheme, meaning = (text(item, each) for each in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning"))
    return Code(value, scheme, meaning) if value and scheme and meaning else None


def _group(header: Dataset, keyword: str) -> Dataset:
    """The first item of a functional group that all frames share, empty where there is none."""
    for shared in header.get("SharedFunctionalGroupsSequence") or []:
        for item in shared.get(keyword) or []:
            found: Dataset = item
            return found
    return Dataset()

"""Findings in, derived images out: one instance a slice, in the source's own class and at its very place, or in it."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy, deepcopy
from dataclasses import dataclass

from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    ExplicitVRLittleEndian,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)
from pydicom.valuerep import DSfloat

from orthanc_plugin.encode.context import LO_LENGTH, altered, series_attributes, settle, state_side
from orthanc_plugin.encode.derived_frames import fill_frames, in_frames, meaning, source_of
from orthanc_plugin.encode.finer import place_within
from orthanc_plugin.encode.grey import Grey, grey
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.synthetic import SYNTHETIC, in_modality
from orthanc_plugin.imaging.header import words
from orthanc_plugin.imaging.volume import SourceSlice, Volume
from orthanc_plugin.measure.findings import DerivedImage

# Frames of multi-frame sources, and images of retired classes, become single images of these classes.
SINGLE = {"CT": CTImageStorage, "MR": MRImageStorage, "US": UltrasoundImageStorage}
# What is of the source's own pixels, of its file, or of its frames together, and untrue of the image that is derived.
UNTRUE = (
    *("SmallestImagePixelValue", "LargestImagePixelValue", "SmallestPixelValueInSeries", "LargestPixelValueInSeries"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "ModalityLUTSequence", "VOILUTSequence", "VOILUTFunction"),
    *("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "PresentationLUTShape", "PlanarConfiguration"),
    *("RescaleSlope", "RescaleIntercept", "RescaleType", "RealWorldValueMappingSequence", "IconImageSequence"),
    *("RedPaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData", "PaletteColorLookupTableUID"),
    *("GreenPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableData"),
    *("BluePaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableData", "ICCProfile", "ColorSpace"),
    *("SourceImageSequence", "ReferencedImageSequence", "DerivationDescription", "DerivationCodeSequence"),
    *("DigitalSignaturesSequence", "MACParametersSequence", "OriginalAttributesSequence", "StorageMediaFileSetUID"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "NumberOfFrames"),
    *("FrameIncrementPointer", "FrameTime", "FrameTimeVector", "DimensionOrganizationSequence"),
    *("DimensionIndexSequence", "DimensionOrganizationType", "PixelPresentation", "VolumetricProperties"),
    *("VolumeBasedCalculationTechnique", "ContentQualification", "ImageComments", "QualityControlImage"),
    *("PerformedProcedureStepID", "PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"),
    *("PerformedProcedureStepDescription", "ReferencedPerformedProcedureStepSequence", "StationName"),
    *("InstanceCoercionDateTime", "InstanceCreatorUID", "SOPInstanceStatus", "DateOfLastCalibration"),
)
# Groups of overlays, and of the curves of old.
OVERLAYS = frozenset({*range(0x6000, 0x6020, 2), *range(0x5000, 0x5020, 2)})
PLACES = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
# Attributes of type 1 and 2 that sources of other classes don't have; RM is research mode.
OF_SLICES = dict.fromkeys(("PatientPosition", "PositionReferenceIndicator", "SliceThickness"))
OF_MR = ("ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime", "EchoTrainLength")
DEMANDED: dict[str, dict[str, object]] = {
    ComputedRadiographyImageStorage: {"BodyPartExamined": None, "ViewPosition": None},
    CTImageStorage: {"KVP": None, "AcquisitionNumber": None, **OF_SLICES},
    MRImageStorage: {"ScanningSequence": "RM", "SequenceVariant": "NONE", **dict.fromkeys(OF_MR), **OF_SLICES},
}
VALUE_3 = {CTImageStorage: ("AXIAL",), MRImageStorage: ("OTHER",)}
# Classes whose images always state how their values are meant, even if as they are.
LINEAR = frozenset(
    {
        *(DigitalXRayImageStorageForPresentation, DigitalXRayImageStorageForProcessing),
        *(DigitalMammographyXRayImageStorageForPresentation, DigitalMammographyXRayImageStorageForProcessing),
    }
)
# Which of the arguments that highdicom's constructors share stands where.
ATTRIBUTES = {
    "SeriesInstanceUID": "series_instance_uid",
    "SeriesNumber": "series_number",
    "Manufacturer": "manufacturer",
    "ManufacturerModelName": "manufacturer_model_name",
    "SoftwareVersions": "software_versions",
    "DeviceSerialNumber": "device_serial_number",
    "ContentDate": "content_date",
    "ContentTime": "content_time",
    "SeriesDate": "series_date",
    "SeriesTime": "series_time",
}


@dataclass(frozen=True, eq=False)
class Series:
    """One image of the findings, as the series that is written."""

    making: Making
    image: DerivedImage
    part: str
    stored: Grey


def derived_images(making: Making) -> tuple[Dataset, ...]:
    """Instances of all images; each image is a series of its own."""
    series = [
        Series(making, image, str(number or ""), grey(image, making.imaged))
        for number, image in enumerate(making.findings.images)
    ]
    return tuple(instance for one in series for instance in _instances(one))


def _instances(of: Series) -> Iterator[Dataset]:
    if in_frames(of.making, of.image):
        yield _of_all_frames(of)
    else:
        yield from (_instance(of, number) for number in range(len(of.making.imaged) * of.image.finer))


def _of_all_frames(of: Series) -> Dataset:
    """Of an enhanced source one instance, too."""
    making = of.making
    header = _context(making, making.imaged.sources[0])
    result = _plain(header)
    _identify(result, of, 0)
    result.ImageComments = "\n".join(making.remarks)
    fill_frames(result, making, of.image, of.stored)
    _settle(result, header, making)
    if "Laterality" in result:
        del result.Laterality  # the frames' own anatomy says it
    return result


def _instance(of: Series, number: int) -> Dataset:
    making, source = of.making, of.making.imaged.sources[number // of.image.finer]
    header = _context(making, source)
    result = _of_frame(header, source, of.image.modality)
    _identify(result, of, number)
    _derive(result, of, source)
    if of.image.finer > 1 and isinstance(making.imaged, Volume):
        place_within(result, making.imaged, number, of.image.finer)
    _show(result, of, number)
    _settle(result, header, making)
    state_side(result, header)
    return result


def _settle(result: Dataset, header: Dataset, making: Making) -> None:
    settle(result, header, making.imaged, making.origin)
    result.file_meta = FileMetaDataset()
    result.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    result.file_meta.MediaStorageSOPClassUID = result.SOPClassUID
    result.file_meta.MediaStorageSOPInstanceUID = result.SOPInstanceUID


def _context(making: Making, source: SourceSlice) -> Dataset:
    """The header of the image itself, in the character set that all results are in."""
    header = next(header for header in making.headers if header.SOPInstanceUID == source.sop_instance_uid)
    if making.header.get("SpecificCharacterSet") == header.get("SpecificCharacterSet"):
        return header
    converted = deepcopy(header)
    converted.decode()
    return altered(converted, SpecificCharacterSet=making.header.SpecificCharacterSet)


def _of_frame(header: Dataset, source: SourceSlice, modality: str | None) -> Dataset:
    """What is true of the image's frame and of what is derived from it, too; as a single-frame image says it."""
    result = _plain(header)
    for groups in _groups(header, source):
        for keyword in PLACES:
            for item in groups.get(keyword, []):
                result.update(item)
    result.SOPClassUID = _class_of(header, source)
    if modality is not None:
        result = in_modality(result, modality)
        result.SOPClassUID = SINGLE[modality]
    if "InversionTime" in result and "IR" not in words(result, "ScanningSequence"):
        del result.InversionTime  # single images have it for inversion recovery alone
    demanded = DEMANDED.get(result.SOPClassUID, {})
    if "ImageOrientationPatient" not in result:
        demanded = {"PatientOrientation": None, **demanded}
    for keyword, value in demanded.items():
        if keyword not in result:
            setattr(result, keyword, value)
    return result


def _plain(header: Dataset) -> Dataset:
    """What is true of the image and of what is derived from it, too."""
    result = Dataset()
    for element in header:
        if not element.tag.is_private and element.keyword not in UNTRUE and element.tag.group not in OVERLAYS:
            result.add(copy(element))  # setting a value later changes the element, not the data set
    return result


def _groups(header: Dataset, source: SourceSlice) -> list[Dataset]:
    """Functional groups of the frame; none where the source has none."""
    if source.frame_number is None or "PerFrameFunctionalGroupsSequence" not in header:
        return []
    shared = header.get("SharedFunctionalGroupsSequence") or [Dataset()]
    return [shared[0], header.PerFrameFunctionalGroupsSequence[source.frame_number - 1]]


def _class_of(header: Dataset, source: SourceSlice) -> UID:
    if source.frame_number is None and not UID(header.SOPClassUID).is_retired:
        return UID(header.SOPClassUID)
    return SINGLE.get(header.Modality, SecondaryCaptureImageStorage)


def _identify(result: Dataset, of: Series, index: int) -> None:
    making, name = of.making, f"IMAGE {of.part}" if of.part else "IMAGE"
    attributes = series_attributes("IMAGE", making.header, making.identity, making.origin, of.part)
    for keyword, argument in ATTRIBUTES.items():
        setattr(result, keyword, attributes[argument])
    result.SOPInstanceUID = making.identity.instance_uid(f"{name} {index}")
    result.InstanceNumber = index + 1
    ending = "" if making.origin.clinical_use else " (not for clinical use)"
    made = "" if of.image.modality is None else f"{SYNTHETIC} {of.image.modality}, "
    title = f"{made}{making.origin.title} {of.image.label}"
    result.SeriesDescription = title[: LO_LENGTH - len(ending)] + ending


def _derive(result: Dataset, of: Series, source: SourceSlice) -> None:
    """It never claims to be an original, and names the image at its place; PET knows no secondary images."""
    origin = of.making.origin
    stated = words(result, "ImageType")
    second = "PRIMARY" if result.SOPClassUID == PositronEmissionTomographyImageStorage else "SECONDARY"
    result.ImageType = ["DERIVED", second, *(stated[2:3] or VALUE_3.get(result.SOPClassUID, ()))]
    result.DerivationDescription = f"{of.image.label} by {origin.title} {origin.version}. {origin.notice}".strip()
    result.DerivationCodeSequence = [CodedConcept.from_code(of.image.derivation)]
    result.ImageComments = "\n".join(of.making.remarks)
    image = source_of(source)
    image.PurposeOfReferenceCodeSequence = [CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)]
    image.SpatialLocationsPreserved = "YES" if of.image.finer == 1 else "NO"
    result.SourceImageSequence = [image]


def _show(result: Dataset, of: Series, number: int) -> None:
    """Pixels, what they mean and a window to look at them."""
    stored = of.stored
    rows, columns = of.making.imaged.shape_yx(number // of.image.finer)
    pixels = stored.pixels(of.image.values_zyx[number, :rows, :columns])
    result.SamplesPerPixel, result.PhotometricInterpretation = 1, "MONOCHROME2"
    result.Rows, result.Columns = rows, columns
    result.BitsAllocated, result.BitsStored, result.HighBit = (
        stored.bits_allocated,
        stored.bits_stored,
        stored.bits_stored - 1,
    )
    result.PixelRepresentation, result.PixelData = int(stored.signed), pixels.tobytes()
    low, high = stored.window
    result.WindowCenter, result.WindowWidth = DSfloat(f"{(low + high) / 2:.6g}"), DSfloat(f"{high - low:.6g}")
    if result.WindowWidth < 1:
        result.VOILUTFunction = "LINEAR_EXACT"  # the usual function knows no such window (PS3.3 C.11.2.1.2.1)
    if stored.rescaled or result.SOPClassUID in LINEAR:
        result.RescaleSlope = DSfloat(f"{stored.slope if stored.rescaled else 1:.9g}")
        result.RescaleIntercept = DSfloat(f"{stored.intercept if stored.rescaled else 0:.9g}")
        result.RescaleType = stored.rescale_type
    if result.SOPClassUID in LINEAR:
        result.PresentationLUTShape = "IDENTITY"
    if of.image.unit is not None and stored.rescaled:
        result.RealWorldValueMappingSequence = [meaning(of.image, of.image.unit, of.stored)]

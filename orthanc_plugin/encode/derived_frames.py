"""A derived image of an enhanced source in, one instance of the source's class out: a frame for each of its slices."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy

import numpy as np
from highdicom.pm import RealWorldValueMapping
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID, EnhancedCTImageStorage, EnhancedMRImageStorage, EnhancedPETImageStorage
from pydicom.valuerep import DSfloat

from orthanc_plugin.encode.context import LO_LENGTH
from orthanc_plugin.encode.grey import Grey
from orthanc_plugin.encode.making import Making
from orthanc_plugin.imaging.header import words
from orthanc_plugin.imaging.volume import SourceSlice
from orthanc_plugin.measure.findings import DerivedImage

ENHANCED: Mapping[str, str] = {
    EnhancedCTImageStorage: "CTImageFrameTypeSequence",
    EnhancedMRImageStorage: "MRImageFrameTypeSequence",
    EnhancedPETImageStorage: "PETFrameTypeSequence",
}
"""Each with the functional group that has the type of its frames."""
# How frames are laid out in space and time, and what kind of numbers they hold: as the source's.
OF_FRAMES = (
    *("DimensionOrganizationSequence", "DimensionIndexSequence", "DimensionOrganizationType"),
    *("VolumetricProperties", "VolumeBasedCalculationTechnique"),
)
# What a frame's own pixels are and were made of; what follows says it of the frame that is derived.
UNTRUE_GROUPS = frozenset(
    {
        *("PixelValueTransformationSequence", "FrameVOILUTSequence", "RealWorldValueMappingSequence"),
        *("DerivationImageSequence", "ReferencedImageSequence", "FrameDisplayShutterSequence"),
    }
)
# Only what was acquired, and not derived, states how (PS3.3 C.8.13.4, C.7.6.3 and the evidence of C.8.13.1).
OF_ACQUISITION = (
    *("BulkMotionCompensationTechnique", "BulkMotionSignalSource", "ReferencedImageEvidenceSequence"),
    *("PulseSequenceName", "MRAcquisitionType", "EchoPulseSequence", "MultipleSpinEcho", "MultiPlanarExcitation"),
    *("PhaseContrast", "TimeOfFlightContrast", "ArterialSpinLabelingContrast", "SteadyStatePulseSequence"),
    *("EchoPlanarPulseSequence", "SaturationRecovery", "SpectrallySelectedSuppression", "OversamplingPhase"),
    *("GeometryOfKSpaceTraversal", "RectilinearPhaseEncodeReordering", "SegmentedKSpaceTraversal"),
    *("CoverageOfKSpace", "NumberOfKSpaceTrajectories"),
)
SH_LENGTH = 16
RESEARCH, PRODUCT = "RESEARCH", "PRODUCT"
MONOCHROME = "MONOCHROME"


def in_frames(making: Making, image: DerivedImage) -> bool:
    """Whether what is derived can be one instance of the source's class: that has all that such an instance needs."""
    if image.modality is not None or image.finer > 1:
        return False
    [*uids] = {(source.sop_class_uid, source.sop_instance_uid) for source in making.imaged.sources}
    return len(uids) == 1 and uids[0][0] in ENHANCED and _is_whole(making.header, ENHANCED[uids[0][0]])


def _is_whole(header: Dataset, frame_type: str) -> bool:
    """Scanners leave out what every frame has to say; of such sources single images are derived."""
    shared = header.get("SharedFunctionalGroupsSequence") or [Dataset()]
    of_frames = header.get("PerFrameFunctionalGroupsSequence") or [Dataset()]
    wanted = (frame_type, "FrameContentSequence", "FrameAnatomySequence")
    return "DimensionOrganizationSequence" in header and all(
        keyword in shared[0] or all(keyword in frame for frame in of_frames) for keyword in wanted
    )


def fill_frames(result: Dataset, making: Making, image: DerivedImage, stored: Grey) -> None:
    """Functional groups and pixels of all frames; `result` has what is true of the instance."""
    header = making.header
    sop_class = UID(header.SOPClassUID)
    result.SOPClassUID = sop_class
    for keyword in OF_FRAMES:
        if keyword in header:
            result[keyword] = header[keyword]
    for keyword in OF_ACQUISITION:
        if keyword in result:
            del result[keyword]
    result.SourceImageEvidenceSequence = [_evidence(header)]
    image_type = _image_type(header)
    result.ImageType, result.PixelPresentation = image_type, MONOCHROME
    result.ContentQualification = PRODUCT if making.origin.clinical_use else RESEARCH
    shared = (header.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    result.SharedFunctionalGroupsSequence = [_shared(_true(shared), sop_class, image_type, image, stored)]
    result.PerFrameFunctionalGroupsSequence = [
        _of_frame(_true(header.PerFrameFunctionalGroupsSequence[(source.frame_number or 1) - 1]), source, image, making)
        for source in making.imaged.sources
    ]
    for group in result.PerFrameFunctionalGroupsSequence:
        if ENHANCED[sop_class] in group:
            setattr(group, ENHANCED[sop_class], _typed(group[ENHANCED[sop_class]].value, image_type))
    _pixels(result, making, image, stored)


def _evidence(header: Dataset) -> Dataset:
    """The one instance that all frames are derived from."""
    instance, series, study = Dataset(), Dataset(), Dataset()
    instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    series.SeriesInstanceUID, series.ReferencedSOPSequence = header.SeriesInstanceUID, [instance]
    study.StudyInstanceUID, study.ReferencedSeriesSequence = header.StudyInstanceUID, [series]
    return study


def _image_type(header: Dataset) -> list[str]:
    """It is derived, and else of the kind that the source is."""
    stated = words(header, "ImageType")
    third, fourth = stated[2:4] if len(stated) >= 4 else ("VOLUME", "NONE")
    return ["DERIVED", "PRIMARY", third, fourth]


def _true(groups: Dataset) -> Dataset:
    """The groups that hold of the derived frame, too."""
    kept = Dataset()
    for element in groups:
        if not element.tag.is_private and element.keyword not in UNTRUE_GROUPS:
            kept.add(copy(element))  # setting a value later changes the element, not the data set
    return kept


def _shared(groups: Dataset, sop_class: UID, image_type: list[str], image: DerivedImage, stored: Grey) -> Dataset:
    transformation, window = Dataset(), Dataset()
    transformation.RescaleSlope = DSfloat(f"{stored.slope:.9g}")
    transformation.RescaleIntercept = DSfloat(f"{stored.intercept:.9g}")
    transformation.RescaleType = stored.rescale_type
    low, high = stored.window
    window.WindowCenter, window.WindowWidth = DSfloat(f"{(low + high) / 2:.6g}"), DSfloat(f"{high - low:.6g}")
    groups.PixelValueTransformationSequence, groups.FrameVOILUTSequence = [transformation], [window]
    if image.unit is not None:
        groups.RealWorldValueMappingSequence = [meaning(image, image.unit, stored)]
    name = ENHANCED[sop_class]
    if name in groups:
        setattr(groups, name, _typed(groups[name].value, image_type))
    return groups


def meaning(image: DerivedImage, unit: Code, stored: Grey) -> RealWorldValueMapping:
    """A unit of its own, which a rescale can't name."""
    kind = np.iinfo(stored.pixels(np.zeros(1, np.float32)).dtype)
    return RealWorldValueMapping(
        lut_label=image.label[:SH_LENGTH],
        lut_explanation=image.label[:LO_LENGTH],
        unit=unit,
        value_range=(int(kind.min), int(kind.max)),
        slope=stored.slope,
        intercept=stored.intercept,
    )


def _typed(items: list[Dataset], image_type: list[str]) -> list[Dataset]:
    typed = _true(items[0] if items else Dataset())
    typed.FrameType, typed.PixelPresentation = image_type, MONOCHROME
    return [typed]


def _of_frame(groups: Dataset, source: SourceSlice, image: DerivedImage, making: Making) -> Dataset:
    """With the frame that it is derived from."""
    origin = making.origin
    derivation = Dataset()
    derivation.DerivationDescription = f"{image.label} by {origin.title} {origin.version}. {origin.notice}".strip()
    derivation.DerivationCodeSequence = [CodedConcept.from_code(image.derivation)]
    named = source_of(source)
    named.PurposeOfReferenceCodeSequence = [CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)]
    named.SpatialLocationsPreserved = "YES"
    derivation.SourceImageSequence = [named]
    groups.DerivationImageSequence = [derivation]
    return groups


def source_of(source: SourceSlice) -> Dataset:
    named = Dataset()
    named.ReferencedSOPClassUID, named.ReferencedSOPInstanceUID = source.sop_class_uid, source.sop_instance_uid
    if source.frame_number is not None:
        named.ReferencedFrameNumber = source.frame_number
    return named


def _pixels(result: Dataset, making: Making, image: DerivedImage, stored: Grey) -> None:
    rows, columns = making.imaged.shape_yx(0)
    result.NumberOfFrames = len(making.imaged)
    result.SamplesPerPixel, result.PhotometricInterpretation = 1, "MONOCHROME2"
    result.Rows, result.Columns = rows, columns
    result.BitsAllocated, result.BitsStored = stored.bits_allocated, stored.bits_stored
    result.HighBit, result.PixelRepresentation = stored.bits_stored - 1, int(stored.signed)
    result.PresentationLUTShape = "IDENTITY"
    pixels = np.stack([stored.pixels(values[:rows, :columns]) for values in image.values_zyx])
    result.PixelData = pixels.tobytes()

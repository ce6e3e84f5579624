"""What a result is: by its storage class, its modality, or by who made it."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom import uid
from pydicom.uid import UID

from orthanc_plugin.encode.context import MANUFACTURER
from orthanc_plugin.routing.results import MADE_BY, kind_of_class, result_kind


def test_results_are_known_by_their_class_whatever_their_modality_says() -> None:
    kinds = {
        uid.SegmentationStorage: "segmentation or registration",
        UID("1.2.840.10008.5.1.4.1.1.66.7"): "segmentation or registration",
        uid.Comprehensive3DSRStorage: "structured report or key object selection",
        uid.KeyObjectSelectionDocumentStorage: "structured report or key object selection",
        uid.SecondaryCaptureImageStorage: "secondary capture",
        uid.MultiFrameTrueColorSecondaryCaptureImageStorage: "secondary capture",
        uid.GrayscaleSoftcopyPresentationStateStorage: "presentation state",
        uid.RTStructureSetStorage: "radiotherapy object",
        uid.ParametricMapStorage: "parametric map",
        uid.EncapsulatedPDFStorage: "encapsulated document",
    }
    for sop_class, kind in kinds.items():
        assert result_kind({"SOPClassUID": str(sop_class), "Modality": "CT"}) == kind


@pytest.mark.parametrize("modality", ["SEG", "SR", "PR", "KO", "RTSTRUCT", " seg"])
def test_results_are_known_by_their_modality_where_the_class_is_private(modality: str) -> None:
    assert result_kind({"SOPClassUID": "1.3.46.670589.5.0.1", "Modality": modality}) is not None


@pytest.mark.parametrize(
    "sop_class",
    [
        uid.CTImageStorage,
        uid.EnhancedCTImageStorage,
        uid.MRImageStorage,
        uid.EnhancedMRImageStorage,
        uid.PositronEmissionTomographyImageStorage,
        uid.DigitalXRayImageStorageForPresentation,
        uid.DigitalMammographyXRayImageStorageForPresentation,
        uid.BreastTomosynthesisImageStorage,
        uid.UltrasoundMultiFrameImageStorage,
        uid.NuclearMedicineImageStorage,
        uid.XRayAngiographicImageStorage,
        uid.VLWholeSlideMicroscopyImageStorage,
        uid.OphthalmicPhotography8BitImageStorage,
        uid.RTImageStorage,
    ],
)
def test_images_of_scanners_and_cameras_are_none(sop_class: UID) -> None:
    assert kind_of_class(str(sop_class)) is None


def test_a_reformat_of_a_scanner_is_no_result_of_ours() -> None:
    scanner = {"ImageType": "DERIVED\\SECONDARY\\MPR", "Manufacturer": "SIEMENS", "Modality": "CT"}
    assert result_kind(scanner) is None


def test_an_image_that_a_node_made_is_a_result_whichever_node_it_was() -> None:
    assert MADE_BY == MANUFACTURER
    assert result_kind({"Modality": "CT", "Manufacturer": MADE_BY}) == "result of an inference node"
    equipment = [{"Manufacturer": "SIEMENS"}, {"Manufacturer": MADE_BY}]
    derived = {"Modality": "CT", "Manufacturer": "SIEMENS", "ContributingEquipmentSequence": equipment}
    assert result_kind(derived) == "result of an inference node"


@pytest.mark.parametrize("odd", [{}, {"Modality": None}, {"ContributingEquipmentSequence": ""}, {"SOPClassUID": ["1"]}])
def test_odd_headers_are_no_results(odd: dict[str, object]) -> None:
    assert result_kind(odd) is None


def test_real_results_are_found(real_dicom: Path) -> None:
    for path in sorted((real_dicom / "results").rglob("*")):
        if path.suffix not in (".dcm", ".seg") or not path.is_file():
            continue
        header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        image = header.get("Modality") in ("CT", "MR", "US")
        values = {"SOPClassUID": header.get("SOPClassUID"), "Modality": header.get("Modality")}
        assert (result_kind(values) is None) is image, path

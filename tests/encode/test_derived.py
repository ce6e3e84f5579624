"""Derived images at the places of their sources, in their class, and never as originals."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    UltrasoundImageStorage,
)

from orthanc_plugin.encode import check_derived
from orthanc_plugin.encode.derived import derived_images
from orthanc_plugin.encode.identity import Identity
from orthanc_plugin.encode.making import Making
from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.imaging.volume import volume as volume_of
from orthanc_plugin.measure.findings import DerivedImage
from tests import judges
from tests.encode import making, outlined

NOTHING_STORED = " Nothing was stored; report this as an error of the node."
SMOOTHED = "Smoothed"


def made(on: Imaged, image: DerivedImage | None = None, **origin: object) -> Making:
    shown = image or DerivedImage(SMOOTHED, codes.DCM.Smoothing, values(on))
    found = replace(outlined.findings(on), images=(shown,))
    return Making(found, on, replace(making.origin(), **origin))


def values(on: Imaged) -> np.ndarray:
    """As the source has them and a little less, of single images the disc."""
    return on.voxels_zyx - 3 if isinstance(on, Volume) else 200 * outlined.probabilities(on)[0]


def test_a_series_of_them_is_a_volume_at_the_source_s_place(volume: Volume) -> None:
    """Read by the node's own imaging, which takes it for a series like any other."""
    results = derived_images(made(volume))

    read = volume_of(assemble([decode(making.written(result)) for result in results]))

    aligned = read.voxels_zyx if outlined.upward(volume) else read.voxels_zyx[::-1]
    assert np.array_equal(aligned, volume.voxels_zyx - 3)
    ours = {tuple(np.round(place, 3)) for place in places(read)}
    assert ours == {tuple(np.round(place, 3)) for place in places(volume)}
    assert read.geometry.frame_of_reference_uid == volume.geometry.frame_of_reference_uid


def places(on: Volume) -> np.ndarray:
    return on.geometry.map_indices_to_reference(np.array([[index, 0, 0] for index in range(len(on))]))


@pytest.mark.parametrize(
    ("source", "sop_class"),
    [
        (making.volume, CTImageStorage),
        (outlined.oblique_mr, MRImageStorage),
        (outlined.pet, PositronEmissionTomographyImageStorage),
        (outlined.FLAT["US film in colour"], UltrasoundImageStorage),
    ],
)
def test_each_slice_is_an_image_of_the_source_s_class(source: Callable[[], Imaged], sop_class: str) -> None:
    on = source()
    of = made(on)

    results = [making.read_back(result) for result in derived_images(of)]

    check_derived.derived_images(results, of)
    assert {result.SOPClassUID for result in results} == {sop_class}
    assert [result.InstanceNumber for result in results] == list(range(1, len(on) + 1))
    assert len({result.SOPInstanceUID for result in results}) == len(on)


@pytest.mark.parametrize("source", [outlined.oblique_mr, outlined.pet, making.enhanced_volume])
def test_finer_slices_lie_within_the_source_s_and_make_a_volume(source: Callable[[], Volume], tmp_path: Path) -> None:
    on, finer = source(), 3
    between = np.repeat(on.voxels_zyx, finer, axis=0) - np.tile(np.arange(finer), len(on)).reshape(-1, 1, 1)
    thin = between.astype(np.float32)
    of = made(on, DerivedImage("in thinner slices", codes.DCM.SpatialResampling, thin, finer=finer))

    results = [making.read_back(result) for result in derived_images(of)]

    check_derived.derived_images(results, of)
    read = volume_of(assemble([decode(making.written(result)) for result in results]))
    assert len(read) == finer * len(on)
    assert read.spacing_zyx_mm == pytest.approx([on.spacing_zyx_mm[0] / finer, *on.spacing_zyx_mm[1:]], abs=1e-4)
    assert float(results[0].SliceThickness) == pytest.approx(on.spacing_zyx_mm[0] / finer, abs=1e-4)
    ours = np.array(sorted(map(tuple, np.round(places(read), 3))))
    middles = ours.reshape(len(on), finer, 3).mean(axis=1) if finer % 2 else ours
    np.testing.assert_allclose(middles, np.array(sorted(map(tuple, places(on)))), atol=2e-3)
    aligned = read.voxels_zyx if outlined.upward(on) else read.voxels_zyx[::-1]
    np.testing.assert_allclose(aligned, between, atol=max(0.02, between.max() / 32767))
    path = tmp_path / "finer.dcm"
    path.write_bytes(making.written(results[1]))
    assert judges.dciodvfy(path) == []


def test_a_finer_slice_elsewhere_than_within_its_source_is_refused() -> None:
    on = outlined.oblique_mr()
    between = np.repeat(on.voxels_zyx, 2, axis=0) + np.arange(2 * len(on), dtype=np.float32).reshape(-1, 1, 1)
    of = made(on, DerivedImage("in thinner slices", codes.DCM.SpatialResampling, between, finer=2))
    results = list(derived_images(of))
    results[0].ImagePositionPatient, results[1].ImagePositionPatient = (
        results[1].ImagePositionPatient,
        results[0].ImagePositionPatient,
    )
    with pytest.raises(Broken, match=r"holds other values than the model gave for its image\."):
        check_derived.derived_images(results, of)
    results[0].ImagePositionPatient = results[3].ImagePositionPatient
    with pytest.raises(Broken, match=r"Instance 1 of the image in thinner slices lies elsewhere"):
        check_derived.derived_images(results, of)


def whole_enhanced() -> Volume:
    """With all that the standard demands of such an instance, which scanners leave out at times."""
    on = making.enhanced_volume()
    header = making.read_back(on.headers[0])
    shared = header.SharedFunctionalGroupsSequence[0]
    anatomy, region, event, kind = Dataset(), Dataset(), Dataset(), Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "818981001", "SCT", "Abdomen"
    anatomy.FrameLaterality, anatomy.AnatomicRegionSequence = "U", [region]
    event.IrradiationEventUID = "1.2.826.0.1.3680043.8.498.9"
    kind.FrameType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    kind.PixelPresentation, kind.VolumetricProperties = "MONOCHROME", "VOLUME"
    kind.VolumeBasedCalculationTechnique = "NONE"
    shared.FrameAnatomySequence, shared.IrradiationEventIdentificationSequence = [anatomy], [event]
    shared.CTImageFrameTypeSequence = [kind]
    organisation, index = Dataset(), Dataset()
    organisation.DimensionOrganizationUID = index.DimensionOrganizationUID = "1.2.826.0.1.3680043.8.498.8"
    index.DimensionIndexPointer, index.FunctionalGroupPointer = 0x00209057, 0x00209111
    header.DimensionOrganizationSequence, header.DimensionIndexSequence = [organisation], [index]
    for number, frame in enumerate(header.PerFrameFunctionalGroupsSequence, start=1):
        content = Dataset()
        content.StackID, content.InStackPositionNumber, content.DimensionIndexValues = "1", number, [number]
        frame.FrameContentSequence = [content]
    header.AcquisitionContextSequence, header.BurnedInAnnotation, header.LossyImageCompression = [], "NO", "00"
    header.VolumetricProperties, header.VolumeBasedCalculationTechnique = "VOLUME", "NONE"
    header.PixelPresentation = "MONOCHROME"
    return replace(on, headers=(header,))


def test_of_an_enhanced_source_it_is_one_instance_of_its_class(tmp_path: Path) -> None:
    """Its frames lie in the volume's order, each where the one lies that it names."""
    on = whole_enhanced()
    of = made(on)

    [result] = [making.read_back(each) for each in derived_images(of)]

    check_derived.derived_images([result], of)
    assert (result.SOPClassUID, result.NumberOfFrames) == (EnhancedCTImageStorage, len(on))
    assert list(result.ImageType) == ["DERIVED", "PRIMARY", "VOLUME", "NONE"]
    read = volume_of(assemble([decode(making.written(result))]))
    aligned = read.voxels_zyx if outlined.upward(on) else read.voxels_zyx[::-1]
    assert np.array_equal(aligned, on.voxels_zyx - 3)
    named = [group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber
             for group in result.PerFrameFunctionalGroupsSequence]  # fmt: skip
    assert named == [source.frame_number for source in on.sources] != list(range(1, len(on) + 1))
    path = tmp_path / "frames.dcm"
    path.write_bytes(making.written(result))
    assert judges.dciodvfy(path) == []
    assert [each.SOPClassUID for each in derived_images(made(making.enhanced_volume()))] == [CTImageStorage] * len(on)


def test_a_ct_made_of_an_mr_is_a_ct_in_its_place_and_says_that_none_was_made(tmp_path: Path) -> None:
    on = outlined.oblique_mr()
    image = DerivedImage("from T1", codes.DCM.Smoothing, np.full(on.voxels_zyx.shape, 40.0, np.float32), modality="CT")
    of = made(on, image)

    results = [making.read_back(each) for each in derived_images(of)]

    check_derived.derived_images(results, of)
    assert len(results) == len(on)
    for result in results:
        assert (result.SOPClassUID, result.Modality, result.RescaleType) == (CTImageStorage, "CT", "HU")
        assert list(result.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
        assert result.SeriesDescription.startswith("SYNTHETIC CT, Abdominal muscle")
        assert result.FrameOfReferenceUID == on.headers[0].FrameOfReferenceUID
        assert not {"EchoTime", "RepetitionTime", "ScanningSequence", "MagneticFieldStrength"} & set(result.dir())
        assert (result.pixel_array * float(result.RescaleSlope) == 40).all()
    path = tmp_path / "ct.dcm"
    path.write_bytes(making.written(results[0]))
    assert judges.dciodvfy(path) == []


def frames_moved(result: Dataset) -> None:
    x, y, z = result.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0].ImagePositionPatient
    result.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0].ImagePositionPatient = [x, y, float(z) + 1]


def frame_lost(result: Dataset) -> None:
    result.NumberOfFrames -= 1


def other_values(result: Dataset) -> None:
    result.PixelData = bytes(len(result.PixelData))


def other_frame(result: Dataset) -> None:
    group = result.PerFrameFunctionalGroupsSequence[1]
    group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber = 99


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (frames_moved, "Frame 2 of the image Smoothed lies elsewhere than the frame that it names."),
        (frame_lost, "The image Smoothed lacks frames, or repeats them."),
        (other_values, "The image Smoothed holds other values than the model gave."),
        (other_frame, "Frame 2 of the image Smoothed names another frame than it is derived from."),
    ],
)
def test_what_frames_say_wrongly_is_not_stored(spoil: Callable[[Dataset], None], sentence: str) -> None:
    of = made(whole_enhanced())
    [result] = [making.read_back(each) for each in derived_images(of)]
    spoil(result)

    with pytest.raises(Broken) as caught:
        check_derived.derived_images([result], of)
    assert caught.value.sentence == sentence + NOTHING_STORED


def test_it_says_that_it_is_derived_from_what_and_by_whom() -> None:
    on = making.volume()

    result = derived_images(made(on))[2]

    assert list(result.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
    assert result.DerivationCodeSequence[0].CodeValue == codes.DCM.Smoothing.value
    assert result.DerivationDescription == (
        "Smoothed by Abdominal muscle and fat 1.2.0. Not for clinical use. Trained on synthetic phantoms."
    )
    [source] = result.SourceImageSequence
    assert source.ReferencedSOPInstanceUID == on.sources[2].sop_instance_uid
    assert source.SpatialLocationsPreserved == "YES"
    assert result.SeriesInstanceUID == Identity.of(on, making.origin()).series_uid("IMAGE")
    assert result.SeriesDescription == "Abdominal muscle and fat Smoothed (not for clinical use)"
    assert (result.Manufacturer, result.DeviceSerialNumber) == ("Inference node", "5f" * 32)
    assert result.ContributingEquipmentSequence[0].Manufacturer == "Scanner works"
    assert result.PatientName == "Müller^Jürgen"


@pytest.mark.parametrize("source", [making.volume, lambda: whole_enhanced()])
def test_the_source_s_header_stays_as_it_was(source: Callable[[], Volume]) -> None:
    on = source()
    before = [making.written(header) for header in on.headers]

    derived_images(made(on))

    assert [making.written(header) for header in on.headers] == before


def test_what_was_true_of_the_source_s_pixels_alone_is_left_out() -> None:
    on = making.volume()
    headers = [making.read_back(header) for header in on.headers]
    for header in headers:
        header.PixelPaddingValue, header.SmallestImagePixelValue, header.WindowCenter, header.WindowWidth = (
            0,
            0,
            40,
            400,
        )
        header.add_new(0x60000010, "US", 64)
        header.add_new(0x00090010, "LO", "SCANNER")
    odd = replace(on, headers=tuple(headers))

    result = derived_images(made(odd))[0]

    assert "PixelPaddingValue" not in result
    assert "SmallestImagePixelValue" not in result
    assert 0x60000010 not in result
    assert not any(element.tag.is_private for element in result.iterall())
    assert (result.WindowCenter, result.WindowWidth) == (40, 400)


def test_frames_name_a_unit_of_their_own() -> None:
    on = whole_enhanced()
    image = DerivedImage("Perfusion", codes.DCM.Smoothing, outlined.probabilities(on)[0], codes.UCUM.NoUnits)

    [result] = [making.read_back(each) for each in derived_images(made(on, image))]

    [mapping] = result.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "1"
    transformation = result.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
    assert mapping.RealWorldValueSlope == pytest.approx(float(transformation.RescaleSlope))


def test_values_of_a_unit_of_their_own_are_finely_stored_and_say_so() -> None:
    on = making.volume()
    shares = outlined.probabilities(on)[0]
    image = DerivedImage("Perfusion", codes.DCM.Smoothing, shares, codes.UCUM.NoUnits)

    results = [making.read_back(result) for result in derived_images(made(on, image))]

    read = np.stack([result.pixel_array * float(result.RescaleSlope) for result in results])
    assert np.abs(read - shares).max() < 2e-5
    assert {result.RescaleType for result in results} == {"US"}
    [mapping] = results[0].RealWorldValueMappingSequence
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "1"
    assert mapping.RealWorldValueSlope == pytest.approx(float(results[0].RescaleSlope))
    assert (results[0].VOILUTFunction, results[0].WindowWidth < 1) == ("LINEAR_EXACT", True)


def test_a_model_for_clinical_use_needs_no_warning_in_the_description() -> None:
    [first, *_] = derived_images(made(making.volume(), clinical_use=True, notice=""))

    assert first.SeriesDescription == "Abdominal muscle and fat Smoothed"
    assert first.DerivationDescription == "Smoothed by Abdominal muscle and fat 1.2.0."


def test_words_beyond_the_source_s_character_set_bring_utf_8_to_every_slice() -> None:
    on = making.volume()

    results = derived_images(made(on, notice="임상용이 아닙니다."))

    for result in results:
        back = making.read_back(result)
        assert back.SpecificCharacterSet == "ISO_IR 192"
        assert (back.PatientName, back.ImageComments) == ("Müller^Jürgen", "임상용이 아닙니다.")


def test_the_same_making_gives_the_same_bytes(volume: Volume) -> None:
    once, again = ([making.written(result) for result in derived_images(made(volume))] for _ in range(2))

    assert once == again


def shifted(results: list[Dataset]) -> None:
    x, y, z = results[1].ImagePositionPatient
    results[1].ImagePositionPatient = [x, float(y) + 1.25, z]


def exchanged(results: list[Dataset]) -> None:
    results[1].PixelData, results[2].PixelData = results[2].PixelData, results[1].PixelData


def original(results: list[Dataset]) -> None:
    results[1].ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]


def of_another_space(results: list[Dataset]) -> None:
    results[1].FrameOfReferenceUID = "1.2.3"


def foreign(results: list[Dataset]) -> None:
    results[1].SourceImageSequence[0].ReferencedSOPInstanceUID = "1.2.3"


def repeated(results: list[Dataset]) -> None:
    results[1] = results[2]


HERE = "Instance 2 of the image Smoothed"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (shifted, f"{HERE} lies elsewhere than the image that it names."),
        (exchanged, f"{HERE} holds other values than the model gave for its image."),
        (original, f"{HERE} claims to be an original."),
        (of_another_space, f"{HERE} is of another patient, study or space."),
        (foreign, f"{HERE} names an image that is not among its sources."),
        (repeated, "The image Smoothed lacks slices, or repeats them."),
    ],
)
def test_a_spoiled_series_is_caught(spoil: Callable[[list[Dataset]], None], sentence: str) -> None:
    of = made(making.volume())
    results = [making.read_back(result) for result in derived_images(of)]
    spoil(results)

    with pytest.raises(Broken) as caught:
        check_derived.derived_images(results, of)
    assert caught.value.sentence == sentence + NOTHING_STORED

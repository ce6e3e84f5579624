"""Sources go in and results come out over DICOMweb, as a client that no one here wrote asks for them."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
import requests
from dicomweb_client import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import encode
from tests.e2e import results
from tests.e2e.node import Node
from tests.e2e.results import Found
from tests.e2e.series import PushedSeries
from tests.encode import making, outlined

MODALITIES = {"SEG": "SEG", "SR": "SR", "SC": "OT"}
# Orthanc's DICOMweb gives frames to nobody who takes anything: a client states the transfer syntax, or "*".
RAW = (("application/octet-stream", ExplicitVRLittleEndian),)
RENDERED = ("SEG", "SC", "IMAGE")
DESCRIPTIONS = {"SEG": "segmentation", "SR": "report", "SC": "picture"}


@pytest.fixture(scope="module")
def found(node: Node, finished: PushedSeries) -> dict[str, Found]:
    return {result.kind: result for result in results.search(node.dicomweb(), finished.study_uid)}


@pytest.fixture(scope="module")
def one_of_each(node: Node) -> dict[str, Dataset]:
    """Results of a model that gives everything, on a destination that takes everything."""
    on = making.volume()
    profile = Profile().model_copy(update={"objects": ("SEG", "SR", "SC", "PM", "IMAGE", "KO", "PR", "PDF")})
    found = {
        result.kind: result.dataset for result in encode(Making(outlined.everything(on), on, making.origin(), profile))
    }
    for dataset in found.values():
        node.upload(making.written(dataset))
    return found


@pytest.mark.parametrize("kind", MODALITIES)
def test_series_of_results_are_found_by_modality(
    node: Node, finished: PushedSeries, found: dict[str, Found], kind: str
) -> None:
    answers = node.dicomweb().search_for_series(finished.study_uid, search_filters={"Modality": MODALITIES[kind]})

    [series] = [Dataset.from_json(answer) for answer in answers]
    assert series.SeriesInstanceUID == found[kind].series_uid
    assert series.StudyInstanceUID == finished.study_uid


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_series_of_results_are_found_by_description(
    node: Node, finished: PushedSeries, found: dict[str, Found], kind: str
) -> None:
    answers = searching(node).search_for_series(
        finished.study_uid, search_filters={"SeriesDescription": f"*{DESCRIPTIONS[kind]} *"}
    )

    assert [Dataset.from_json(answer).SeriesInstanceUID for answer in answers] == [found[kind].series_uid]


def searching(node: Node) -> DICOMwebClient:
    """Searches go to the node's own address, since Orthanc's takes no query with percent signs."""
    session = create_session_from_user_pass(*node.credentials)
    return DICOMwebClient(f"{node.url}/inference/dicom-web", session=session)


def test_the_study_says_that_it_holds_results(node: Node, finished: PushedSeries) -> None:
    [study] = node.dicomweb().search_for_studies(
        search_filters={"StudyInstanceUID": finished.study_uid}, fields=["ModalitiesInStudy"]
    )

    assert set(Dataset.from_json(study).ModalitiesInStudy) == {"CT", "OT", "SEG", "SR"}


@pytest.mark.parametrize("kind", MODALITIES)
def test_metadata_is_the_object_without_its_pixels(
    node: Node, finished: PushedSeries, found: dict[str, Found], kind: str
) -> None:
    client, result = node.dicomweb(), found[kind]

    said = client.retrieve_instance_metadata(finished.study_uid, result.series_uid, result.sop_instance_uid)
    stored = client.retrieve_instance(finished.study_uid, result.series_uid, result.sop_instance_uid)

    described = Dataset.from_json(said, bulk_data_uri_handler=lambda *_: b"")
    for element in stored:
        if element.keyword not in ("PixelData", "ContentSequence"):
            assert element.keyword in described, element.keyword
    assert described.ContributingEquipmentSequence == stored.ContributingEquipmentSequence
    assert described.SeriesDescription == stored.SeriesDescription


def test_the_study_is_retrieved_whole(node: Node, finished: PushedSeries) -> None:
    retrieved = node.dicomweb().retrieve_study(finished.study_uid)

    uids = {str(dataset.SOPInstanceUID) for dataset in retrieved}
    assert uids >= set(finished.datasets())
    assert len(uids) == len(finished.files) + len(MODALITIES)


def test_frames_of_a_segmentation_are_retrieved_bit_for_bit(
    node: Node, finished: PushedSeries, found: dict[str, Found]
) -> None:
    client, result = node.dicomweb(), found["SEG"]
    stored = client.retrieve_instance(finished.study_uid, result.series_uid, result.sop_instance_uid)

    [first] = client.retrieve_instance_frames(
        finished.study_uid, result.series_uid, result.sop_instance_uid, [1], media_types=RAW
    )

    frame_bytes = stored.Rows * stored.Columns // 8
    assert first[:frame_bytes] == stored.PixelData[:frame_bytes]


def test_the_picture_is_rendered_as_it_is(node: Node, finished: PushedSeries, found: dict[str, Found]) -> None:
    client, result = node.dicomweb(), found["SC"]
    stored = client.retrieve_instance(finished.study_uid, result.series_uid, result.sop_instance_uid)

    rendered = client.retrieve_instance_rendered(
        finished.study_uid, result.series_uid, result.sop_instance_uid, media_types=("image/png",)
    )

    assert np.array_equal(np.asarray(Image.open(BytesIO(rendered)).convert("RGB")), stored.pixel_array)


def test_a_frame_of_a_segmentation_is_rendered(node: Node, finished: PushedSeries, found: dict[str, Found]) -> None:
    client, result = node.dicomweb(), found["SEG"]
    stored = client.retrieve_instance(finished.study_uid, result.series_uid, result.sop_instance_uid)

    rendered = client.retrieve_instance_frames_rendered(
        finished.study_uid, result.series_uid, result.sop_instance_uid, [2], media_types=("image/png",)
    )

    shown = np.asarray(Image.open(BytesIO(rendered)).convert("L"))
    assert np.array_equal(shown > 0, stored.pixel_array[1] > 0)


@pytest.mark.parametrize("kind", ["SEG", "SC", "PM", "IMAGE", "SR", "KO", "PR", "PDF"])
def test_what_has_pixels_is_rendered_and_nothing_else(node: Node, one_of_each: dict[str, Dataset], kind: str) -> None:
    """As the conformance statement says: Orthanc renders integers, neither documents nor floating point numbers."""
    result = one_of_each[kind]
    uids = (str(result.StudyInstanceUID), str(result.SeriesInstanceUID), str(result.SOPInstanceUID))
    try:
        rendered = node.dicomweb().retrieve_instance_rendered(*uids, media_types=("image/png",))
    except requests.HTTPError:
        assert kind not in RENDERED
    else:
        assert kind in RENDERED
        assert Image.open(BytesIO(rendered)).size == (result.Columns, result.Rows)


def test_sources_stored_by_stow_rs_are_worked_on(node: Node, series: Callable[..., PushedSeries]) -> None:
    sent = series(slices=6)
    answer = node.dicomweb().store_instances([dcmread(path) for path in sent.files])

    assert len(answer.ReferencedSOPSequence) == len(sent.files)
    node.job(sent.series_uid, "done")
    assert results.kinds(results.search(node.dicomweb(), sent.study_uid)) == ["SC", "SEG", "SR"]

"""A name in any character set goes the whole way: from the scanner through the results to who asks for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from dicomweb_client import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.tag import Tag

from tests.e2e import results
from tests.e2e.node import Node
from tests.e2e.senders import Scanner
from tests.e2e.series import PushedSeries

NAMES: dict[str, tuple[list[str], str]] = {
    "Latin": (["ISO_IR 100"], "Müller^Jürgen"),
    "Korean": (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
    "Japanese": (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    "Chinese": (["GB18030"], "Wang^XiaoDong=王^小东"),
    "UTF-8": (["ISO_IR 192"], "Chen^XiaoDong=陳^小東=チェン^シャオドン"),
}
NAME = Tag("PatientName")


@pytest.mark.parametrize("script", NAMES)
def test_results_are_found_under_the_patient_s_name_in_every_character_set(
    node: Node, series: Callable[..., PushedSeries], script: str
) -> None:
    character_set, name = NAMES[script]

    def named(_number: int, dataset: Dataset) -> None:
        dataset.SpecificCharacterSet = character_set
        dataset.PatientName, dataset.PatientID = name, f"named-{script}"

    sent = series(slices=4).edited(named)
    assert len(Scanner(node.dicom_port).send(sent.files)) == len(sent.files)
    node.job(sent.series_uid, "done")

    source = dcmread(sent.files[0])
    written = source.get_item(NAME).value
    assert isinstance(written, bytes)
    for kind in results.kinds(results.search(node.dicomweb(), sent.study_uid)):
        result = stored(node, sent, kind)
        assert result.get_item(NAME).value == written, kind
        assert str(result.PatientName) == name, kind
        assert result.SpecificCharacterSet == source.SpecificCharacterSet, kind
    assert studies_of(node, name.partition("^")[0])[sent.study_uid] == name


def test_a_name_whose_character_set_nobody_states_hides_no_result(
    node: Node, series: Callable[..., PushedSeries]
) -> None:
    """As old scanners write it: bytes that are neither ASCII nor UTF-8."""

    def named(_number: int, dataset: Dataset) -> None:
        dataset.pop("SpecificCharacterSet", None)
        dataset[NAME] = RawDataElement(NAME, "PN", 12, b"M\xfcller^J\xfcrg ", 0, False, True)

    sent = series(slices=4).edited(named)
    assert len(Scanner(node.dicom_port).send(sent.files)) == len(sent.files)
    node.job(sent.series_uid, "done")

    found = results.search(node.dicomweb(), sent.study_uid)
    assert results.kinds(found) == ["SC", "SEG", "SR"]
    for kind in results.kinds(found):
        assert stored(node, sent, kind).get_item(NAME).value == b"M\xfcller^J\xfcrg ", kind


def stored(node: Node, sent: PushedSeries, kind: str) -> Dataset:
    """The result as it lies in the archive, byte for byte."""
    [found] = [each for each in results.search(node.dicomweb(), sent.study_uid) if each.kind == kind]
    identifier = node.orthanc_id(found.sop_instance_uid)
    answer = requests.get(f"{node.url}/instances/{identifier}/file", auth=node.credentials, timeout=30)
    return dcmread(DicomBytesIO(answer.content))


def studies_of(node: Node, family: str) -> dict[str, str]:
    """The whole names of the patients of that family, by study, as QIDO-RS tells them."""
    session = create_session_from_user_pass(*node.credentials)
    client = DICOMwebClient(f"{node.url}/inference/dicom-web", session=session)
    answers = client.search_for_studies(search_filters={"PatientName": f"{family}*"})
    return {str(study.StudyInstanceUID): str(study.PatientName) for study in map(Dataset.from_json, answers)}

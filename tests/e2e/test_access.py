"""Closed from the first start: without the administrator's password nothing is served, save storing and C-ECHO."""

import pytest
import requests
from pydicom.dataset import Dataset

from tests.e2e.node import Node
from tests.e2e.senders import SUCCESS, Refused, Scanner

STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
ADDRESSES = (
    *("/", "/system", "/instances", "/studies", "/changes", "/statistics", "/app/explorer.html", "/modalities"),
    *(
        "/dicom-web/studies",
        "/dicom-web/series",
        "/inference/api/jobs",
        "/inference/api/models",
        "/inference/",
        "/nothing",
    ),
)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("credentials", [None, ("admin", "wrong"), ("", "")])
def test_nothing_is_served_without_the_password(node: Node, address: str, credentials: tuple[str, str] | None) -> None:
    answer = requests.get(node.url + address, auth=credentials, timeout=10, allow_redirects=False)

    assert answer.status_code in (401, 403)
    assert len(answer.content) < 1000


@pytest.mark.parametrize("address", ["/instances", "/dicom-web/studies", "/inference/api/run", "/tools/execute-script"])
def test_nothing_is_taken_without_the_password(node: Node, address: str) -> None:
    assert requests.post(node.url + address, data=b"{}", timeout=10).status_code in (401, 403)


def test_the_state_folder_keeps_the_password_to_its_owner(node: Node) -> None:
    assert (node.state_folder / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_any_caller_may_ask_whether_the_node_is_there(node: Node) -> None:
    assert Scanner(node.dicom_port, ae_title="ANYBODY").echo() == SUCCESS


@pytest.mark.parametrize("model", [STUDY_ROOT_FIND, STUDY_ROOT_MOVE])
def test_queries_and_moves_from_callers_not_listed_are_refused(node: Node, model: str) -> None:
    stranger = Scanner(node.dicom_port, ae_title="STRANGER")
    query = Dataset()
    query.QueryRetrieveLevel = "STUDY"
    query.StudyInstanceUID = ""

    try:
        answers = stranger.find(model, query) if model == STUDY_ROOT_FIND else stranger.move(model, query, "STRANGER")
    except Refused:
        return
    assert answers and all(status not in (SUCCESS, 0xFF00, 0xFF01) for status in answers)

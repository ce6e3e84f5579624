import stat
import threading
from pathlib import Path

import pytest

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.people import credentials
from orthanc_plugin.people.credentials import Credentials


def test_they_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    state = tmp_path / "new" / "state"

    made = credentials.read_or_make(state)

    assert credentials.read_or_make(state) == made
    assert made.username == "admin"
    assert len(made.password) >= 24
    assert stat.S_IMODE((state / "credentials.json").stat().st_mode) == 0o600
    assert [path.name for path in state.iterdir()] == ["credentials.json"]


def test_two_nodes_never_share_a_password(tmp_path: Path) -> None:
    assert credentials.read_or_make(tmp_path / "a").password != credentials.read_or_make(tmp_path / "b").password


def test_starts_at_the_same_time_agree(tmp_path: Path) -> None:
    found: list[Credentials] = []
    starts = [threading.Thread(target=lambda: found.append(credentials.read_or_make(tmp_path))) for _ in range(8)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()

    assert len(found) == 8
    assert len({each.password for each in found}) == 1


def test_the_password_is_not_in_what_is_printed() -> None:
    assert "secret" not in repr(Credentials("admin", "secret"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        credentials.read(tmp_path)
    assert caught.value.sentence == (
        f"There is no {tmp_path / 'credentials.json'}; the node makes it at its first start, "
        "or name the right folder in INFERENCE_DATA."
    )


@pytest.mark.parametrize("content", ["", "[]", '{"username": "admin"}', "null"])
def test_a_file_that_says_something_else(tmp_path: Path, content: str) -> None:
    (tmp_path / "credentials.json").write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        credentials.read(tmp_path)
    assert caught.value.sentence == (
        f'{tmp_path / "credentials.json"} must hold {{"username": …, "password": …}}; '
        "correct it, or remove it and a new one is made."
    )


@pytest.mark.parametrize("content", ['{"username": "a:b", "password": "c"}', '{"username": "a", "password": ""}'])
def test_a_name_and_password_that_http_can_not_carry(tmp_path: Path, content: str) -> None:
    (tmp_path / "credentials.json").write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        credentials.read(tmp_path)
    assert caught.value.sentence == (
        f"{tmp_path / 'credentials.json'} needs a username without a colon and a password; neither may be empty."
    )


def test_a_state_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(ConfigurationError) as caught:
        credentials.read_or_make(tmp_path / "state" / "below")
    assert caught.value.sentence == (
        f"The state folder {tmp_path / 'state' / 'below'} can't be written: Not a directory; "
        "correct its permissions or name another one in INFERENCE_DATA."
    )

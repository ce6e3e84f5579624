import io
import json
import tarfile
from pathlib import Path

import pytest

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.add import add
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.folder import folder_digest
from orthanc_plugin.routing.versions import rollback


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "onnx_models"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as opened:
        for member, content in members:
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return path


def test_a_folder_is_put_in_as_it_is(bright: Path, models: Path, state: Path, device: Device) -> None:
    added = add(bright, models, state, device)

    assert added.digest == folder_digest(bright) == folder_digest(models / "bright")
    assert [model.card.name for model in Catalogue(models).models] == ["bright"]
    assert [path.name for path in models.iterdir()] == ["bright"]


@pytest.mark.parametrize("within", ["", "some-name"])
def test_a_tar_is_unpacked_whatever_its_folder_is_called(
    within: str, bright: Path, models: Path, state: Path, tmp_path: Path, device: Device
) -> None:
    with tarfile.open(tmp_path / "bright.tar.gz", "w:gz") as packed:
        for path in bright.iterdir():
            packed.add(path, arcname=f"{within}/{path.name}".lstrip("/"))

    assert add(tmp_path / "bright.tar.gz", models, state, device).digest == folder_digest(bright)


def test_a_new_version_takes_the_place_of_the_old_one_and_can_be_taken_back(
    bright: Path, models: Path, state: Path, device: Device
) -> None:
    before = add(bright, models, state, device).digest
    card = json.loads((bright / "card.json").read_text())
    (bright / "card.json").write_text(json.dumps(card | {"version": "2.0.0"}))

    after = add(bright, models, state, device)

    assert after.card.version == "2.0.0"
    assert [path.name for path in models.iterdir()] == ["bright"]
    rollback("bright", models, state)
    assert folder_digest(models / "bright") == before


def test_a_model_that_is_broken_is_replaced_by_one_that_is_not(
    bright: Path, models: Path, state: Path, device: Device
) -> None:
    (models / "bright").mkdir(parents=True)
    (models / "bright" / "card.json").write_text("{")

    assert add(bright, models, state, device).digest == folder_digest(models / "bright")
    assert not (state / "versions").exists()


def test_what_is_wrong_is_not_put_in_and_the_old_one_stays(
    bright: Path, models: Path, state: Path, device: Device
) -> None:
    before = add(bright, models, state, device).digest
    (bright / "model.onnx").write_bytes(b"no graph")

    with pytest.raises(ConfigurationError, match=r"^bright was not added\. The graph model\.onnx of bright "):
        add(bright, models, state, device)

    assert folder_digest(models / "bright") == before
    assert [path.name for path in models.iterdir()] == ["bright"]


def link(name: str, kind: bytes, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


OUTSIDE = "which leads out of the folder; it was not unpacked."
NO_FILE = "which is neither file nor folder; leave it out."


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        (tarfile.TarInfo("../out"), f"evil.tar holds ../out, {OUTSIDE}"),
        (tarfile.TarInfo("a/../../out"), f"evil.tar holds a/../../out, {OUTSIDE}"),
        (tarfile.TarInfo("/tmp/out"), f"evil.tar holds /tmp/out, {OUTSIDE}"),
        (link("card.json", tarfile.SYMTYPE, "/etc/passwd"), f"evil.tar holds card.json, {NO_FILE}"),
        (link("card.json", tarfile.LNKTYPE, "other"), f"evil.tar holds card.json, {NO_FILE}"),
        (link("pipe", tarfile.FIFOTYPE, ""), f"evil.tar holds pipe, {NO_FILE}"),
    ],
)
def test_a_tar_can_not_write_elsewhere(
    member: tarfile.TarInfo, sentence: str, models: Path, state: Path, tmp_path: Path, device: Device
) -> None:
    path = tar(tmp_path / "evil.tar", (member, b""))

    with pytest.raises(ConfigurationError) as caught:
        add(path, models, state, device)

    assert caught.value.sentence == sentence
    assert list(models.iterdir()) == []
    assert not (tmp_path / "out").exists()


def test_a_folder_with_a_link_is_not_copied(bright: Path, models: Path, state: Path, device: Device) -> None:
    (bright / "notes").symlink_to("/etc/passwd")
    with pytest.raises(ConfigurationError, match=r"^notes is a link; put the file itself into the folder\.$"):
        add(bright, models, state, device)
    assert list(models.iterdir()) == []


def test_what_is_no_model_at_all(models: Path, state: Path, tmp_path: Path, device: Device) -> None:
    with pytest.raises(ConfigurationError, match="is not there; name a model's folder or a tar of it"):
        add(tmp_path / "nothing", models, state, device)
    (tmp_path / "text.tar").write_text("text")
    with pytest.raises(ConfigurationError, match=r"^text\.tar can't be unpacked \(ReadError\); make it anew\.$"):
        add(tmp_path / "text.tar", models, state, device)
    empty = tar(tmp_path / "empty.tar")
    with pytest.raises(ConfigurationError, match=r"has no card\.json"):
        add(empty, models, state, device)

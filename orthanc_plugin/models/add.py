"""A folder or tar of a model in, the model among those of the node out: checked beside them, then put in at once."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.check import check, links
from orthanc_plugin.routing.folder import Model, read, read_card
from orthanc_plugin.routing.overlay import Overlay
from orthanc_plugin.routing.swap import put
from orthanc_plugin.routing.versions import Versions

# More than any model that a hospital runs; a tar that unpacks to more was made to fill the disk.
MOST_BYTES = 32 * 2**30


def add(source: Path, models: Path, state_folder: Path, device: Device) -> Model:
    """Replaces a model of the same name; ConfigurationError says all that is wrong, and then nothing has changed."""
    models.mkdir(parents=True, exist_ok=True)
    # On the same file system, so that it can be renamed; the catalogue does not look into hidden folders.
    with TemporaryDirectory(prefix=".adding-", dir=models) as staging:
        given = taken(source, Path(staging) / "given")
        name = read_card(given).name
        given = given.rename(Path(staging) / name)
        bad = [finding.sentence for finding in check(given, device) if not finding.well]
        if bad:
            raise ConfigurationError(f"{name} was not added. {' '.join(bad)}")
        _keep_present(models / name, state_folder)
        put(given, models / name)
    return read(models / name)


def _keep_present(place: Path, state_folder: Path) -> None:
    """For jobs that wait for it, and for rollback; what is no model that can be read was never served."""
    try:
        read(place)
    except ConfigurationError:
        return
    Versions(state_folder).keep(place, Overlay())


def taken(source: Path, target: Path) -> Path:
    """A copy of the folder or of what the tar holds; in a tar the model may lie in one folder at the top."""
    if source.is_dir():
        for sentence in links(source):
            raise ConfigurationError(sentence)
        shutil.copytree(source, target)
        return target
    if not source.is_file():
        raise ConfigurationError(f"{source} is not there; name a model's folder or a tar of it.")
    unpack(source, target)
    tops = list(target.iterdir())
    return tops[0] if len(tops) == 1 and tops[0].is_dir() else target


def unpack(archive: Path, target: Path) -> None:
    """Plain files and folders below the target alone; Python's own filters are newer than Debian 12's Python."""
    try:
        with tarfile.open(archive) as opened:
            members = opened.getmembers()
            if sum(member.size for member in members) > MOST_BYTES:
                raise ConfigurationError(f"{archive.name} unpacks to more than {MOST_BYTES >> 30} GiB; no model does.")
            target.mkdir()
            for member in members:
                _unpack_member(opened, member, archive.name, target)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ConfigurationError(f"{archive.name} can't be unpacked ({type(error).__name__}); make it anew.") from error


def _unpack_member(opened: tarfile.TarFile, member: tarfile.TarInfo, archive: str, target: Path) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise ConfigurationError(f"{archive} holds {member.name}, which leads out of the folder; it was not unpacked.")
    if member.isdir():
        (target / path).mkdir(parents=True, exist_ok=True)
        return
    content = opened.extractfile(member) if member.isreg() else None
    if content is None:
        raise ConfigurationError(f"{archive} holds {member.name}, which is neither file nor folder; leave it out.")
    (target / path).parent.mkdir(parents=True, exist_ok=True)
    with content, (target / path).open("xb") as file:
        shutil.copyfileobj(content, file)

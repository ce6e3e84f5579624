"""A model's folder and DICOM files in, its results as files beside them out; no server, no ledger."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pydicom
from PIL import Image
from pydicom.dataset import Dataset

from orthanc_plugin.archive.content import file_of
from orthanc_plugin.archive.folder import FolderArchive
from orthanc_plugin.archive.protocol import Receipt, StoredSeries
from orthanc_plugin.deliver.profile import USUAL, profile
from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.imaging.header import DAMAGED, text
from orthanc_plugin.inference.device import Device
from orthanc_plugin.jobs.job import InputSet, Job, Order, Parameter, PlannedResult, Record, Role, State
from orthanc_plugin.jobs.lease import Lease
from orthanc_plugin.pipeline import Rooms, carry_out
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.folder import Model, read_card
from orthanc_plugin.routing.role import Role as InputRole
from orthanc_plugin.routing.roles import alone_in


class Unbound(Lease):
    """The lease of a job that is in no ledger: nobody can take it away."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def check(self) -> None:
        return

    @contextmanager
    def step(self, verb: str) -> Iterator[None]:
        yield

    def predecessors(self, holds: Callable[[str], bool]) -> tuple[PlannedResult, ...]:
        return ()

    def plan(self, results: Sequence[PlannedResult], record: Record | None = None) -> None:
        return

    def await_release(self, look: Callable[[], None]) -> None:
        return

    def receive(self, receipt: Receipt) -> None:
        return

    def superseded(self, *, removed: bool) -> list[str]:
        return []

    def succeed(self, *, removed: bool) -> None:
        return


class Bench:
    """An archive that reads the given files and writes results into a folder, replacing those of an earlier trial."""

    def __init__(self, sources: FolderArchive, out: Path) -> None:
        self._sources = sources
        self._out = out
        self.written: dict[str, Path] = {}

    def series(self, series_uid: str) -> StoredSeries:
        return self._sources.series(series_uid)

    def read(self, series_uid: str, only: Collection[str] = ()) -> Iterator[bytes]:
        return self._sources.read(series_uid, only)

    def store(self, kind: str, dataset: Dataset) -> Receipt:
        self._out.mkdir(parents=True, exist_ok=True)
        path = self._named(kind)
        path.write_bytes(file_of(kind, dataset))
        self.written[str(dataset.SOPInstanceUID)] = path
        if kind == "SC":
            preview = self._out / "preview.png"
            Image.fromarray(dataset.pixel_array).save(preview)
            self.written[preview.name] = preview
        return Receipt(kind, str(dataset.SOPInstanceUID), str(dataset.SeriesInstanceUID))

    def _named(self, kind: str) -> Path:
        """The first of a kind by its name alone; of single images each has results of its own."""
        taken = self.written.values()
        names = (f"{kind}.dcm" if number == 1 else f"{kind}-{number}.dcm" for number in count(1))
        return next(path for path in map(self._out.joinpath, names) if path not in taken)

    def file(self, sop_instance_uid: str) -> bytes | None:
        path = self.written.get(sop_instance_uid)
        return None if path is None else path.read_bytes()

    def withdraw(self, sop_instance_uid: str) -> None:
        path = self.written.pop(sop_instance_uid, None)
        if path is not None:
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Trial:
    """The input of one run: the files of each role's series."""

    roles: tuple[tuple[str, str, tuple[Path, ...]], ...]


def attempt(
    folder: Path, files: Sequence[str], out: Path, device: Device, parameters: dict[str, Parameter] | None = None
) -> tuple[Path, ...]:
    """The files written; with several series each has a folder of its own under `out`, in the order of their UIDs."""
    card = read_card(folder)
    trials = trials_of(card.inputs, files)
    written: list[Path] = []
    with TemporaryDirectory(prefix="trial-") as scratch:
        # Under its card's name, wherever the folder comes from.
        shutil.copytree(folder, Path(scratch) / "models" / card.name)
        catalogue = Catalogue(Path(scratch) / "models")
        for problem in catalogue.problems:
            raise ConfigurationError(problem)
        model = catalogue.model(card.name)
        for number, trial in enumerate(trials, start=1):
            bench = Bench(sources(trial, Path(scratch) / str(number)), out / str(number) if len(trials) > 1 else out)
            rooms = Rooms(bench, catalogue, device, profile(USUAL, {}))
            carry_out(Unbound(job(model, trial, bench, parameters or {})), rooms)
            written += bench.written.values()
    return tuple(written)


def trials_of(roles: Mapping[str, InputRole], files: Sequence[str]) -> tuple[Trial, ...]:
    """One for each series, or with several roles one for all: then each path is given as ROLE=PATH.

    A role that takes every series stands once for each. What a series may be compared with can be left out.
    """
    only = next(iter(roles)) if len(roles) == 1 else alone_in(roles)
    named = len(roles) > 1 and any(file.partition("=")[0] in roles for file in files)
    if only is not None and not named:
        found = series_in([Path(file) for file in files])
        if roles[only].every:
            return (Trial(tuple((only, uid, paths) for uid, paths in sorted(found.items()))),)
        return tuple(Trial(((only, uid, paths),)) for uid, paths in sorted(found.items()))
    given: dict[str, list[Path]] = {role: [] for role in roles}
    for file in files:
        role, _, path = file.partition("=")
        if role not in given:
            raise ConfigurationError(f"The model takes {', '.join(roles)}; give each path as {next(iter(roles))}=PATH.")
        given[role].append(Path(path))
    filled = []
    for role, paths in given.items():
        if not paths and not roles[role].required:
            continue
        found = series_in(paths) if paths else {}
        if len(found) != 1 and not (found and roles[role].every):
            raise ConfigurationError(f"The role {role} has {len(found)} series; give the files of exactly one.")
        filled += [(role, uid, of_series) for uid, of_series in found.items()]
    return (Trial(tuple(filled)),)


def series_in(paths: Sequence[Path]) -> dict[str, tuple[Path, ...]]:
    """The DICOM files among the given files and folders, by series."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        if not path.exists():
            raise ConfigurationError(f"{path} is not there; name DICOM files or folders of them.")
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            uid = series_uid(file) if file.is_file() else ""
            if uid:
                found.setdefault(uid, []).append(file.resolve())
    if not found:
        raise ConfigurationError("None of the files is DICOM; name DICOM files or folders of them.")
    return {uid: tuple(files) for uid, files in found.items()}


def series_uid(file: Path) -> str:
    try:
        return text(pydicom.dcmread(file, specific_tags=["SeriesInstanceUID"]), "SeriesInstanceUID")
    except DAMAGED:
        return ""


def sources(trial: Trial, folder: Path) -> FolderArchive:
    """The trial's files alone, whatever else lies beside them."""
    folder.mkdir()
    files = [path for _, _, paths in trial.roles for path in paths]
    for number, path in enumerate(files):
        (folder / f"{number}.dcm").symlink_to(path)
    return FolderArchive(folder)


def job(model: Model, trial: Trial, bench: Bench, parameters: dict[str, Parameter]) -> Job:
    stored = [(role, bench.series(uid)) for role, uid, _ in trial.roles]
    roles = tuple(Role(role, each.series_uid, each.sop_instance_uids, each.fingerprint) for role, each in stored)
    order = Order(
        InputSet(stored[0][1].study_uid, roles),
        model.card.name,
        model.card.version,
        model.digest,
        tuple(sorted(parameters.items())),
    )
    now = datetime.now(UTC)
    return Job("trial", order, State.RUNNING, 1, 0, "", now, now, None, (), (), ())

"""Where training data comes from: phantoms, or a tree of DICOM series as ADNI's, go in; `Scan`s come out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import PositronEmissionTomographyImageStorage

from export.checkpoints import SettingsError
from export.heads.reference import BRAIN, reference_of, registered
from export.heads.tree import diagnoses, read_tree, read_upright, window_of_cubes
from export.heads.window import Floats, place_of, window_of
from export.mci_conversion_pet.grey import shown
from export.mci_conversion_pet.settings import Settings
from export.phantoms.entry import PhantomPatient
from export.phantoms.metabolism import GROUPS, Group
from export.phantoms.metabolism.case import draw_case

_GROUPS: Mapping[str, Group] = {"CN": "normal", "sMCI": "stable", "pMCI": "converting", "AD": "alzheimer"}


@dataclass(frozen=True)
class Scan:
    """The window that the network is given [slices, rows, columns], from 0 to 1; where the head lies in it (3, 4)."""

    window: Floats
    place: Floats
    group: Group


class Entry(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def patient(self) -> str: ...
    def load(self, settings: Settings) -> Scan: ...


@dataclass(frozen=True)
class PhantomEntry(PhantomPatient):
    drawing = (
        *(f"metabolism.{name}" for name in ("atrophy", "case", "lowering", "scan", "uptake")),
        *(f"ageing.{name}" for name in ("ageing", "canvas", "head", "medial")),
        *("brain.anatomy", "brain.scan"),
    )

    def load(self, settings: Settings) -> Scan:
        """The scanner's series brought to cubes as the node brings it: cubes that are drawn look a little otherwise."""
        case = draw_case(self.seed, shifted=self.shifted)
        values, step_mm = shown(case.series().values), case.scanner.grid.step_mm
        return Scan(
            window=window_of(values, settings.window, step_mm, settings.step_mm),
            place=place_of(case.to_usual, case.scanner.cubes(settings.step_mm).shape, settings),
            group=case.group,
        )


@dataclass(frozen=True)
class DicomEntry:
    """A PET series, and one series of a healthy person that heads are laid upon."""

    name: str
    patient: str
    files: tuple[Path, ...]
    group: Group
    reference: tuple[Path, ...]

    def load(self, settings: Settings) -> Scan:
        window, reference = _read(self.files, settings), _read(self.reference, settings)
        place = reference_of(reference, settings, BRAIN)
        if self.files != self.reference:
            place = registered(window, reference, place, settings, BRAIN)
        return Scan(window, place, self.group)


def _read(files: Sequence[Path], settings: Settings) -> Floats:
    upright = read_upright(files)
    return window_of_cubes(shown(np.asarray(upright.array, np.float32)), upright, settings)


def list_entries(data: str, patients: int) -> list[Entry]:
    """`data` is `phantoms`, or `dicom:FOLDER` with series in any tree below it and a table of diagnoses."""
    kind, _, where = data.partition(":")
    if kind == "phantoms" and not where:
        return [PhantomEntry(seed) for seed in range(patients)]
    if kind != "dicom" or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms or dicom:FOLDER.")
    folder = Path(where)
    found = list(_dicom(folder, diagnoses(folder, _GROUPS)))
    if {entry.group for entry in found} != set(GROUPS):
        raise SettingsError(
            f"The series in {folder} are not of all groups, {', '.join(_GROUPS)}, of the table of diagnoses."
        )
    return list(found)


def _dicom(folder: Path, groups: Mapping[str, Group]) -> Iterator[DicomEntry]:
    """All series of a single time of subjects of these groups; the first healthy one by its name is what all are laid
    upon.
    """
    tree = read_tree(folder, PositronEmissionTomographyImageStorage, groups, _of_one_time)
    reference = tree.first_of([subject for subject, group in groups.items() if group == "normal"])
    for uid, files in tree.series.items() if reference else ():
        subject = tree.subjects[uid]
        yield DicomEntry(uid, subject, files, groups[subject], reference)


def _of_one_time(header: Dataset) -> bool:
    return "DYNAMIC" not in header.get("SeriesType", ()) and "GATED" not in header.get("SeriesType", ())

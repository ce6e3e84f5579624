"""Where training data comes from: phantoms, or a tree of DICOM series as ADNI's, go in; `Scan`s come out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import highdicom
import numpy as np
from pydicom.uid import MRImageStorage

from export.alzheimer_mr import SIDES
from export.alzheimer_mr.grey import shown
from export.alzheimer_mr.settings import Settings
from export.checkpoints import SettingsError
from export.heads.reference import reference_of, registered
from export.heads.tree import diagnoses, read_tree, read_upright, window_of_cubes
from export.heads.window import Floats, place_of, window_of
from export.phantoms.ageing.case import draw_case
from export.phantoms.entry import PhantomPatient

_GROUPS = {"AD": True, "CN": False}


@dataclass(frozen=True)
class Scan:
    """The window that the network is given [slices, rows, columns], from 0 to 1; where the head lies in it (3, 4); the
    hippocampi's shares of its cubes [2, …], None where nobody outlined them.
    """

    window: Floats
    place: Floats
    hippocampi: Floats | None
    ill: bool


class Entry(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def patient(self) -> str: ...
    def load(self, settings: Settings) -> Scan: ...


@dataclass(frozen=True)
class PhantomEntry(PhantomPatient):
    drawing = (
        *(f"ageing.{name}" for name in ("ageing", "canvas", "case", "head", "medial", "scan")),
        *("brain.anatomy", "brain.scan"),
    )

    def load(self, settings: Settings) -> Scan:
        """The scanner's series brought to cubes as the node brings it: cubes that are drawn look a little otherwise."""
        case = draw_case(self.seed, shifted=self.shifted)
        seen, step_mm = case.series(), case.scanner.grid.step_mm
        cut = partial(window_of, shape=settings.window, spacing_mm=step_mm, step_mm=settings.step_mm)
        return Scan(
            window=cut(shown(seen.values)),
            place=place_of(case.to_usual, case.scanner.cubes(settings.step_mm).shape, settings),
            hippocampi=np.stack([cut(side) for side in seen.hippocampi]),
            ill=case.ill,
        )


@dataclass(frozen=True)
class DicomEntry:
    """A T1 series, the segmentation of its hippocampi or None, and one series of a healthy person that heads are laid
    upon.
    """

    name: str
    patient: str
    files: tuple[Path, ...]
    segmentation: Path | None
    ill: bool
    reference: tuple[Path, ...]

    def load(self, settings: Settings) -> Scan:
        window, hippocampi = _read(self.files, self.segmentation, settings)
        reference, _ = _read(self.reference, None, settings)
        place = reference_of(reference, settings)
        if self.files != self.reference:
            place = registered(window, reference, place, settings)
        return Scan(window, place, hippocampi, self.ill)


def _read(files: Sequence[Path], segmentation: Path | None, settings: Settings) -> tuple[Floats, Floats | None]:
    """In cubes from the feet up, to the back, to the left, as the node brings a series to them."""
    upright = read_upright(files)
    values = window_of_cubes(shown(np.asarray(upright.array, np.float32)), upright, settings)
    if segmentation is None:
        return values, None
    outlined = highdicom.seg.segread(segmentation)
    sides = []
    for side in SIDES:
        mask = np.zeros(upright.spatial_shape, np.float32)
        for number in outlined.segment_numbers:
            label = outlined.get_segment_description(number).segment_label.lower()
            if "hippocamp" in label and side in label:
                segment = outlined.get_volume(segment_numbers=[number], combine_segments=True, relabel=True)
                mask[segment.match_geometry(upright).array > 0] = 1
        sides.append(window_of_cubes(mask, upright, settings))
    return values, np.stack(sides)


def list_entries(data: str, patients: int) -> list[Entry]:
    """`data` is `phantoms`, or `dicom:FOLDER` with series in any tree below it and a table of diagnoses."""
    kind, _, where = data.partition(":")
    if kind == "phantoms" and not where:
        return [PhantomEntry(seed) for seed in range(patients)]
    if kind != "dicom" or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms or dicom:FOLDER.")
    folder = Path(where)
    found = list(_dicom(folder, diagnoses(folder, _GROUPS)))
    if {entry.ill for entry in found} != {True, False}:
        raise SettingsError(
            f"The series in {folder} are not of both groups, {' and '.join(_GROUPS)}, of the table of diagnoses."
        )
    return list(found)


def _dicom(folder: Path, ill: Mapping[str, bool]) -> Iterator[DicomEntry]:
    """All MR series of subjects with a diagnosis; the first healthy one by its name is what all are laid upon."""
    tree = read_tree(folder, MRImageStorage, ill)
    reference = tree.first_of([subject for subject, has in ill.items() if not has])
    for uid, files in tree.series.items() if reference else ():
        subject = tree.subjects[uid]
        yield DicomEntry(uid, subject, files, tree.segmentations.get(uid), ill[subject], reference)

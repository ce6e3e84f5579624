"""One series through a model folder as the node runs it: a phantom in, what was found beside the truth out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from export.coronary_calcium_ct.export import FOLDER
from export.evaluation.trials import answered, read_volume
from export.phantoms.abdomen import Phantom
from export.phantoms.dicom import write_series
from export.phantoms.heart import ARTERIES, BESIDE
from export.phantoms.heart.case import Case, draw_case, phantom_of
from export.phantoms.heart.paint import OWNERS
from orthanc_plugin import suited
from orthanc_plugin.measure.calcium import NOTHING, Score, score
from orthanc_plugin.routing.folder import read
from orthanc_plugin.routing.outputs import CalciumScore

LEAST_HU = 130
CLASSES = 1 + len(ARTERIES)


@dataclass(frozen=True)
class Trial:
    """One patient. Scores are in the order of the arteries; `confusion` is (truth, found) over bright calcium.

    Its rows are nothing, the arteries, then what lies beside them (`BESIDE`); its columns nothing and the arteries.
    `plaque_hu` and `beside_hu` are the mean HU of the voxels of either kind, where there are any.
    """

    seed: int
    shifted: bool
    gated: bool
    truth: tuple[Score, ...]
    found: tuple[Score, ...]
    confusion: NDArray[np.int64]
    cautions: tuple[str, ...]
    plaque_hu: float
    beside_hu: float

    @property
    def strange(self) -> bool:
        return any("unlike" in each for each in self.cautions)

    @property
    def total(self) -> tuple[Score, Score]:
        """The truth and what was found, of all arteries."""
        return sum(self.truth, NOTHING), sum(self.found, NOTHING)


def try_patient(seed: int, shifted: bool, folder: Path = FOLDER, gated: bool | None = None) -> Trial:
    return try_case(draw_case(seed, shifted=shifted, gated=gated), folder)


def try_case(case: Case, folder: Path = FOLDER) -> Trial:
    slices = case.slices()
    made = phantom_of(case, slices)
    found = ask(made, folder)
    owner = np.stack([each.owner for each in slices])
    bright = made.voxels_zyx >= LEAST_HU
    spacing = (made.geometry.slice_spacing_mm, made.geometry.row_spacing_mm, made.geometry.column_spacing_mm)
    voxels = made.voxels_zyx.astype(np.float32)
    masks = [made.labels_zyx == number for number in range(1, CLASSES)]
    said = np.zeros(owner.shape, np.int64)
    for number, mask in enumerate(found.masks, start=1):
        said[mask] = number
    rows = np.where(bright, owner, 0).astype(np.int64)[bright]
    confusion = np.zeros((1 + len(OWNERS), CLASSES), np.int64)
    np.add.at(confusion, (rows, said[bright]), 1)
    mine, other = (owner > 0) & (owner < CLASSES) & bright, (owner >= CLASSES) & bright
    return Trial(
        seed=case.seed,
        shifted=case.shifted,
        gated=case.gated,
        truth=tuple(score(voxels, mask, spacing, found.mg_per_hu) for mask in masks),
        found=tuple(score(voxels, mask, spacing, found.mg_per_hu) for mask in found.masks),
        confusion=confusion,
        cautions=found.cautions,
        plaque_hu=float(voxels[mine].mean()) if mine.any() else np.nan,
        beside_hu=float(voxels[other].mean()) if other.any() else np.nan,
    )


@dataclass(frozen=True, eq=False)
class Answer:
    masks: Sequence[NDArray[np.bool_]]
    cautions: tuple[str, ...]
    mg_per_hu: float


def ask(made: Phantom, folder: Path = FOLDER) -> Answer:
    """Written as DICOM, read and inferred by the node's own code."""
    model = read(folder)
    [measure] = [each for each in model.card.outputs.measurements if isinstance(each, CalciumScore)]
    with TemporaryDirectory() as scratch:
        seen = read_volume(write_series(made, Path(scratch), region="Heart"))
    raw = answered(model, {"series": seen})
    assert raw.drawn.masks_szyx is not None
    cautions = (*suited.by_header(model.card, seen), *suited.by_answers(model.card, raw.said))
    return Answer(list(raw.drawn.masks_szyx), cautions, measure.mg_per_cm3_per_hu)


def taken_for_coronary(trials: Sequence[Trial]) -> dict[str, float]:
    """Of the bright voxels of each kind of calcium beside the arteries the share that is called an artery's."""
    total = np.sum([trial.confusion for trial in trials], axis=0)
    rows = total[CLASSES:]
    return {
        kind: float(row[1:].sum() / row.sum()) if row.sum() else float("nan")
        for kind, row in zip(BESIDE, rows, strict=True)
    }

"""One series through a model folder as the node runs it: a phantom in, what was found beside the truth out."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from export.evaluation.trials import answered, read_volume
from export.phantoms.abdomen import Phantom
from export.phantoms.dicom import write_series
from export.phantoms.stroke import SIDES
from export.phantoms.stroke.case import Case, draw_case, phantom
from export.stroke_cta.export import FOLDER
from orthanc_plugin import suited
from orthanc_plugin.routing.folder import read

BINS = 100
ROWS = 192
_HEAD_HU, _BRAIN_HU = -300, (0, 90)
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Trial:
    """One patient. `histogram` is (is not / is infarct, bin of the probability) over voxels as bright as brain.

    `overlap_ml` is what the truth and the model have in common; sides are None without an infarct.
    """

    seed: int
    shifted: bool
    territory: str | None
    side: str | None
    found_side: str | None
    truth_ml: float
    found_ml: float
    overlap_ml: float
    histogram: NDArray[np.int64]
    brain_hu: float
    cautions: tuple[str, ...]

    @property
    def strange(self) -> bool:
        return any("unlike" in each for each in self.cautions)

    @property
    def dice(self) -> float:
        """1 where there is nothing and nothing was found."""
        both = self.truth_ml + self.found_ml
        return 2 * self.overlap_ml / both if both else 1.0


def try_patient(seed: int, shifted: bool, folder: Path = FOLDER, ill: bool | None = None) -> Trial:
    return try_case(draw_case(seed, shifted=shifted, ill=ill), folder)


def try_case(case: Case, folder: Path = FOLDER) -> Trial:
    made, seen = phantom(case, rows=ROWS)
    answer = ask(made, folder)
    place = made.geometry
    voxel_ml = place.slice_spacing_mm * place.row_spacing_mm * place.column_spacing_mm / 1000
    truth, found = seen.infarct_zyx, answer.mask
    brain = (made.voxels_zyx > _BRAIN_HU[0]) & (made.voxels_zyx < _BRAIN_HU[1])
    bins = np.minimum((answer.probability[brain] * BINS).astype(int), BINS - 1)
    histogram = np.zeros((2, BINS), np.int64)
    np.add.at(histogram, (truth[brain].astype(int), bins), 1)
    return Trial(
        seed=case.seed,
        shifted=case.shifted,
        territory=case.territory,
        side=case.side,
        found_side=side_of(found, made.voxels_zyx),
        truth_ml=float(truth.sum() * voxel_ml),
        found_ml=float(found.sum() * voxel_ml),
        overlap_ml=float((truth & found).sum() * voxel_ml),
        histogram=histogram,
        brain_hu=float(made.voxels_zyx[brain].mean()),
        cautions=answer.cautions,
    )


def side_of(mask: Mask, hu_zyx: NDArray[np.int16]) -> str | None:
    """The patient's side that holds more of a mask; slice by slice the head's middle is that of its outline."""
    if not mask.any():
        return None
    left = 0
    columns = np.arange(mask.shape[2])
    for slice_mask, hu in zip(mask, hu_zyx, strict=True):
        if slice_mask.any():
            head = np.flatnonzero((hu > _HEAD_HU).any(axis=0))
            middle = (head[0] + head[-1]) / 2
            left += int(np.sign(columns - middle) @ slice_mask.sum(axis=0))
    return SIDES[0 if left > 0 else 1]


@dataclass(frozen=True, eq=False)
class Answer:
    """`probability` is 0 where the node writes none, far from the mask."""

    mask: Mask
    probability: NDArray[np.float32]
    cautions: tuple[str, ...]


def ask(made: Phantom, folder: Path = FOLDER) -> Answer:
    """Written as DICOM, read and inferred by the node's own code."""
    model = read(folder)
    with TemporaryDirectory() as scratch:
        seen = read_volume(write_series(made, Path(scratch), region="CTA head", body_part="HEAD"))
    raw = answered(model, {"series": seen}, soft=True)
    assert raw.drawn.masks_szyx is not None and raw.drawn.probabilities_szyx is not None
    cautions = (*suited.by_header(model.card, seen), *suited.by_answers(model.card, raw.said))
    return Answer(raw.drawn.masks_szyx[0], raw.drawn.probabilities_szyx[0], cautions)

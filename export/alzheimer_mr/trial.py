"""One patient through a model folder as the node runs it: a phantom in, what was said of it beside the truth out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from export.alzheimer_mr.export import FOLDER
from export.alzheimer_mr.grey import shown
from export.evaluation.trials import answered, read_volume
from export.heads.trying import Masks, peak_inside, upright
from export.heads.window import Floats
from export.phantoms.ageing.case import Case, Seen, draw_case
from export.phantoms.ageing.dicom import write_values
from orthanc_plugin import suited
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.routing.folder import read

NEAR_MM = 4.0
"""So far beside what the disease acts on a peak may lie and still be in it."""


@dataclass(frozen=True, eq=False)
class Trial:
    """Volumes of the left hippocampus and the right one in ml, and what truth and model have in common.

    `peak_inside` says whether the heat map's peak lies where the disease acts. What is simple to measure is kept, too:
    mean greys of the brain and of the medial temporal lobes as the network is shown them, and in the scanner's own
    numbers.
    """

    seed: int
    shifted: bool
    ill: bool
    age_years: float
    probability: float
    truth_ml: tuple[float, float]
    found_ml: tuple[float, float]
    overlap_ml: tuple[float, float]
    peak_inside: bool
    brain_grey: tuple[float, float]
    medial_grey: tuple[float, float]
    anomaly: float
    cautions: tuple[str, ...]

    @property
    def strange(self) -> bool:
        return any("unlike" in each for each in self.cautions)

    @property
    def anomalous(self) -> bool:
        return any("holds something" in each for each in self.cautions)

    @property
    def dice(self) -> tuple[float, float]:
        left, right = (
            2 * both / (mine + theirs)
            for both, mine, theirs in zip(self.overlap_ml, self.truth_ml, self.found_ml, strict=True)
        )
        return left, right


def try_patient(seed: int, shifted: bool, folder: Path = FOLDER) -> Trial:
    return try_case(draw_case(seed, shifted=shifted), folder)


def try_case(case: Case, folder: Path = FOLDER) -> Trial:
    seen = case.series()
    answer = ask(case, seen.values, folder)
    step_mm = case.scanner.grid.step_mm
    voxel_ml = float(np.prod(step_mm)) / 1000
    truth = seen.hippocampi > 0.5
    brain_grey, medial_grey = _greys(case, seen)
    return Trial(
        seed=case.seed,
        shifted=case.shifted,
        ill=case.ill,
        age_years=case.head.ageing.age_years,
        probability=answer.probability,
        truth_ml=_sides(seen.hippocampi.sum(axis=(1, 2, 3)) * voxel_ml),
        found_ml=_sides(answer.masks.sum(axis=(1, 2, 3)) * voxel_ml),
        overlap_ml=_sides((truth & answer.masks).sum(axis=(1, 2, 3)) * voxel_ml),
        peak_inside=peak_inside(answer.heat, seen.acted_on, step_mm, NEAR_MM),
        brain_grey=brain_grey,
        medial_grey=medial_grey,
        anomaly=answer.anomaly,
        cautions=answer.cautions,
    )


def _sides(both: Sequence[float] | Floats) -> tuple[float, float]:
    return float(both[0]), float(both[1])


def _greys(case: Case, seen: Seen) -> list[tuple[float, float]]:
    """As shown, and as stored: of the brain, and of boxes around both medial temporal lobes."""
    grid = case.scanner.grid
    canvas = case.head.canvas(grid.places(), 1.0)
    brain = (canvas.ball((0, 0, 0), (64, 82, 60)) > 0) & (canvas.z > -20)
    medial = canvas.box((27, 4, -20), (14, 26, 16)) | canvas.box((-27, 4, -20), (14, 26, 16))
    scaled, stored = shown(seen.values).ravel(), seen.values.ravel()
    return [(float(scaled[inside].mean()), float(stored[inside].mean())) for inside in (brain, medial)]


@dataclass(frozen=True, eq=False)
class Answer:
    """`masks` [2, …] and `heat` on the grid of the phantom: axes go up, to the back, to the left."""

    probability: float
    masks: Masks
    heat: Floats
    anomaly: float
    cautions: tuple[str, ...]


def ask(case: Case, values: Floats, folder: Path = FOLDER) -> Answer:
    """Written as DICOM, read and inferred by the node's own code."""
    with TemporaryDirectory() as scratch:
        return ask_of(read_volume(write_values(case, values, Path(scratch))), folder)


def ask_of(seen: Volume, folder: Path = FOLDER) -> Answer:
    model = read(folder)
    raw = answered(model, {"series": seen})
    assert raw.classification is not None and raw.drawn.masks_szyx is not None
    [heat] = raw.drawn.maps.values()
    cautions = (*suited.by_header(model.card, seen), *suited.by_answers(model.card, raw.said))
    masks = np.stack([upright(seen, mask.astype(np.float32)) > 0.5 for mask in raw.drawn.masks_szyx])
    return Answer(
        probability=raw.classification.probabilities[0],
        masks=masks,
        heat=upright(seen, heat),
        anomaly=float(raw.said["head"].answers["anomaly"].ravel()[0]),
        cautions=cautions,
    )

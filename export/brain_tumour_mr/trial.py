"""One patient through a model folder as the node runs it: a phantom in, what was found beside the truth out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from export.brain_tumour_mr import REGIONS, SERIES
from export.brain_tumour_mr.data import regions_of
from export.brain_tumour_mr.export import FOLDER
from export.brain_tumour_mr.sources import scaled
from export.evaluation.trials import answered
from export.phantoms.brain.case import Case, draw_case
from export.phantoms.brain.dicom import write_case
from export.phantoms.brain.scan import labels, seen
from orthanc_plugin import suited
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import Series, assemble
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.inputs import Inputs, inputs_of, missing
from orthanc_plugin.measure.planar import Plane
from orthanc_plugin.routing.entry import CodedConcept
from orthanc_plugin.routing.folder import Model, read
from orthanc_plugin.routing.outputs import MapOutput

WITHOUT: Mapping[str, str | None] = {"all series": None, "without T2": "t2", "without T1": "t1"}
"""The runs of each patient, and which series is missing in them."""
BINS = 100
_GREY_MM = 2.0
_PROBABILITY = CodedConcept(value="122157", scheme="DCM", meaning="Probability")
_NO_UNIT = CodedConcept(value="1", scheme="UCUM", meaning="no units")
Masks = NDArray[np.bool_]
Floats = NDArray[np.float32]
Table = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Found:
    """What one run found, region by region.

    `confusion` is (region, truth, found) and `histogram` (region, truth, probability), both in cm3; `longest_mm` is
    (region, truth and found), measured on the slice where the region is largest, 0 where there is none.
    """

    confusion: Table
    histogram: Table
    longest_mm: Table
    cautions: tuple[str, ...]

    @property
    def cm3(self) -> Table:
        """(region, truth and found)."""
        return np.stack([self.confusion[:, 1].sum(axis=1), self.confusion[:, :, 1].sum(axis=1)], axis=1)

    @property
    def strange(self) -> bool:
        return any("unlike" in each for each in self.cautions)


@dataclass(frozen=True, eq=False)
class Trial:
    """`found` is by `WITHOUT`, empty where the node refused with the sentence `refused`.

    `grey` (region, series, truth, brightness) counts cubes of the head: what a threshold on one series could tell.
    """

    seed: int
    shifted: bool
    ill: bool
    moved: bool
    found: Mapping[str, Found]
    refused: str
    grey: NDArray[np.int64]


def try_patient(seed: int, shifted: bool, folder: Path = FOLDER) -> Trial:
    return try_case(draw_case(seed, shifted=shifted), folder)


def try_case(case: Case, folder: Path = FOLDER) -> Trial:
    model, series = read(folder), read_case(case)
    truth, found, refused = truth_of(case), {}, ""
    try:
        for run, gone in WITHOUT.items():
            inputs = inputs_of(model.card, {role: each for role, each in series.items() if role != gone})
            found[run] = compared(truth, ask(inputs.by_role, model), inputs, model)
    except Unsuitable as refusal:
        found, refused = {}, refusal.sentence
    return Trial(case.seed, case.shifted, case.ill, case.moved, found, refused, grey_of(case))


def read_case(case: Case) -> dict[str, Series]:
    """Written as DICOM and read by the node's own code, in the order of the card's roles."""
    with TemporaryDirectory() as scratch:
        written = write_case(case, Path(scratch))
        return {role: assemble([decode(file.read_bytes()) for file in written[role]]) for role in SERIES}


def truth_of(case: Case) -> Masks:
    """The regions on the grid of the series that results lie on."""
    return masks_of(labels(seen(case.head, case.grids[SERIES[0]])))


def masks_of(parts: NDArray[np.uint8]) -> Masks:
    """(region, …) of the tumour's parts."""
    return np.asarray(regions_of(torch.from_numpy(parts)).numpy() > 0)


@dataclass(frozen=True, eq=False)
class Answer:
    """Masks and probabilities (region, slice, row, column), and what the card's checks say of the answers."""

    masks: Masks
    probabilities: Floats
    cautions: tuple[str, ...]


def ask(volumes: Mapping[str, Imaged], model: Model) -> Answer:
    raw = answered(_with_probabilities(model), volumes)
    assert raw.drawn.masks_szyx is not None
    probabilities = np.stack([raw.drawn.maps[segment.label] for segment in model.card.segments])
    return Answer(raw.drawn.masks_szyx, probabilities, suited.by_answers(model.card, raw.said))


def _with_probabilities(model: Model) -> Model:
    """The same, but its card wants a map of how probable each segment is, too."""
    maps = tuple(
        MapOutput(label=segment.label, segment=segment.label, quantity=_PROBABILITY, unit=_NO_UNIT)
        for segment in model.card.segments
    )
    outputs = model.card.outputs.model_copy(update={"maps": maps})
    return replace(model, card=model.card.model_copy(update={"outputs": outputs}))


def compared(truth: Masks, answer: Answer, inputs: Inputs, model: Model) -> Found:
    main = inputs.main
    assert isinstance(main, Volume)
    strange = (*suited.by_header(model.card, main), *answer.cautions)
    voxel_cm3 = np.float64(np.prod(main.spacing_zyx_mm)) / 1000
    pairs = list(zip(truth, answer.masks, answer.probabilities, strict=True))
    return Found(
        confusion=voxel_cm3 * np.stack([counted(mine, found, 2) for mine, found, _ in pairs]),
        histogram=voxel_cm3 * np.stack([counted(mine, binned(stated), BINS) for mine, _, stated in pairs]),
        longest_mm=np.array([[longest_mm(mask, main.spacing_zyx_mm) for mask in (mine, found)]
                             for mine, found, _ in pairs]),
        cautions=tuple(filter(None, (*main.cautions, *strange, *missing(model.card, inputs), *inputs.said))),
    )  # fmt: skip


def counted(truth: Masks, values: NDArray[np.integer] | Masks, most: int) -> NDArray[np.int64]:
    """(truth, value) of voxels, for values below `most`."""
    both = truth.ravel() * np.int64(most) + values.ravel()
    return np.bincount(both, minlength=2 * most).reshape(2, most)


def binned(shares: Floats) -> NDArray[np.int64]:
    return np.clip((shares * BINS).astype(np.int64), 0, BINS - 1)


def longest_mm(mask_zyx: Masks, spacing_mm: tuple[float, float, float]) -> float:
    """As the node measures it."""
    if not mask_zyx.any():
        return 0.0
    largest = int(mask_zyx.sum(axis=(1, 2)).argmax())
    return Plane(mask_zyx[largest], spacing_mm[1:]).axes.long


def grey_of(case: Case) -> NDArray[np.int64]:
    images, parts = case.in_cubes(_GREY_MM)
    truth = masks_of(parts)
    bright = [binned(scaled(images[name], images[name])) for name in SERIES]
    made = np.stack([[counted(mine, image, BINS) for image in bright] for mine in truth])
    assert made.shape[:2] == (len(REGIONS), len(SERIES))
    return made

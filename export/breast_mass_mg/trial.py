"""One mammogram in, what the shipped graphs say of it beside the truth out: on given regions, and from the whole image.

The whole way is the node's, by the node's own parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label

from export.breast_mass_mg.sources import FINE_MM, Mammogram, PhantomView, Pixels, Truth
from export.evaluation.shipped import session
from export.phantoms.mammography.acquisition import bright
from export.phantoms.mammography.dicom import as_stored
from export.phantoms.mammography.foreign import Foreign, foreign
from export.phantoms.mammography.sheet import Window
from orthanc_plugin.inference.preprocess import Placement, placement
from orthanc_plugin.inference.regions import Region, found, squared
from orthanc_plugin.routing.folder import Model, read
from orthanc_plugin.routing.network import Stage

FOLDER = Path(__file__).parents[2] / "onnx_models" / "breast-mass-mg"
ROWS: Mapping[str, int] = {"deconvolution": 150, "unet": 160}
MARGIN = 0.1
_AT_EDGE = 0.22  # of its side, so far is a region moved that has its mass at its edge
_BINS = 100
_TOUCHING = np.ones((3, 3), bool)
_LEAST_MM2 = 25.0


@dataclass(frozen=True, eq=False)
class RegionTrial:
    """A given region by one network. `confusion` (truth, found) and `histogram` (truth, probability) count pixels."""

    patient: str
    network: str
    at_edge: bool
    confusion: NDArray[np.int64]
    histogram: NDArray[np.int64]
    true_cm2: float
    found_cm2: float
    dice: float


@dataclass(frozen=True, eq=False)
class Candidate:
    """What was outlined on a whole image: how surely it was found, which mass (or none), its overlap with that mass."""

    score: float
    mass: int | None
    dice: float
    true_cm2: float
    found_cm2: float


@dataclass(frozen=True, eq=False)
class WholeTrial:
    """`peak_inside`: the heat map's peak lies in a mass; `candidates` by network, each with its own outlines."""

    patient: str
    name: str
    masses: int
    probability: float
    strangeness: float
    peak_inside: bool
    candidates: Mapping[str, tuple[Candidate, ...]]


def try_regions(image: Mammogram) -> list[RegionTrial]:
    trials = []
    for box in image.masses:
        if min(box.shape) < 5:
            continue
        for at_edge in (False, True):
            region = squared(box, MARGIN, image.shape)
            if at_edge:
                region = _moved(region, image)
            pixels, truth = image.part(region)
            trials += [
                _region_trial(image, network, at_edge, truth, outline(network, pixels), _pixel_cm2(image))
                for network in ROWS
            ]
    return trials


def _pixel_cm2(image: Mammogram) -> float:
    return image.machine.pixel_mm**2 / 100 if isinstance(image, PhantomView) else 1.0


def _moved(region: Region, image: Mammogram) -> Region:
    """Towards the middle of the image, so that the mass reaches over the edge of its region."""
    rows = round(_AT_EDGE * region.shape[0]) * (1 if region.top < image.shape[0] / 2 else -1)
    columns = round(_AT_EDGE * region.shape[1])
    return Region(region.top + rows, region.left + columns, region.bottom + rows, region.right + columns)


def outline(network: str, pixels: Pixels) -> Pixels:
    """The probability at each pixel of a region."""
    stage = _stage(network)
    place = placement(stage, (pixels.shape[0], pixels.shape[1]), (1.0, 1.0))
    [answer] = session(FOLDER / f"{network}.onnx").run(
        ["probability"], {"region": place.place(pixels, float(pixels.min()))[None, None]}
    )
    return place.take_back(answer[0, 0])


def _stage(network: str) -> Stage:
    rows = ROWS[network]
    return Stage(
        name=network, files=(f"{network}.onnx",), kind="image", input="region", outputs=("probability",), rows=rows,
        columns=rows,
    )  # fmt: skip


def _region_trial(
    image: Mammogram, network: str, at_edge: bool, truth: Truth, probability: Pixels, pixel_cm2: float
) -> RegionTrial:
    mask = probability > 0.5
    confusion = np.zeros((2, 2), np.int64)
    np.add.at(confusion, (truth.astype(int).ravel(), mask.astype(int).ravel()), 1)
    bins = np.minimum((np.clip(probability, 0, 1) * _BINS).astype(int), _BINS - 1)
    histogram = np.zeros((2, _BINS), np.int64)
    np.add.at(histogram, (truth.astype(int).ravel(), bins.ravel()), 1)
    return RegionTrial(
        image.patient, network, at_edge, confusion, histogram, float(truth.sum()) * pixel_cm2,
        float(mask.sum()) * pixel_cm2, dice_of(truth, mask),
    )  # fmt: skip


def dice_of(truth: Truth, mask: Truth) -> float:
    return float(2 * (truth & mask).sum() / max(truth.sum() + mask.sum(), 1))


def try_whole(view: PhantomView) -> WholeTrial:
    window = Window.whole(FINE_MM)
    pixels = bright(as_stored(view.drawing, view.machine, window), view.machine)
    truth = view.drawing.truth(window)
    truth = truth[:, ::-1] if view.view.startswith("R") else truth
    map_yx, probability, strangeness, place = find(pixels)
    row, column = np.unravel_index(int(place.take_back(map_yx).argmax()), pixels.shape)
    parts, _ = label(truth, _TOUCHING)
    cut = _candidates(map_yx, place)
    return WholeTrial(
        view.patient, view.name, int(parts.max()), probability, strangeness, bool(truth[row, column]),
        {network: tuple(_outlined(network, pixels, parts, cut, map_yx, place)) for network in ROWS},
    )  # fmt: skip


def find(pixels: Pixels) -> tuple[Pixels, float, float, Placement]:
    """The map of candidates, the probability of the image, its strangeness, and where the image lies in the matrix."""
    stage = model().card.stage("find")
    place = placement(stage, (pixels.shape[0], pixels.shape[1]), (1.0, 1.0))
    fed = place.place(pixels, float(pixels.min()))[None, None]
    candidates, probability, strangeness = session(FOLDER / "find.onnx").run(
        ["candidates", "probability", "strangeness"], {"image": fed}
    )
    return candidates[0, 0], float(probability[0, 0]), float(strangeness[0]), place


def model() -> Model:
    return read(FOLDER)


def _candidates(map_yx: Pixels, place: Placement) -> tuple[Region, ...]:
    within = next(stage.within for stage in model().card.stages if stage.within is not None)
    return tuple(each.region for each in found(map_yx, place, within.threshold, within.margin, within.most))


def _outlined(
    network: str, pixels: Pixels, parts: NDArray[np.int32], cut: tuple[Region, ...], map_yx: Pixels, place: Placement
) -> list[Candidate]:
    """Each connected part of what is outlined; one that shares most of its pixels with a mass has found that mass."""
    whole = np.zeros(pixels.shape, np.float32)
    for region in cut:
        part = whole[region.window]
        np.maximum(part, outline(network, pixels[region.window]), out=part)
    outlined, _ = label(whole > 0.5, _TOUCHING)
    scores = place.take_back(map_yx)
    cm2 = FINE_MM**2 / 100
    made = []
    for number, (rows, columns) in enumerate(find_objects(outlined), start=1):
        mask = outlined[rows, columns] == number
        if mask.sum() * FINE_MM**2 < _LEAST_MM2:
            continue
        hit = np.bincount(parts[rows, columns][mask], minlength=2)
        mass = int(hit[1:].argmax()) + 1 if hit[1:].sum() >= 0.5 * mask.sum() else None
        true = 0 if mass is None else int((parts == mass).sum())
        dice = 0.0 if mass is None else float(2 * hit[mass] / (true + mask.sum()))
        made.append(Candidate(float(scores[rows, columns][mask].max()), mass, dice, true * cm2, mask.sum() * cm2))
    return made


def try_foreign(seed: int, kind: Foreign) -> float:
    """Its strangeness."""
    return find(foreign(seed, kind))[2]

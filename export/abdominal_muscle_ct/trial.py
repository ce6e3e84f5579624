"""One phantom patient through the exported graphs: what the node would measure beside what is true."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from export.abdominal_muscle_ct import TISSUES
from export.phantoms import abdomen
from orthanc_plugin.inference.postprocess import decided, refined
from orthanc_plugin.measure.level import locate
from orthanc_plugin.routing.folder import read
from orthanc_plugin.routing.network import Hounsfield
from orthanc_plugin.routing.outputs import Segments

FOLDER = Path(__file__).parents[2] / "onnx_models" / "abdominal-muscle-ct"
BINS = 200
_LABELS = len(TISSUES) + 1
_SERIES_SPACING_MM = 10.0
_SERIES_SLICES = 27
_AT_A_TIME = 4


@dataclass(frozen=True)
class Trial:
    """Tables of one patient. Areas in cm², one per tissue; histograms (tissue, is not / is, bin of the probability)."""

    seed: int
    shifted: bool
    confusion: NDArray[np.int64]
    threshold: NDArray[np.int64]
    histograms: NDArray[np.int64]
    level_error_mm: float
    level_cautioned: bool
    true_areas: NDArray[np.float64]
    areas_at_true_level: NDArray[np.float64]
    areas_at_found_level: NDArray[np.float64]
    muscle_dice: float


@dataclass(frozen=True)
class Slice:
    """A slice: its true outlines, what of them is in the card's HU ranges, what was found, and how probable it was."""

    hu: NDArray[np.int16]
    outlines: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    found: NDArray[np.uint8]
    probability: NDArray[np.float32]


def try_patient(seed: int, shifted: bool) -> Trial:
    """Measures at mid L3, on two further slices, and in a whole series for the level."""
    anatomy = abdomen.draw_anatomy(seed, shifted=shifted)
    further = np.random.default_rng([seed, 8]).uniform(-110, 140, 2)
    slices = [try_slice(anatomy, float(height)) for height in (0.0, *further)]
    found_height_mm, cautioned = _find_level(anatomy)
    at_found = slices[0] if found_height_mm is None else try_slice(anatomy, found_height_mm)
    pixel_cm2 = (anatomy.scan.field_of_view_mm / slices[0].hu.shape[0] / 10) ** 2
    confusion = _confusion(slices[0])
    return Trial(
        seed=seed,
        shifted=shifted,
        confusion=sum((_confusion(one) for one in slices), np.zeros_like(confusion)),
        threshold=np.sum([_by_threshold(one) for one in slices], axis=0),
        histograms=np.sum([_histograms(one) for one in slices], axis=0),
        level_error_mm=np.nan if found_height_mm is None else found_height_mm,
        level_cautioned=cautioned,
        true_areas=_areas(slices[0].truth, pixel_cm2),
        areas_at_true_level=_areas(slices[0].found, pixel_cm2),
        areas_at_found_level=_areas(at_found.found, pixel_cm2),
        muscle_dice=float(2 * confusion[1, 1] / max(confusion[1].sum() + confusion[:, 1].sum(), 1)),
    )


def try_slice(anatomy: abdomen.Anatomy, z_mm: float) -> Slice:
    hu, labels = anatomy.render(z_mm)
    slices = hu[None].astype(np.float32)
    probability = graph("model.onnx").run(None, {"hu": slices[:, None]})[0]
    masks_szyx = refined(segments(), decided(segments(), probability), slices, voxel_mm3=1.0)
    found = _flatten(masks_szyx[:, 0])
    return Slice(hu, labels, in_range(labels, hu), found, probability[0])


@cache
def graph(name: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(FOLDER / name, options, providers=["CPUExecutionProvider"])


@cache
def segments() -> Segments:
    outlined = read(FOLDER).card.outputs.segments
    assert outlined is not None
    return outlined


def in_range(labels: NDArray[np.uint8], hu: NDArray[np.int16]) -> NDArray[np.uint8]:
    """The truth as the measurements define it: a tissue is what lies in its outline and in its HU range."""
    return _flatten(np.stack([(labels == number) & _window(number, hu) for number in range(1, _LABELS)]))


def _flatten(masks_cyx: NDArray[np.bool_]) -> NDArray[np.uint8]:
    numbers = np.arange(1, _LABELS, dtype=np.uint8)[:, None, None]
    return np.asarray((masks_cyx * numbers).sum(axis=0), np.uint8)


def _window(number: int, hu: NDArray[np.int16]) -> NDArray[np.bool_]:
    label = segments().items[number - 1].label
    ranges = [step.range for step in segments().steps if isinstance(step, Hounsfield) and step.segment == label]
    within = np.ones(hu.shape, bool)
    for each in ranges:
        within &= (hu >= (-np.inf if each.least is None else each.least)) & (
            hu <= (np.inf if each.most is None else each.most)
        )
    return within


def _confusion(one: Slice) -> NDArray[np.int64]:
    pairs = one.truth.astype(np.int64) * _LABELS + one.found
    return np.bincount(pairs.ravel(), minlength=_LABELS**2).reshape(_LABELS, _LABELS)


def _by_threshold(one: Slice) -> NDArray[np.int64]:
    """True positives, false positives, false negatives per tissue when its HU range alone decides."""
    rows = []
    for number in range(1, _LABELS):
        true, found = one.truth == number, _window(number, one.hu)
        rows.append([np.sum(true & found), np.sum(~true & found), np.sum(true & ~found)])
    return np.array(rows, np.int64)


def _histograms(one: Slice) -> NDArray[np.int64]:
    bins = np.minimum((one.probability * BINS).astype(np.int64), BINS - 1)
    tables = [
        np.bincount(((one.outlines == number) * BINS + bins[number - 1]).ravel(), minlength=2 * BINS)
        for number in range(1, _LABELS)
    ]
    return np.stack(tables).reshape(-1, 2, BINS)


def _areas(labels: NDArray[np.uint8], pixel_cm2: float) -> NDArray[np.float64]:
    return np.asarray(np.bincount(labels.ravel(), minlength=_LABELS)[1:] * pixel_cm2, np.float64)


def _find_level(anatomy: abdomen.Anatomy) -> tuple[float | None, bool]:
    """Height above mid L3 of the slice that the node would measure in a series, and whether it would caution."""
    heights = abdomen.slice_heights(anatomy, _SERIES_SLICES, _SERIES_SPACING_MM)
    hu = np.stack([anatomy.render(float(height))[0] for height in heights])[:, None].astype(np.float32)
    answers = [
        graph("level.onnx").run(None, {"hu": hu[first : first + _AT_A_TIME]}) for first in range(0, len(hu), _AT_A_TIME)
    ]
    offsets, sigmas = (np.concatenate(values) for values in zip(*answers, strict=True))
    level = locate(offsets, sigmas, heights - heights[0])
    height = None if level.slice_index is None else float(heights[level.slice_index])
    return height, bool(level.caution)

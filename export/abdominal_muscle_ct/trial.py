"""One phantom patient through the exported graphs: what the node would measure beside what is true."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.abdominal_muscle_ct import TISSUES
from export.abdominal_muscle_ct.series import FOLDER, SeriesTrial, try_series
from export.evaluation import shipped
from export.phantoms import abdomen
from orthanc_plugin.inference.postprocess import decided, refined
from orthanc_plugin.routing.folder import read
from orthanc_plugin.routing.network import Hounsfield
from orthanc_plugin.routing.outputs import Segments

BINS = 200
_LABELS = len(TISSUES) + 1
_OUTLINES = FOLDER / "model.onnx"


@dataclass(frozen=True)
class Trial:
    """Tables of one patient. Areas in cm², one per tissue; histograms (tissue, is not / is, bin of the probability).

    `series` is what was found in a whole series of the patient, where one was tried; the areas at the level found
    there are NaN where none was.
    """

    seed: int
    shifted: bool
    confusion: NDArray[np.int64]
    threshold: NDArray[np.int64]
    histograms: NDArray[np.int64]
    series: SeriesTrial | None
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


def try_patient(seed: int, shifted: bool, in_series: bool) -> Trial:
    """Measures at mid L3, on two further slices, and where asked for in a whole series for the level."""
    anatomy = abdomen.draw_anatomy(seed, shifted=shifted)
    further = np.random.default_rng([seed, 8]).uniform(-110, 140, 2)
    slices = [try_slice(anatomy, float(height)) for height in (0.0, *further)]
    series = try_series(anatomy) if in_series else None
    pixel_cm2 = (anatomy.scan.field_of_view_mm / slices[0].hu.shape[0] / 10) ** 2
    confusion = confusion_of(slices[0])
    return Trial(
        seed=seed,
        shifted=shifted,
        confusion=sum((confusion_of(one) for one in slices), np.zeros_like(confusion)),
        threshold=np.sum([_by_threshold(one) for one in slices], axis=0),
        histograms=np.sum([_histograms(one) for one in slices], axis=0),
        series=series,
        true_areas=_areas(slices[0].truth, pixel_cm2),
        areas_at_true_level=_areas(slices[0].found, pixel_cm2),
        areas_at_found_level=_areas_at(anatomy, np.nan if series is None else series.found_mm, pixel_cm2),
        muscle_dice=float(2 * confusion[1, 1] / max(confusion[1].sum() + confusion[:, 1].sum(), 1)),
    )


def _areas_at(anatomy: abdomen.Anatomy, z_mm: float, pixel_cm2: float) -> NDArray[np.float64]:
    return np.full(len(TISSUES), np.nan) if np.isnan(z_mm) else _areas(try_slice(anatomy, z_mm).found, pixel_cm2)


def try_slice(anatomy: abdomen.Anatomy, z_mm: float, graph: Path = _OUTLINES) -> Slice:
    hu, labels = anatomy.render(z_mm)
    slices = hu[None].astype(np.float32)
    probability = shipped.session(graph).run(None, {"hu": slices[:, None]})[0]
    masks_szyx = refined(segments(), decided(segments(), probability), slices, None)
    found = _flatten(masks_szyx[:, 0])
    return Slice(hu, labels, in_range(labels, hu), found, probability[0])


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


def confusion_of(one: Slice) -> NDArray[np.int64]:
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

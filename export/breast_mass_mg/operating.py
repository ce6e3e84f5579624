"""Prints what the finder does on validation images at several thresholds: from it the card's own are chosen.

python -m export.breast_mass_mg.operating
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from export.breast_mass_mg.data import Samples, parts_of, samples
from export.breast_mass_mg.export import MODELS
from export.breast_mass_mg.settings import read_settings
from export.breast_mass_mg.train import RUNS
from export.evaluation.shipped import session

_CONFIG = Path(__file__).parent / "configs" / "find.json"
_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_TOUCHING = np.ones((3, 3), bool)
_AT_ONCE = 8


def main() -> None:
    settings = read_settings(_CONFIG)
    validation = parts_of("phantoms", settings.split).validation
    held = samples(validation, settings, "phantoms", RUNS / "cache" / "mammograms", detected=True)
    candidates, probability, strangeness = _answers(held)
    ill = held.truth.max(axis=(1, 2)) > 0.5
    print(f"strange: {(strangeness > 1).mean():.3f}; peak in a mass: {_peaks(candidates, held)[ill].mean():.3f}")
    for threshold in _THRESHOLDS:
        present = probability > threshold
        found, wrong = _free_response(candidates, held, threshold)
        rates = f"sensitivity {present[ill].mean():.3f}, specificity {(~present[~ill]).mean():.3f}"
        print(f"{threshold:.1f}: images: {rates}; masses found {found:.3f}, wrong candidates an image {wrong:.2f}")


def _answers(held: Samples) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Maps [n, rows, columns], probabilities [n], strangeness [n]."""
    parts = [held.images[start : start + _AT_ONCE, None] for start in range(0, len(held.images), _AT_ONCE)]
    made = [session(MODELS / "find.onnx").run(None, {"image": part}) for part in parts]
    maps, probability, strangeness = (np.concatenate(each) for each in zip(*made, strict=True))
    return maps[:, 0], probability[:, 0], strangeness


def _peaks(candidates: NDArray[np.float32], held: Samples) -> NDArray[np.bool_]:
    grown = candidates.repeat(2, axis=1).repeat(2, axis=2).reshape(len(candidates), -1)
    truth = held.truth.reshape(len(held.truth), -1)
    return np.asarray(truth[np.arange(len(truth)), grown.argmax(axis=1)] > 0.5)


def _free_response(candidates: NDArray[np.float32], held: Samples, threshold: float) -> tuple[float, float]:
    """The share of masses that some part of the map touches, and how many parts an image touch none."""
    found = masses = wrong = 0
    for map_yx, truth in zip(candidates, held.truth, strict=True):
        real, count = label(truth > 0.5, _TOUCHING)
        parts, said = label(map_yx.repeat(2, axis=0).repeat(2, axis=1) > threshold, _TOUCHING)
        masses += count
        found += sum(bool(parts[real == number].any()) for number in range(1, count + 1))
        wrong += sum(not real[parts == number].any() for number in range(1, said + 1))
    return found / masses, wrong / len(candidates)


if __name__ == "__main__":
    main()

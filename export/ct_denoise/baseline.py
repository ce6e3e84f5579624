"""What the network is held against: non-local means, as strong as does best on patients validated on.

python -m export.ct_denoise.baseline
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.restoration import denoise_nl_means

from export.ct_denoise.train import TASK
from export.restoring.quality import psnr
from export.restoring.settings import read_settings

_CONFIG = Path(__file__).parent / "configs" / "standard.json"
_STRENGTH = 0.8  # in deviations of the noise
_STRENGTHS = (0.4, 0.6, 0.8, 1.0, 1.2)
_BODY_HU = -300
Floats = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=6)
    given = parser.parse_args()
    settings = read_settings(_CONFIG)
    scans = [entry.load(1, 3) for entry in TASK.parts("phantoms", settings).validation[: given.patients]]
    for strength in _STRENGTHS:
        found = [
            psnr(non_local_means(low.astype(np.float32), good.astype(np.float32), strength), good, TASK.peak)
            for low, good in ((scan.seen[0], scan.good[0]) for scan in scans)
        ]
        print(f"{strength}: {np.mean(found):.2f} dB")


def non_local_means(low: Floats, clean: Floats, strength: float = _STRENGTH) -> Floats:
    """Of slices. It is told how strong the noise of each slice's body is, which it would have to estimate."""
    made = []
    for noisy, truth in zip(low, clean, strict=True):
        sigma = float((noisy - truth)[truth > _BODY_HU].std())
        made.append(denoise_nl_means(noisy, patch_size=5, patch_distance=6, h=strength * sigma, sigma=sigma))
    return np.stack(made).astype(np.float32)


if __name__ == "__main__":
    main()

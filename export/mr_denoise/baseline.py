"""What the network is held against: non-local means, as strong as does best on patients validated on.

python -m export.mr_denoise.baseline
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.restoration import denoise_nl_means

from export.mr_denoise.train import TASK
from export.restoring.quality import psnr
from export.restoring.settings import read_settings

_CONFIG = Path(__file__).parent / "configs" / "standard.json"
_STRENGTH = 0.6  # in deviations of the noise
_STRENGTHS = (0.4, 0.6, 0.8, 1.0)
Floats = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=6)
    given = parser.parse_args()
    settings = read_settings(_CONFIG)
    pairs = [entry.load(1, 5) for entry in TASK.parts("phantoms", settings).validation[: given.patients]]
    volumes = [(pair.seen[0].astype(np.float32), pair.good[0].astype(np.float32)) for pair in pairs]
    for strength in _STRENGTHS:
        found = [psnr(non_local_means(seen, good, strength), good, TASK.peak) for seen, good in volumes]
        print(f"{strength}: {np.mean(found):.2f} dB")


def non_local_means(noisy: Floats, clean: Floats, strength: float = _STRENGTH) -> Floats:
    """Of a volume, in three dimensions. It is told how strong the noise of the head is, which it would have to
    estimate, and what noise adds to magnitudes on average is taken away (Rician).
    """
    head = clean > 0.1 * clean.max()
    sigma = float((noisy - clean)[head].std())
    made = denoise_nl_means(noisy, patch_size=3, patch_distance=4, h=strength * sigma, sigma=sigma)
    return np.asarray(np.sqrt(np.maximum(np.square(made) - sigma**2, 0)), np.float32)


if __name__ == "__main__":
    main()

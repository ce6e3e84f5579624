"""An image and how it should be in, how near the one is to the other out."""

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

Floats = NDArray[np.float32]


def psnr(found: Floats, truth: Floats, peak: float) -> float:
    """In dB; `peak` is how far values may lie apart."""
    error = float(np.mean(np.square(found.astype(np.float64) - truth)))
    return float(10 * np.log10(peak**2 / max(error, 1e-12)))


def ssim(found: Floats, truth: Floats, peak: float) -> float:
    """Of slices [n, rows, columns], the mean over them."""
    each = [structural_similarity(a, b, data_range=peak, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
            for a, b in zip(found, truth, strict=True)]  # fmt: skip
    return float(np.mean(each))

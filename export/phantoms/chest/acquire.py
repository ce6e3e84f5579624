"""What happens between the patient and the file: scatter, noise, blur, the maker's processing, borders."""

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from export.phantoms.chest.film import ROWS, Floats, Random


def exposed(loss: Floats, rng: Random, *, portable: bool, shifted: bool) -> Floats:
    """From what the beam lost to an image from 0 to 1, bright where it lost much.

    The exposure control looks at the middle of the image and the maker's processing at its spread, so that how bright
    the lungs come out says little about what is in them.
    """
    blur = rng.uniform(0.3, 0.6) + (0.35 if shifted else 0.0) + (0.15 if portable else 0.0)
    image = gaussian_filter(loss, blur)
    scatter = rng.uniform(0.05, 0.2) + (0.1 if portable else 0.0)
    image = (1 - np.float32(scatter)) * image + np.float32(scatter) * spread_out(image)
    dose = rng.uniform(0.012, 0.03) * (1.5 if shifted else 1.0) * (1.3 if portable else 1.0)
    image += (
        np.float32(dose) * rng.standard_normal(image.shape, dtype=np.float32) * np.exp(0.35 * (image - image.mean()))
    )
    if shifted or rng.random() < 0.35:  # unsharp masks; the other maker's is strong
        strength = rng.uniform(0.5, 1.1) if shifted else rng.uniform(0.1, 0.5)
        image = image + np.float32(strength) * (image - gaussian_filter(image, rng.uniform(2.5, 8)))
    axis = np.linspace(-1, 1, ROWS, dtype=np.float32)
    image = image + np.float32(rng.normal(0, 0.05)) * axis[None, :] + np.float32(rng.normal(0, 0.05)) * axis[:, None]
    middle = image[ROWS // 6 : -ROWS // 5, ROWS // 6 : -ROWS // 6]
    low, high = np.percentile(middle[::3, ::3], (rng.uniform(0.5, 4), rng.uniform(94, 99.5)))
    share = np.clip((image - low) / max(high - low, 1e-3) * 0.86 + 0.07, 0, 1)
    gamma = np.exp(rng.normal(-0.1 if shifted else 0.0, 0.28))
    return np.asarray(share ** np.float32(gamma), np.float32)


def spread_out(image: Floats) -> Floats:
    """Scatter is smooth: a quarter of the pixels says enough of it."""
    return np.asarray(zoom(gaussian_filter(image[::4, ::4], 6), 4, order=1, grid_mode=True, mode="nearest"), np.float32)


def bordered(image: Floats, rng: Random) -> Floats:
    """Borders without dose, the letter of the side in lead."""
    if rng.random() < 0.35:
        top, bottom, left, right = (int(ROWS * rng.uniform(0, 0.05)) for _ in range(4))
        shown = np.full_like(image, np.float32(rng.choice([0.0, 1.0], p=[0.8, 0.2])))
        shown[top : ROWS - bottom, left : ROWS - right] = image[top : ROWS - bottom, left : ROWS - right]
        image = shown
    if rng.random() < 0.7:
        row, column = (
            int(rng.uniform(0.04, 0.16) * ROWS),
            int(rng.choice([rng.uniform(0.05, 0.12), rng.uniform(0.86, 0.92)]) * ROWS),
        )
        image[row : row + 11, column : column + 3] = 1
        image[row + 8 : row + 11, column : column + 9] = 1
    return image


def cropped(rng: Random) -> tuple[slice, slice]:
    """Detectors are square or upright; what is cut off is at the sides, or above and below."""
    kind = rng.random()
    if kind < 0.45:
        return slice(0, ROWS), slice(0, ROWS)
    cut = int(ROWS * rng.uniform(0.03, 0.09))
    if kind < 0.8:
        return slice(0, ROWS), slice(cut, ROWS - cut)
    return slice(cut // 2, ROWS - cut), slice(0, ROWS)

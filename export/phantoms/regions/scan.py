"""What happens to an image on its way to the file: blur, noise, shading, contrast, collimation, burnt-in marks."""

import numpy as np
from scipy.ndimage import gaussian_filter

from export.phantoms.regions.sheet import Floats

Random = np.random.Generator


def acquire(image: Floats, rng: Random, *, kind: str, shifted: bool) -> Floats:
    """`kind` is CT, MR, radiograph or ultrasound; what comes out is in units of its own, as files have it."""
    rough = 2.0 if shifted else 1.0
    image = gaussian_filter(image, rng.uniform(0.3, 0.8) * rough)
    spread = float(np.percentile(image, 99) - np.percentile(image, 1)) or 1.0
    if kind in ("MR", "radiograph"):
        image = _shaded(image, rng, 0.25 * rough if kind == "MR" else 0.1 * rough)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    noise = gaussian_filter(noise, rng.uniform(0.2, 0.8)) if rng.random() < 0.5 else noise
    image = image + np.float32(spread * rng.uniform(0.005, 0.04) * rough) * noise
    if kind == "MR":
        image = np.abs(image)
    if kind == "CT":
        image = _surrounded(image, rng)
    if kind == "radiograph":
        image = _collimated(image, rng)
    image = _contrasted(image, rng, 0.25 * rough) if kind != "CT" else image
    if kind == "radiograph" and rng.random() < (0.35 if shifted else 0.1):
        image = image.max() - image
    return np.asarray(image * np.float32(np.exp(rng.normal(3, 1.5))) + np.float32(rng.normal(0, 20)), np.float32)


def _shaded(image: Floats, rng: Random, size: float) -> Floats:
    axis = np.linspace(-1, 1, len(image), dtype=np.float32)
    a, b, c = (np.float32(value) for value in rng.normal(0, size, 3))
    return np.asarray(
        image * np.exp(a * axis[None, :] + b * axis[:, None] + c * axis[:, None] * axis[None, :]), np.float32
    )


def _surrounded(image: Floats, rng: Random) -> Floats:
    """A table behind the patient, the corners outside of the circle that was reconstructed."""
    axis = np.linspace(-1, 1, len(image), dtype=np.float32)
    if rng.random() < 0.6:
        line = (
            axis[:, None] - np.float32(rng.uniform(0.75, 0.95)) + np.float32(rng.uniform(0, 0.2)) * axis[None, :] ** 2
        )
        for place in (line, line - np.float32(rng.uniform(0.04, 0.15))):
            image = np.where((np.abs(place) < 0.012) & (image < -5), np.float32(rng.uniform(-6, 0)), image)
    if rng.random() < 0.5:
        outside = np.hypot(axis[:, None], axis[None, :]) > 1
        image = np.where(outside, np.float32(rng.choice([-10, -20, -30])), image)
    return image


def _collimated(image: Floats, rng: Random) -> Floats:
    """Borders without dose, and the letter of the side in lead."""
    rows = len(image)
    if rng.random() < 0.4:
        top, bottom, left, right = (int(rows * rng.uniform(0, 0.12)) for _ in range(4))
        inside = np.zeros_like(image, bool)
        inside[top : rows - bottom, left : rows - right] = True
        image = np.where(inside, image, image.min())
    if rng.random() < 0.4:
        row, column = rng.integers(4, rows - 12, 2)
        image[row : row + 7, column : column + 2] = image.max()
        image[row + 5 : row + 7, column : column + 5] = image.max()
    return image


def _contrasted(image: Floats, rng: Random, size: float) -> Floats:
    low, high = float(image.min()), float(image.max())
    share = (image - low) / (high - low if high > low else 1.0)
    return np.asarray(share ** np.float32(np.exp(rng.normal(0, size))), np.float32)

"""A region of the body and what a header says of it in, a series whose pixels show that region out."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from export.phantoms.regions.region import phantom
from tests.builders.series import Scan, slices


def showing(region: str, name: str, **header: str) -> list[Dataset]:
    """A CT whose slices are one phantom of the region."""
    seed = next(seed for seed in range(6000, 6100) if phantom(seed, region).view == "CT")
    image = phantom(seed, region).image
    low, high = float(image.min()), float(image.max())
    stored = np.rint((image - low) / (high - low) * 4000).astype("<u2")
    series = slices(Scan(slices=5, rows=128, columns=128, name=name, body_part=""))
    for dataset in series:
        dataset.PixelData = stored.tobytes()
        dataset.SeriesDescription = "series"
        for keyword, value in header.items():
            setattr(dataset, keyword, value)
    return series

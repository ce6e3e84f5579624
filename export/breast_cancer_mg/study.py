"""What is known of one patient: her views now and before, outlines on them, and which breast has cancer."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from export.breast_mass_mg.sources import Pixels
from orthanc_plugin.imaging.image import images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble

Outline = NDArray[np.uint8]
Key = tuple[str, str]
"""The time, now or before, and the slot."""


@dataclass(frozen=True)
class Study:
    """`views` are those that are there, with outlines on them; of a side that is not in `malignant` nothing is known.

    Pixels are as the node reads them: float32, bright is more.
    """

    views: Mapping[Key, tuple[Pixels, Outline]]
    malignant: Mapping[str, bool]


class Case(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def patient(self) -> str: ...
    def load(self) -> Study: ...


def read_pixels(path: Path) -> Pixels:
    return images(assemble([decode(path.read_bytes())])).pixels[0]

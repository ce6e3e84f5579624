"""A model folder and who writes a series in; the image that the node makes of it, and its cautions, out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from export.evaluation.trials import answered, read_volume
from orthanc_plugin import suited
from orthanc_plugin.routing.folder import read

Answer = tuple[NDArray[np.float32], tuple[str, ...]]


def asked(folder: Path, write: Callable[[Path], Sequence[Path]]) -> Answer:
    """By the node's own code, from files."""
    model = read(folder)
    with TemporaryDirectory() as scratch:
        seen = read_volume(write(Path(scratch)))
    raw = answered(model, {"series": seen})
    [image] = raw.drawn.images.values()
    return image.astype(np.float32), (
        *suited.by_header(model.card, seen),
        *suited.by_answers(model.card, raw.said),
    )

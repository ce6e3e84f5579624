"""Images of a series in, the region of the body that they show out, None where the network is not sure enough."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orthanc_plugin.errors import ConfigurationError, NodeError
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.items import LUMINANCE
from orthanc_plugin.inference.limits import Limits
from orthanc_plugin.routing.region import Region
from orthanc_plugin.routing.vocabulary import Part

FOLDER = Path(__file__).parent / "body_region"
SOURCE = "PixelData"
LIMIT_S = 20.0

logger = logging.getLogger(__name__)


class Description(BaseModel):
    """What lies beside the graph: what its answers stand for (null for no body), and from where on they count."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    trained_on: str
    input: str
    output: str
    rows: Annotated[int, Field(gt=0)]
    regions: tuple[Part | None, ...]
    threshold: Annotated[float, Field(gt=0, lt=1)]


@dataclass(frozen=True)
class RegionNetwork:
    """The graph in its own folder: it helps routing, and is no model that a series is given to."""

    device: Device
    folder: Path = FOLDER

    @classmethod
    def on_cpu(cls) -> RegionNetwork:
        """A device process of its own that starts at the first question: one small graph, beside the worker's."""
        return cls(Device("cpu", Limits(threads=1)))

    def close(self) -> None:
        self.device.close()

    @cached_property
    def description(self) -> Description:
        try:
            return Description.model_validate_json((self.folder / "region.json").read_bytes())
        except (OSError, ValidationError) as error:
            raise self._broken() from error

    @cached_property
    def graph(self) -> tuple[Path, str]:
        """With its digest."""
        path = self.folder / "region.onnx"
        try:
            return path, hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise self._broken() from error

    def _broken(self) -> ConfigurationError:
        return ConfigurationError(
            f"The classifier of body regions in {self.folder} is not whole; install the node again."
        )

    def region(self, images: Sequence[NDArray[np.float32]]) -> Region | None:
        """Of what all of them show together; images are (rows, columns) or (rows, columns, RGB)."""
        try:
            probability = self.probabilities(images).mean(axis=0)
        except NodeError as error:
            logger.warning("Nobody can tell the region of the body from the pixels: %s", error.sentence)
            return None
        likeliest = int(probability.argmax())
        part = self.description.regions[likeliest]
        if part is None or probability[likeliest] < self.description.threshold:
            return None
        return Region(frozenset({part}), SOURCE)

    def probabilities(self, images: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """(image, region)"""
        known = self.description
        batch = np.stack([square(image, known.rows) for image in images])[:, np.newaxis]
        answers = self.device.infer(*self.graph, {known.input: batch}, limit_s=LIMIT_S)
        return np.asarray(answers[known.output], np.float32)


def square(image: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    """Grey, in the middle of a square as dark as its darkest pixel, each pixel the mean of those it covers."""
    grey = np.asarray(image @ LUMINANCE if image.ndim == 3 else image, np.float32)
    height, width = grey.shape
    side = max(height, width)
    lowest = grey.min()
    averaged = _means(height, side, rows) @ (grey - lowest) @ _means(width, side, rows).T
    return np.asarray(averaged + lowest, np.float32)


def _means(length: int, side: int, rows: int) -> NDArray[np.float32]:
    """(rows, length): how much of each of `length` pixels in the middle of `side` lies in each of `rows`."""
    edges = np.arange(rows + 1) * (side / rows) - (side - length) / 2
    starts, pixels = edges[:, np.newaxis], np.arange(length)[np.newaxis, :]
    before = np.clip(starts - pixels, 0.0, 1.0)
    return np.asarray((before[1:] - before[:-1]) * (rows / side), np.float32)

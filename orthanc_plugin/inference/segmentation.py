"""A model that finds a level and outlines tissues: a volume in, masks on the source grid and the level out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.inference import postprocess, stages
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.preprocess import Axial, Placement, axial
from orthanc_plugin.routing.card import Model


@dataclass(frozen=True, eq=False)
class RawOutput:
    """What the networks say: masks (segment, z, y, x) on the source grid, and each axial slice's guess of its level."""

    masks_czyx: NDArray[np.bool_]
    offsets_mm: NDArray[np.float32]
    sigmas_mm: NDArray[np.float32]
    slices: Axial


def infer(device: Device, model: Model, volume: Volume, check: Callable[[], None]) -> RawOutput:
    """Runs the stages `level` and `tissue`; `check` is called between batches and may raise to stop."""
    slices = axial(volume)
    offsets, sigmas = [], []
    for _, answers in stages.run(device, model, model.card.stage("level"), slices):
        check()
        offsets.append(answers["offset_mm"].reshape(-1))
        sigmas.append(answers["sigma_mm"].reshape(-1))
    return RawOutput(_masks(device, model, slices, check), np.concatenate(offsets), np.concatenate(sigmas), slices)


def _masks(device: Device, model: Model, slices: Axial, check: Callable[[], None]) -> NDArray[np.bool_]:
    segments = model.card.segments
    found = np.empty((len(segments), *slices.slices_hu.shape), bool)
    start = 0
    for place, answers in stages.run(device, model, model.card.stage("tissue"), slices):
        check()
        probability = _on_slices(answers["probability"], place, len(segments), model)
        end = start + len(probability)
        found[:, start:end] = postprocess.masks(segments, probability, slices.slices_hu[start:end])
        start = end
    return slices.to_source(found)


def _on_slices(maps: NDArray[np.float32], place: Placement, channels: int, model: Model) -> NDArray[np.float32]:
    if maps.shape[1:] != (channels, *place.matrix):
        raise Broken(
            f"The network of {model.card.name} answered maps of the shape {maps.shape[1:]} instead of "
            f"{(channels, *place.matrix)}; its card and its graph must agree.",
            stage="infer",
        )
    return place.take_back(maps)

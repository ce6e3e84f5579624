"""Patients and foreign series in, tried in several processes; what came of each, or the shares of each kind, out."""

import atexit
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from tqdm import tqdm

from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import Volume, volume
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.model import RawOutput, infer
from orthanc_plugin.routing.folder import Model

PARTS = ("Held-out phantoms", "Shifted phantoms")
Trial = TypeVar("Trial")


@cache
def _device() -> Device:
    """One a process, for as long as that lives."""
    device = Device("cpu")
    atexit.register(device.close)
    return device


def answered(model: Model, inputs: Mapping[str, Imaged], *, soft: bool = False) -> RawOutput:
    """By the node's own code, which nobody stops."""
    return infer(_device(), model, inputs, 0, lambda: None, soft=soft)


def read_volume(files: Sequence[Path]) -> Volume:
    return volume(assemble([decode(file.read_bytes()) for file in files]))


def of_patients(
    pool: ProcessPoolExecutor, attempt: Callable[[int, bool], Trial], held_out: Sequence[int], shifted: int
) -> dict[str, list[Trial]]:
    """Of both generators: held-out seeds, and as many of the shifted one, from 0 on."""
    of_parts = zip(PARTS, (list(held_out), list(range(shifted))), (False, True), strict=True)
    return {
        name: list(tqdm(pool.map(attempt, seeds, [other] * len(seeds)), total=len(seeds), desc=name, unit="patient"))
        for name, seeds, other in of_parts
    }


def of_foreign(
    pool: ProcessPoolExecutor, cautioned: Callable[[str, int], bool], kinds: Collection[str], each: int, first_seed: int
) -> dict[str, float]:
    """By kind the share that is cautioned by its pixels, and of all."""
    all_kinds = [kind for kind in kinds for _ in range(each)]
    seeds = [first_seed + number for number in range(len(all_kinds))]
    said = list(tqdm(pool.map(cautioned, all_kinds, seeds), total=len(seeds), desc="foreign"))
    by_kind = {kind: float(np.mean(said[n * each : (n + 1) * each])) for n, kind in enumerate(kinds)}
    return {**by_kind, "all": float(np.mean(said))}


def measured(path: Path) -> Mapping[str, Any] | None:
    """What another command has left for the report, if it was run."""
    found: Mapping[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
    return found

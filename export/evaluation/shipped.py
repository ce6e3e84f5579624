"""A shipped model's graphs in, what a report says of them out: digests, sessions, how long an item takes."""

import hashlib
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from orthanc_plugin.routing.folder import Model

_THREADS = 2


def described(model: Model) -> dict[str, object]:
    """What identifies the model that a report is about."""
    graphs = {graph.name: sha256(graph) for stage in model.card.stages for graph in model.graphs(stage)}
    return {"version": model.card.version, "sha256": graphs}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def session(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def seconds_per_item(path: Path, given: Mapping[str, NDArray[np.float32]], runs: int = 15) -> float:
    """The fastest of some runs on two threads: what the machine does when nothing else runs on it."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        session(path, _THREADS).run(None, dict(given))
        taken.append(time.perf_counter() - start)
    return min(taken) / len(next(iter(given.values())))

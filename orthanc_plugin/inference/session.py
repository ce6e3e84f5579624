"""An ONNX file in, a warm ONNX Runtime session out; lives in the process that owns the device."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from orthanc_plugin.errors import Broken, ConfigurationError, Temporary

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}


def choose_device(wanted: str) -> str:
    """`auto` takes CUDA where this ONNX Runtime has it, else the CPU; anything else must be there."""
    if wanted == "auto":
        return "cuda" if PROVIDERS["cuda"] in ort.get_available_providers() else "cpu"
    kind = wanted.partition(":")[0]
    if kind not in PROVIDERS:
        raise ConfigurationError(f"The device {wanted} is not known; use auto, {', '.join(PROVIDERS)} or cuda:1.")
    if PROVIDERS[kind] not in ort.get_available_providers():
        raise ConfigurationError(
            f"The device {wanted} was asked for, but the installed ONNX Runtime has no {PROVIDERS[kind]}; "
            f"install the extra for it (INFERENCE_EXTRA) or set INFERENCE_DEVICE to cpu."
        )
    return wanted


class Sessions:
    """Warm sessions by graph; loaded at the first use and kept."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._sessions: dict[tuple[Path, str], ort.InferenceSession] = {}

    def run(self, graph: Path, digest: str, feeds: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
        session = self._session(graph, digest)
        names = [output.name for output in session.get_outputs()]
        try:
            answers = session.run(names, feeds)
        except Exception as error:
            raise _named(error, graph) from error
        return dict(zip(names, answers, strict=True))

    def _session(self, graph: Path, digest: str) -> ort.InferenceSession:
        key = (graph, digest)
        if key not in self._sessions:
            self._sessions[key] = self._load(graph)
        return self._sessions[key]

    def _load(self, graph: Path) -> ort.InferenceSession:
        kind, _, number = self._device.partition(":")
        options = ort.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        options.inter_op_num_threads = 1
        provider = (PROVIDERS[kind], {"device_id": number}) if number else PROVIDERS[kind]
        try:
            session = ort.InferenceSession(graph, options, providers=[provider])
        except Exception as error:
            raise _named(error, graph) from error
        if session.get_providers()[0] != PROVIDERS[kind]:
            raise Temporary(
                f"The graph {graph.name} of {graph.parent.name} was to run on {self._device}, but ONNX Runtime gave "
                f"{session.get_providers()[0]}; look at the device's driver, or set INFERENCE_DEVICE to cpu.",
                stage="infer",
            )
        return session


def _named(error: Exception, graph: Path) -> Broken | Temporary:
    if "allocate" in str(error) or isinstance(error, MemoryError):
        return Temporary(
            f"The device ran out of memory on the graph {graph.name} of {graph.parent.name}; it is tried again.",
            stage="infer",
        )
    return Broken(
        f"The graph {graph.name} of {graph.parent.name} does not run ({type(error).__name__}); "
        "its inputs must match its card.",
        stage="infer",
    )

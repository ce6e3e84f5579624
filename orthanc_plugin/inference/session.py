"""ONNX files in, warm ONNX Runtime sessions out, as many as the memory allows; lives in the device process."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from orthanc_plugin.errors import Broken, Temporary
from orthanc_plugin.inference.graph import FLOATS, Graph, OutOfMemory, Tensor
from orthanc_plugin.inference.limits import Limits
from orthanc_plugin.inference.providers import PROVIDERS, session_providers

# While a graph is loaded its file is in memory beside the weights made of it.
LOADING_FACTOR = 2.0
MEBI = 1 << 20
log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Warm:
    session: ort.InferenceSession
    file_bytes: int


class Sessions:
    """Loaded at the first use and kept; the least recently used leave when the memory is needed.

    On the CPU what counts is the memory of this process, measured; on another device the sizes of the files, as ONNX
    Runtime tells no more.
    """

    def __init__(self, device: str, limits: Limits) -> None:
        self._device = device
        self._limits = limits
        self._warm: OrderedDict[tuple[Path, str], Warm] = OrderedDict()

    @property
    def warm(self) -> int:
        return len(self._warm)

    def describe(self, graph: Path, digest: str) -> Graph:
        session = self._session(graph, digest)
        return Graph(_tensors(session.get_inputs()), _tensors(session.get_outputs()))

    def run(self, graph: Path, digest: str, feeds: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
        """On memory that runs out all other sessions leave first; OutOfMemory when that is not enough."""
        session = self._session(graph, digest)
        try:
            answers = _run(session, feeds)
        except Exception as error:
            if not _is_memory(error) or len(self._warm) == 1:
                raise self._named(error, graph, feeds) from error
            self._keep_one()
            try:
                answers = _run(session, feeds)
            except Exception as again:
                raise self._named(again, graph, feeds) from again
        self._shrink()
        return answers

    def _session(self, graph: Path, digest: str) -> ort.InferenceSession:
        key = (graph, digest)
        if key not in self._warm:
            self._warm[key] = self._load(graph)
            _give_back()
        self._warm.move_to_end(key)
        return self._warm[key].session

    def _load(self, graph: Path) -> Warm:
        """From its bytes and not by its path, so that a graph can't make anyone read data of another file."""
        try:
            size = graph.stat().st_size
            self._make_room(graph, size)
            session = ort.InferenceSession(
                graph.read_bytes(), self._options(), providers=session_providers(self._device, self._limits.device_mb)
            )
        except OSError as error:
            raise Broken(
                f"The graph {graph.name} of {graph.parent.name} can't be read ({error.strerror}); add the model again.",
                stage="infer",
            ) from error
        except Broken:
            raise
        except Exception as error:
            if _is_memory(error):
                raise self._named(error, graph, {}) from error
            raise Broken(
                f"The graph {graph.name} of {graph.parent.name} does not load ({type(error).__name__}); it must hold "
                "all of its weights and use the operators of ONNX alone.",
                stage="infer",
            ) from error
        given = session.get_providers()[0]
        if given != PROVIDERS[self._device.partition(":")[0]]:
            raise Temporary(
                f"The graph {graph.name} of {graph.parent.name} was to run on {self._device}, but ONNX Runtime gave "
                f"{given}; look at the device's driver, or set INFERENCE_DEVICE to cpu.",
                stage="infer",
            )
        return Warm(session, size)

    def _options(self) -> ort.SessionOptions:
        options = ort.SessionOptions()
        options.intra_op_num_threads = self._limits.threads or len(os.sched_getaffinity(0))
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 4
        # Data of a graph that came as bytes would be looked for in the working directory; this is no folder at all.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
        return options

    def _make_room(self, graph: Path, size: int) -> None:
        budget, needed = self._budget, int(size * LOADING_FACTOR)
        if size > budget:
            key = "HostMemoryMegabytes" if self._on_host else "DeviceMemoryMegabytes"
            raise Broken(
                f"The graph {graph.name} of {graph.parent.name} has {size / MEBI:.0f} MB, more than the "
                f"{budget / MEBI:.0f} MB that graphs may take; raise {key}.",
                stage="infer",
            )
        while self._warm and self._used + needed > budget:
            self._drop_oldest()

    def _shrink(self) -> None:
        """After a run: what it needed beyond the budget is made up for by the other sessions."""
        while len(self._warm) > 1 and self._used > self._budget:
            self._drop_oldest()

    def _keep_one(self) -> None:
        while len(self._warm) > 1:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        (graph, _), _ = self._warm.popitem(last=False)
        log.info("the graph %s of %s leaves the memory", graph.name, graph.parent.name)
        gc.collect()
        _give_back()

    @property
    def _on_host(self) -> bool:
        return not self._device.startswith("cuda")

    @property
    def _budget(self) -> float:
        megabytes = self._limits.host_budget_mb if self._on_host else self._limits.device_mb
        return megabytes * MEBI if megabytes else float("inf")

    @property
    def _used(self) -> float:
        if self._on_host:
            return resident_bytes()
        return LOADING_FACTOR * sum(warm.file_bytes for warm in self._warm.values())

    def _named(self, error: Exception, graph: Path, feeds: dict[str, NDArray[np.generic]]) -> Broken | OutOfMemory:
        if _is_memory(error):
            batch = max((len(feed) for feed in feeds.values() if feed.ndim), default=0)
            of_batch = f" with a batch of {batch}" if batch else ""
            return OutOfMemory(
                f"The memory of {self._device} ran out on the graph {graph.name} of {graph.parent.name}{of_batch} "
                f"(the device process holds {resident_bytes() / MEBI:.0f} MB).",
                stage="infer",
            )
        return Broken(
            f"The graph {graph.name} of {graph.parent.name} does not run ({type(error).__name__}); "
            "its inputs must match its card.",
            stage="infer",
        )


def resident_bytes() -> int:
    """What this process holds of the machine's memory (statm in proc_pid_statm(5))."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _run(session: ort.InferenceSession, feeds: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    kinds = {given.name: FLOATS.get(given.type) for given in session.get_inputs()}
    fed = {
        name: feed.astype(kind, copy=False) if (kind := kinds.get(name)) is not None else feed
        for name, feed in feeds.items()
    }
    names = [output.name for output in session.get_outputs()]
    lacking = _lacking(session, fed)
    if not lacking:
        return dict(zip(names, session.run(names, fed), strict=True))
    full = {name: np.concatenate([feed, np.repeat(feed[-1:], lacking, axis=0)]) for name, feed in fed.items()}
    return {name: answer[:-lacking] for name, answer in zip(names, session.run(names, full), strict=True)}


def _lacking(session: ort.InferenceSession, fed: dict[str, NDArray[np.generic]]) -> int:
    """How many items a graph of a fixed batch wants beyond those that there are: the last batch is seldom full."""
    given = [(each.shape[0], len(fed[each.name])) for each in session.get_inputs() if each.shape and each.name in fed]
    return max((fixed - count for fixed, count in given if isinstance(fixed, int)), default=0)


def _is_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(
        word in str(error) for word in ("allocat", "bad_alloc", "out of memory")
    )


def _tensors(described: list[ort.NodeArg]) -> tuple[Tensor, ...]:
    return tuple(
        Tensor(each.name, each.type, tuple(length if isinstance(length, int) else None for length in each.shape))
        for each in described
    )


def _give_back() -> None:
    """The C library keeps freed memory for itself until it is told not to (malloc_trim(3), of glibc alone)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

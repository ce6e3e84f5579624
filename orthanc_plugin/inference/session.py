"""ONNX files in, warm ONNX Runtime sessions out, as many as the memory allows; lives in the device process."""

from __future__ import annotations

import gc
import logging
import os
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

import onnxruntime as ort

from orthanc_plugin.errors import Broken, NodeError, Temporary
from orthanc_plugin.inference.graph import Graph, OutOfMemory, OverLimit, Tensor
from orthanc_plugin.inference.limits import Limits
from orthanc_plugin.inference.memory import MEBI, Guard, give_back, own_bytes, resident_bytes
from orthanc_plugin.inference.providers import PROVIDERS, session_providers
from orthanc_plugin.inference.running import Arrays, is_memory, missing_bytes, of_batch, over_limit, run

# Times a graph's file: what loading it takes on the host for a moment (the file, what was read of it, the weights, of
# 2D convolutions a copy in another order: 3.0 to 4.3 as measured), and what it is taken to keep on another device.
LOADING_FACTOR = 4.5
DEVICE_FACTOR = 2.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Warm:
    """`held_bytes` is what it took of this process's memory, loaded and by the largest feeds so far: arenas keep it."""

    session: ort.InferenceSession
    file_bytes: int
    held_bytes: int
    fed_bytes: int = 0

    def after(self, fed_bytes: int, taken_bytes: int) -> Warm:
        """What a run takes that is no larger than one before was held already."""
        if fed_bytes <= self.fed_bytes:
            return self
        return replace(self, held_bytes=self.held_bytes + max(taken_bytes, 0), fed_bytes=fed_bytes)


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

    def describe(self, graph: Path, digest: str, most_mb: int = 0) -> Graph:
        session = self._warmed(graph, digest, most_mb).session
        return Graph(_tensors(session.get_inputs()), _tensors(session.get_outputs()))

    def run(self, graph: Path, digest: str, feeds: Arrays, most_mb: int = 0) -> Arrays:
        """On memory that runs out all other sessions leave first; OutOfMemory when that is not enough.

        OverLimit when the graph itself takes more than `most_mb`, where that is not zero.
        """
        self._warmed(graph, digest, most_mb)
        try:
            answers = self._run_alone_if_need_be(graph, digest, feeds, most_mb)
        except NodeError:
            raise
        except Exception as error:
            raise self._named(error, graph, feeds, most_mb) from error
        self._shrink()
        return answers

    def _run_alone_if_need_be(self, graph: Path, digest: str, feeds: Arrays, most_mb: int) -> Arrays:
        try:
            return self._run(graph, digest, feeds, most_mb)
        except NodeError:
            raise
        except Exception as error:
            if not is_memory(error) or len(self._warm) == 1:
                raise
        self._keep_one()
        return self._run(graph, digest, feeds, most_mb)

    def _run(self, graph: Path, digest: str, feeds: Arrays, most_mb: int) -> Arrays:
        """On the host it is measured what the run takes; elsewhere the arena of the session has the limit."""
        warm = self._warm[graph, digest]
        if not most_mb or not self._on_host:
            return run(warm.session, feeds)
        if warm.fed_bytes:
            try:
                return self._measured(graph, digest, feeds, most_mb)
            except OverLimit:
                pass  # what arenas kept of smaller feeds is not the graph's need: it is loaded anew
            del warm
            gc.collect()
            self._warmed(graph, digest, most_mb)
        return self._measured(graph, digest, feeds, most_mb)

    def _measured(self, graph: Path, digest: str, feeds: Arrays, most_mb: int) -> Arrays:
        warm = self._warm[graph, digest]
        guard = Guard(most_mb * MEBI - warm.held_bytes)
        answers: Arrays = {}
        try:
            with guard:
                answers = run(warm.session, feeds, guard.options)
        except Exception:
            if not guard.over:
                raise
        if guard.over:
            del self._warm[graph, digest], answers
            raise over_limit(graph, warm.held_bytes + guard.taken_bytes, most_mb, feeds)
        self._warm[graph, digest] = warm.after(sum(feed.nbytes for feed in feeds.values()), guard.taken_bytes)
        return answers

    def _warmed(self, graph: Path, digest: str, most_mb: int) -> Warm:
        key = (graph, digest)
        if key not in self._warm:
            self._warm[key] = self._load(graph, most_mb)
        self._warm.move_to_end(key)
        return self._warm[key]

    def _load(self, graph: Path, most_mb: int) -> Warm:
        try:
            size = graph.stat().st_size
            self._make_room(graph, size)
            give_back()  # else what others left behind would be taken again without being seen
            before = own_bytes()
            session = self._opened(graph, most_mb)
        except OSError as error:
            raise Broken(
                f"The graph {graph.name} of {graph.parent.name} can't be read ({error.strerror}); add the model again.",
                stage="infer",
            ) from error
        give_back()
        warm = Warm(session, size, max(own_bytes() - before, 0))
        if self._on_host and 0 < most_mb * MEBI < warm.held_bytes:
            raise Broken(over_limit(graph, warm.held_bytes, most_mb, {}).sentence, stage="infer")
        return warm

    def _opened(self, graph: Path, most_mb: int) -> ort.InferenceSession:
        """From its bytes and not by its path, so that a graph can't make anyone read data of another file."""
        content = graph.read_bytes()
        arena_mb = min((limit for limit in (self._limits.device_mb, most_mb) if limit), default=0)
        try:
            session = ort.InferenceSession(
                content, self._options(), providers=session_providers(self._device, arena_mb)
            )
        except Exception as error:
            if is_memory(error):
                raise self._named(error, graph, {}, most_mb) from error
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
        _forget_the_file(session)
        return session

    def _options(self) -> ort.SessionOptions:
        options = ort.SessionOptions()
        options.intra_op_num_threads = self._limits.threads or len(os.sched_getaffinity(0))
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 4
        # A thread that waits for the others sleeps: the machine has other work, Orthanc's for one (decision 7).
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Data of a graph that came as bytes would be looked for in the working directory; this is no folder at all.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
        return options

    def _make_room(self, graph: Path, size: int) -> None:
        budget, needed = self._budget, int(size * (LOADING_FACTOR if self._on_host else DEVICE_FACTOR))
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
        give_back()

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
        return DEVICE_FACTOR * sum(warm.file_bytes for warm in self._warm.values())

    def _named(self, error: Exception, graph: Path, feeds: Arrays, most_mb: int) -> Broken | OutOfMemory:
        missing, device_mb = missing_bytes(error), self._limits.device_mb
        if missing is not None and most_mb and (not device_mb or most_mb <= device_mb):
            return over_limit(graph, most_mb * MEBI + missing, most_mb, feeds)
        if is_memory(error):
            return OutOfMemory(
                f"The memory of {self._device} ran out on the graph {graph.name} of {graph.parent.name}"
                f"{of_batch(feeds)} (the device process holds {resident_bytes() / MEBI:.0f} MB).",
                stage="infer",
            )
        return Broken(
            f"The graph {graph.name} of {graph.parent.name} does not run ({type(error).__name__}); "
            "its inputs must match its card.",
            stage="infer",
        )


def _forget_the_file(session: ort.InferenceSession) -> None:
    """ONNX Runtime's Python holds it beside the weights, for a fallback to another device that nobody would hear of."""
    session.disable_fallback()
    session._model_bytes = None


def _tensors(described: list[ort.NodeArg]) -> tuple[Tensor, ...]:
    return tuple(
        Tensor(each.name, each.type, tuple(length if isinstance(length, int) else None for length in each.shape))
        for each in described
    )

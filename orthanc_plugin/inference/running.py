"""A session and arrays in, its answers by name out, whatever floats and however many items its graph wants.

Besides, what its errors say about memory.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from orthanc_plugin.inference.graph import FLOATS, OverLimit
from orthanc_plugin.inference.memory import MEBI

Arrays = dict[str, NDArray[np.generic]]
# As the arenas of ONNX Runtime say that their limit was met.
ARENA_IS_FULL = re.compile(r"Available memory of (\d+) is smaller than requested bytes of (\d+)")


def run(session: ort.InferenceSession, feeds: Arrays, options: ort.RunOptions | None = None) -> Arrays:
    kinds = {given.name: FLOATS.get(given.type) for given in session.get_inputs()}
    fed = {
        name: feed.astype(kind, copy=False) if (kind := kinds.get(name)) is not None else feed
        for name, feed in feeds.items()
    }
    names = [output.name for output in session.get_outputs()]
    lacking = _lacking(session, fed)
    if not lacking:
        return dict(zip(names, session.run(names, fed, options), strict=True))
    full = {name: np.concatenate([feed, np.repeat(feed[-1:], lacking, axis=0)]) for name, feed in fed.items()}
    return {name: answer[:-lacking] for name, answer in zip(names, session.run(names, full, options), strict=True)}


def _lacking(session: ort.InferenceSession, fed: Arrays) -> int:
    """How many items a graph of a fixed batch wants beyond those that there are: the last batch is seldom full."""
    given = [(each.shape[0], len(fed[each.name])) for each in session.get_inputs() if each.shape and each.name in fed]
    return max((fixed - count for fixed, count in given if isinstance(fixed, int)), default=0)


def is_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError) or ARENA_IS_FULL.search(str(error)):
        return True
    return any(word in str(error) for word in ("allocat", "bad_alloc", "out of memory"))


def missing_bytes(error: Exception) -> int | None:
    """How much more than its limit an arena was asked for; None when the memory itself ran out."""
    found = ARENA_IS_FULL.search(str(error))
    return None if found is None else int(found[2]) - int(found[1])


def over_limit(graph: Path, taken_bytes: float, most_mb: int, feeds: Arrays) -> OverLimit:
    return OverLimit(
        f"The graph {graph.name} of {graph.parent.name} takes at least {taken_bytes / MEBI:.0f} MB of memory"
        f"{of_batch(feeds)}, more than the {most_mb} MB that its card allows; raise limits.memory_mb, or make what it "
        "is fed smaller.",
        stage="infer",
    )


def of_batch(feeds: Arrays) -> str:
    batch = max((len(feed) for feed in feeds.values() if feed.ndim), default=0)
    return f" with a batch of {batch}" if batch else ""

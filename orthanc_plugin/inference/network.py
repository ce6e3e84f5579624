"""A batch for one stage in, its checked answers out: folds averaged, batches made smaller when the device is full."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.errors import Broken
from orthanc_plugin.inference.device import LEAST_URGENT, Device
from orthanc_plugin.inference.graph import OutOfMemory, OverLimit
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.network import Stage

Answers = dict[str, NDArray[np.float32]]
log = logging.getLogger(__name__)


def feeds(stage: Stage, batch: NDArray[np.float32], clinical: Mapping[str, float]) -> dict[str, NDArray[np.generic]]:
    """The inputs of the graph by name: the items, and beside each of them the clinical values, NaN where missing."""
    fed: dict[str, NDArray[np.generic]] = {stage.input: batch}
    if stage.clinical is not None:
        row = np.array([clinical.get(name, np.nan) for name in stage.clinical.names], np.float32)
        fed[stage.clinical.input] = np.repeat(row[np.newaxis], len(batch), axis=0)
    return fed


class Network:
    """One stage of a model on the device; `check` is called before each batch and may raise to stop.

    `limit_s` is for one batch, and for what nobody else watches over. `clinical` are values by the names of the card.
    """

    def __init__(
        self,
        device: Device,
        model: Model,
        stage: Stage,
        check: Callable[[], None],
        priority: int = LEAST_URGENT,
        limit_s: float | None = None,
        clinical: Mapping[str, float] | None = None,
    ) -> None:
        self.stage = stage
        self.name = model.card.name
        self.batch = stage.batch
        self._graphs = model.graphs(stage)
        self._digest = model.digest
        self._device = device
        self._priority = priority
        self._check = check
        self._limit_s = limit_s
        self._clinical = clinical or {}
        self._memory_mb = model.card.limits.memory_mb

    def __call__(self, batch: NDArray[np.float32]) -> Answers:
        """For each output its answers, the first axis being that of the batch."""
        parts = [self._mean(part) for part in self._parts(batch)]
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in self.stage.outputs}

    def _parts(self, batch: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Each as large as batches may be by then: one that did not fit makes those after it smaller."""
        start = 0
        while start < len(batch):
            part = batch[start : start + self.batch]
            yield part
            start += len(part)

    def broken(self, says: str) -> Broken:
        files = ", ".join(self.stage.files)
        return Broken(f"The network {files} of {self.name} {says}; its card and its graph must agree.", stage="infer")

    def _mean(self, batch: NDArray[np.float32]) -> Answers:
        answers: Answers = {}
        for graph in self._graphs:
            for name, answer in self._fold(graph, batch).items():
                answers[name] = answers[name] + answer if name in answers else answer
        return {name: answer / np.float32(len(self._graphs)) for name, answer in answers.items()}

    def _fold(self, graph: Path, batch: NDArray[np.float32]) -> Answers:
        self._check()
        try:
            fed = feeds(self.stage, batch, self._clinical)
            answers = self._device.infer(graph, self._digest, fed, self._priority, self._limit_s, self._memory_mb)
        except OutOfMemory as error:
            if len(batch) == 1 and isinstance(error, OverLimit):
                raise Broken(error.sentence, stage="infer") from error  # it would take as much the next time
            if len(batch) == 1:
                raise
            self.batch = len(batch) // 2
            log.warning("%s Going on with batches of %d.", error.sentence, self.batch)
            parts = [self._fold(graph, part) for part in self._parts(batch)]
            return {name: np.concatenate([part[name] for part in parts]) for name in self.stage.outputs}
        return {name: self._checked(answers, name, len(batch)) for name in self.stage.outputs}

    def _checked(self, answers: dict[str, NDArray[np.generic]], name: str, count: int) -> NDArray[np.float32]:
        if name not in answers:
            raise self.broken(f"has no output {name}")
        answer = np.asarray(answers[name], np.float32)
        if not answer.ndim or len(answer) != count:
            raise self.broken(f"answered the shape {answer.shape} in {name} for a batch of {count}")
        if not np.isfinite(answer).all():
            raise Broken(
                f"The network {', '.join(self.stage.files)} of {self.name} answered values that are not numbers in "
                f"{name}; nothing of it was stored.",
                stage="infer",
            )
        return answer

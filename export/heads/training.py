"""A training on heads, step by step: a locator learns where they lie, then the rest of a network what they show."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export import checkpoints
from export.heads.aligning import HeadNetwork
from export.heads.locating import Placed, find_usual, locating_batches, lost_mm, validated_mm
from export.heads.settings import HeadSettings
from export.schedule import learning_rate

Its = TypeVar("Its", bound=HeadSettings)
Network = TypeVar("Network", bound=HeadNetwork)
Scan = TypeVar("Scan", bound=Placed)
Seen = TypeVar("Seen")


@dataclass(frozen=True, eq=False)
class Run(Generic[Its, Network, Scan]):
    """What one training works with."""

    settings: Its
    data: str
    seen: Sequence[Scan]
    held: Sequence[Scan]
    network: Network
    optimiser: torch.optim.Optimizer
    checkpoint: Path
    device: torch.device

    def begun(self) -> int:
        """How many iterations the checkpoint has seen; without one, where heads usually lie is all that is known."""
        if not self.checkpoint.exists():
            find_usual(self.network.locator, self.seen)
            return 0
        settings = self.settings.model_dump_json()
        state = checkpoints.resume(self.checkpoint, settings, self.network, self.optimiser, self.device)
        return int(state["iterations"])

    def save(self, iterations: int, **more: object) -> None:
        said = checkpoints.about(self.settings, self.data, iterations, **more)
        checkpoints.save(self.checkpoint, self.network, self.optimiser, said)

    def step(self, loss: Tensor, largest: float, done: float) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(largest, done)
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        return float(loss.item())

    def locate(self, curves: SummaryWriter, first: int, then: Callable[[], None]) -> None:
        """The first course; `then` is what is found by the locator once it has learned."""
        settings, course = self.settings, self.settings.locate
        losses: list[float] = []
        batches = locating_batches(self.seen, settings, first)
        for iteration, batch in shown(batches, first, course.iterations, "locating"):
            self.network.train()
            lost = lost_mm(self.network.locator, batch, settings, self.device)
            losses.append(self.step(lost, course.learning_rate, iteration / course.iterations))
            if iteration % settings.every == 0 or iteration == course.iterations:
                away = validated_mm(self.network.locator, self.held, settings, self.device)
                curves.add_scalar("mm/train", np.mean(losses), iteration)
                curves.add_scalar("mm/validation", away, iteration)
                tqdm.write(f"{iteration}/{course.iterations}: {np.mean(losses):.2f} mm, validation {away:.2f} mm")
                losses = []
                if iteration == course.iterations:
                    then()
                self.save(iteration)


def shown(batches: Iterator[Seen], first: int, count: int, what: str) -> Iterator[tuple[int, Seen]]:
    """With the number of each, from 1."""
    return enumerate(tqdm(batches, what, initial=first, total=count, unit="batch", mininterval=5), start=first + 1)

"""A restorer's checkpoint in, what the node serves out: the graph, the card and the README beside it."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from export.graph import write_graph
from export.restoring.network import Restorer, Served
from export.restoring.settings import Settings
from export.restoring.training import RUNS, Task
from export.trained import Trained, load, put

INPUT = "patch"


@dataclass(frozen=True)
class Serving:
    """`example` gives patches [2, 1, slices, rows, columns] as the node feeds them."""

    task: Task
    folder: Path
    card: Path
    example: Callable[[], NDArray[np.float32]]

    def load_trained(self, checkpoint: Path) -> Trained[Settings, Restorer]:
        return load(checkpoint, Settings, self.task.network)

    def served(self, trained: Trained[Settings, Restorer]) -> Served:
        return Served(trained.network, trained.strangeness, own_scale=self.task.own_scale).eval()

    def write(self, trained: Trained[Settings, Restorer], path: Path) -> float:
        """Writes the graph, which takes patches of any even size; gives its largest difference to torch."""
        free = {name: {2: "slices", 3: "rows", 4: "columns"} for name in (INPUT, Served.outputs[0])}
        examples = {INPUT: torch.from_numpy(self.example())}
        return write_graph(self.served(trained), path, examples, Served.outputs, trained.history, free=free, half=False)

    def main(self, says: str | None) -> None:
        parser = argparse.ArgumentParser(description=says, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--checkpoint", type=Path, default=RUNS / self.folder.name / "checkpoint.pt")
        parser.add_argument("--out", type=Path, default=self.folder, help="default: the folder that the node serves")
        given = parser.parse_args()
        trained = self.load_trained(given.checkpoint)
        put(trained, partial(self.write, trained), self.card, given.out)

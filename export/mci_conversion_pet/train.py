"""Trains the networks: a configuration goes in, checkpoints and TensorBoard curves come out.

First the locator learns where heads lie; then healthy people's aligned heads are averaged; then the other network
learns from how heads, as the locator finds them, differ from those.

python -m export.mci_conversion_pet.train --config export/mci_conversion_pet/configs/standard.json
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from monai.utils import set_determinism
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export import checkpoints
from export.command import training_parser
from export.heads.locating import Volumes, find_usual, locating_batches, lost_mm, places_of, validated_mm
from export.mci_conversion_pet import ANSWERS
from export.mci_conversion_pet.data import Batch, Kept, judging_batches, kept, parts_of
from export.mci_conversion_pet.fitting import calibrate, find_healthy, strangeness_of, validate
from export.mci_conversion_pet.model import ConversionNet
from export.mci_conversion_pet.settings import Settings, read_settings
from export.schedule import learning_rate

Seen = TypeVar("Seen", Volumes, Batch)
RUNS = Path(__file__).parents[1] / "runs"
CACHE = RUNS / "cache" / "conversion"


def main() -> None:
    given = training_parser(__doc__, "dicom:FOLDER, series and a table as ADNI has them", CACHE).parse_args()
    settings = read_settings(given.config)
    torch.set_num_threads(given.threads)
    train(settings, given.data, given.out or RUNS / settings.name, given.cache, torch.device(given.device))


@dataclass(frozen=True, eq=False)
class Run:
    """What one training works with."""

    settings: Settings
    data: str
    seen: Sequence[Kept]
    held: Sequence[Kept]
    network: ConversionNet
    optimiser: torch.optim.AdamW
    checkpoint: Path
    device: torch.device

    def save(self, iterations: int, **more: object) -> None:
        said = {
            "settings": self.settings.model_dump_json(),
            "data": self.data.partition(":")[0],
            "seed": self.settings.seed,
            "iterations": iterations,
            "strangeness": None,
            **more,
        }
        checkpoints.save(self.checkpoint, self.network, self.optimiser, said)


def train(settings: Settings, data: str, out: Path, cache: Path, device: torch.device) -> Path:
    """Runs the iterations that the checkpoint in `out` has not seen yet; gives the checkpoint's path."""
    parts = parts_of(data, settings)
    root = cache / data.replace("/", "_").replace(":", "_")
    seen, held = kept(parts.train, settings, root), kept(parts.validation, settings, root)
    set_determinism(settings.seed)
    network = ConversionNet(settings).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-3)
    run = Run(settings, data, seen, held, network, optimiser, out / "checkpoint.pt", device)
    first = 0
    if run.checkpoint.exists():
        state = checkpoints.resume(run.checkpoint, settings.model_dump_json(), network, optimiser, device)
        first = int(state["iterations"])
    else:
        find_usual(network.locator, seen)
    with SummaryWriter(str(out / "curves")) as curves:
        if first < settings.locate.iterations:
            _locate(run, curves, first)
        if first < settings.iterations:
            _judge(run, curves, max(first - settings.locate.iterations, 0))
    return run.checkpoint


def _locate(run: Run, curves: SummaryWriter, first: int) -> None:
    """After the last iteration, the healthy people are there, too."""
    settings, count = run.settings, run.settings.locate.iterations
    losses: list[float] = []
    for iteration, batch in _shown(locating_batches(run.seen, settings, first), first, count, "locating"):
        run.network.train()
        lost = lost_mm(run.network.locator, batch, settings, run.device)
        losses.append(_step(run, lost, settings.locate.learning_rate, iteration / count))
        if iteration % settings.every == 0 or iteration == count:
            away = validated_mm(run.network.locator, run.held, settings, run.device)
            curves.add_scalar("mm/train", np.mean(losses), iteration)
            curves.add_scalar("mm/validation", away, iteration)
            tqdm.write(f"{iteration}/{count}: {np.mean(losses):.2f} mm, validation {away:.2f} mm")
            losses = []
            if iteration == count:
                find_healthy(run.network, run.seen, run.device)
            run.save(iteration)


def _judge(run: Run, curves: SummaryWriter, first: int) -> None:
    settings, count = run.settings, run.settings.judge.iterations
    places = places_of(run.network.locator, run.seen, run.device)
    batches = judging_batches(run.network, run.seen, places, settings, first)
    losses: list[float] = []
    for iteration, batch in _shown(batches, first, count, "judging"):
        torch.manual_seed(settings.seed + iteration)  # what is dropped is that of the iteration, resumed or not
        losses.append(_step(run, _wrong(run, batch), settings.judge.learning_rate, iteration / count))
        if iteration % settings.every == 0 or iteration == count:
            said = validate(run.network, run.held, run.device)
            whole = settings.locate.iterations + iteration
            curves.add_scalar("loss/train", np.mean(losses), whole)
            for number, name in enumerate(ANSWERS):
                curves.add_scalar(f"auc/{name}", said.auc(number), whole)
            told = ", ".join(f"AUC {name} {said.auc(number):.4f}" for number, name in enumerate(ANSWERS))
            tqdm.write(f"{iteration}/{count}: loss {float(np.mean(losses)):.4f}, {told}")
            losses = []
            if iteration < count:
                run.save(whole)
                continue
            calibrate(run.network, said)
            strangeness = strangeness_of(run.network, run.seen, run.held, run.device)
            run.save(whole, strangeness=strangeness.state_dict())


def _wrong(run: Run, batch: Batch) -> Tensor:
    """Of each answer for those alone whom it is about."""
    run.network.train()
    run.network.locator.eval()
    logits = run.network.activation(batch.heads).sum(dim=(2, 3, 4))
    truth, about = batch.truth.to(run.device), batch.about.to(run.device)
    lost = binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return (lost * about).sum() / about.sum().clamp_min(1)


def _step(run: Run, loss: Tensor, largest: float, done: float) -> float:
    for group in run.optimiser.param_groups:
        group["lr"] = learning_rate(largest, done)
    run.optimiser.zero_grad()
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(run.network.parameters(), 5.0)
    run.optimiser.step()
    return float(loss.item())


def _shown(batches: Iterator[Seen], first: int, count: int, what: str) -> Iterator[tuple[int, Seen]]:
    """With the number of each, from 1."""
    return enumerate(tqdm(batches, what, initial=first, total=count, unit="batch", mininterval=5), start=first + 1)


if __name__ == "__main__":
    main()

"""Trains the networks: a configuration goes in, checkpoints and TensorBoard curves come out.

First the locator learns where heads lie; then landmarks are found where the groups differ; then the other two networks
learn from heads as the locator finds them.

python -m export.alzheimer_mr.train --config export/alzheimer_mr/configs/standard.json
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.utils import set_determinism
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export import checkpoints
from export.alzheimer_mr.data import Batch, Kept, judging_batches, kept, parts_of
from export.alzheimer_mr.fitting import calibrate, find_landmarks, strangeness_of, validate
from export.alzheimer_mr.model import AlzheimerNet
from export.alzheimer_mr.settings import Settings, read_settings
from export.command import training_parser
from export.heads.locating import Volumes, find_usual, locating_batches, lost_mm, places_of, validated_mm
from export.schedule import learning_rate

Seen = TypeVar("Seen", Volumes, Batch)
RUNS = Path(__file__).parents[1] / "runs"
CACHE = RUNS / "cache" / "alzheimer"


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
    network: AlzheimerNet
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
    network = AlzheimerNet(settings).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-3)
    run = Run(settings, data, seen, held, network, optimiser, out / "checkpoint.pt", device)
    first = 0
    if run.checkpoint.exists():
        state = checkpoints.resume(run.checkpoint, settings.model_dump_json(), network, optimiser, device)
        first = int(state["iterations"])
        network.read_places()
    else:
        find_usual(network.locator, seen)
    with SummaryWriter(str(out / "curves")) as curves:
        if first < settings.locate.iterations:
            _locate(run, curves, first)
        if first < settings.iterations:
            _judge(run, curves, max(first - settings.locate.iterations, 0))
    return run.checkpoint


def _locate(run: Run, curves: SummaryWriter, first: int) -> None:
    """After the last iteration, the landmarks are there, too."""
    count = run.settings.locate.iterations
    batches = locating_batches(run.seen, run.settings, first)
    losses: list[float] = []
    for iteration, batch in _shown(batches, first, count, "locating"):
        run.network.train()
        lost = lost_mm(run.network.locator, batch, run.settings, run.device)
        losses.append(_step(run, lost, run.settings.locate.learning_rate, iteration / count))
        if iteration % run.settings.every == 0 or iteration == count:
            away = validated_mm(run.network.locator, run.held, run.settings, run.device)
            curves.add_scalar("mm/train", np.mean(losses), iteration)
            curves.add_scalar("mm/validation", away, iteration)
            tqdm.write(f"{iteration}/{count}: {np.mean(losses):.2f} mm, validation {away:.2f} mm")
            losses = []
            if iteration == count:
                find_landmarks(run.network, run.seen, run.settings, run.device)
            run.save(iteration)


def _judge(run: Run, curves: SummaryWriter, first: int) -> None:
    settings, count = run.settings, run.settings.judge.iterations
    places = places_of(run.network.locator, run.seen, run.device)
    batches = judging_batches(run.seen, places, settings, first)
    losses: list[float] = []
    for iteration, batch in _shown(batches, first, count, "judging"):
        rng = np.random.default_rng([settings.seed, iteration, 79])
        losses.append(_step(run, _wrong(run, batch, rng), settings.judge.learning_rate, iteration / count))
        if iteration % settings.every == 0 or iteration == count:
            said = validate(run.network, run.held, run.device)
            whole = settings.locate.iterations + iteration
            curves.add_scalar("loss/train", np.mean(losses), whole)
            curves.add_scalar("auc/validation", said.auc, whole)
            curves.add_scalar("dice/validation", said.dice, whole)
            loss = float(np.mean(losses))
            tqdm.write(f"{iteration}/{count}: loss {loss:.4f}, AUC {said.auc:.4f}, Dice {said.dice:.4f}")
            losses = []
            if iteration < count:
                run.save(whole)
                continue
            calibrate(run.network, said)
            strangeness = strangeness_of(run.network, run.seen, run.held, run.device)
            run.save(whole, strangeness=strangeness.state_dict())


def _wrong(run: Run, batch: Batch, rng: np.random.Generator) -> Tensor:
    """Of some of the landmarks' verdict, and of the outlines where they are known."""
    run.network.train()
    run.network.locator.eval()
    count = run.settings.landmarks
    at = rng.permutation(count)[: max(round(run.settings.seen_share * count), 1)].tolist()
    heads = batch.heads.to(run.device)
    logit = run.network.instances(run.network.patches(heads, at), at).mean(dim=1)
    verdict = binary_cross_entropy_with_logits(logit, batch.ill.to(run.device))
    known = batch.outlined.to(run.device) > 0
    if not known.any():
        return verdict
    sides = batch.hippocampi.to(run.device)[known]
    truth = run.network.boxes_of_sides(sides)
    outlined: Tensor = DiceCELoss(sigmoid=True, batch=True)(
        run.network.outlines(run.network.boxes(heads[known])), truth
    )
    return verdict + outlined


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

"""Trains one of the networks: a configuration goes in, checkpoints and TensorBoard curves come out.

python -m export.abdominal_muscle_ct.train --config export/abdominal_muscle_ct/configs/tissue.json
"""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from monai.data import DataLoader
from monai.utils import set_determinism
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export import checkpoints
from export.abdominal_muscle_ct import familiar
from export.abdominal_muscle_ct.data import (
    Batch,
    cache_cases,
    demand_levels,
    entries_of,
    kept_of,
    training_batches,
    validation_batches,
)
from export.abdominal_muscle_ct.model import LevelNet, build_network
from export.abdominal_muscle_ct.settings import Settings, read_settings
from export.command import training_parser

RUNS = Path(__file__).parents[1] / "runs" / "abdominal-muscle-ct"
STRANGENESS = "strangeness.pt"
_SMALLEST_SHARE = 0.02  # of the learning rate, at a stage's end
_LARGEST_GRADIENT = 1.0  # of the level: where it is sure and wrong, its likelihood is so steep that a step leads astray


def main() -> None:
    given = training_parser(__doc__, "dicom:FOLDER or nifti:FOLDER", RUNS / "cache").parse_args()
    settings = read_settings(given.config)
    torch.set_num_threads(given.threads)
    train(settings, given.data, given.out or RUNS / settings.name, given.cache, Machine(torch.device(given.device)))


@dataclass(frozen=True)
class Machine:
    """What is computed on, and how many processes prepare the batches."""

    device: torch.device
    workers: int = 1


def train(settings: Settings, data: str, out: Path, cache: Path, machine: Machine) -> Path:
    """Runs the epochs that the checkpoint in `out` has not seen yet; gives the checkpoint's path."""
    device = machine.device
    seen, held = cached(settings, data, cache)
    if not settings.outlines:
        demand_levels(seen + held)
    set_determinism(settings.seed)
    network = _channels_last(build_network(settings), device)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.stages[0].learning_rate)
    checkpoint = out / "checkpoint.pt"
    first = 0
    if checkpoint.exists():
        first = int(checkpoints.resume(checkpoint, settings.as_json(), network, optimiser, device)["epochs"])
    with SummaryWriter(out / "curves") as curves:
        for epoch in range(first, settings.epochs):
            stage, _ = settings.stage_of(epoch)
            batches = training_batches(seen, settings, stage, epoch, machine.workers)
            loss = _run_epoch(network, optimiser, batches, settings, epoch, device)
            score = validate(network, validation_batches(held, stage, machine.workers), settings, device)
            curves.add_scalar("loss/train", loss, epoch)
            curves.add_scalar(f"{_score_name(settings)}/validation", score, epoch)
            tqdm.write(f"epoch {epoch + 1}/{settings.epochs}: loss {loss:.4f}, {_score_name(settings)} {score:.4f}")
            _save(checkpoint, settings, data, network, optimiser, epoch + 1)
    if isinstance(network, LevelNet):
        familiar.save(familiar.fitted(network, seen, held, settings, machine.workers), out / STRANGENESS)
    return checkpoint


def cached(settings: Settings, data: str, cache: Path) -> tuple[list[Path], list[Path]]:
    """The folders of the cases to train and to validate on, made where they are not there yet."""
    parts, root = entries_of(data, settings), cache / data.replace("/", "_").replace(":", "_")
    train, held = kept_of(settings)
    return cache_cases(parts.train, train, root), cache_cases(parts.validation, held, root)


def _channels_last(network: nn.Module, device: torch.device) -> nn.Module:
    """Twice as fast on a CPU."""
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network.to(device)


def _run_epoch(
    network: nn.Module, optimiser: torch.optim.Adam, batches: DataLoader, settings: Settings, epoch: int,
    device: torch.device,
) -> float:  # fmt: skip
    network.train()
    torch.manual_seed(settings.seed * 1000 + epoch)
    total = 0.0
    for step, batch in enumerate(tqdm(batches, desc=f"epoch {epoch + 1}", unit="batch", mininterval=5)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(settings, epoch, step / len(batches))
        optimiser.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.bfloat16):
            answer = network(batch.hu.to(device, memory_format=torch.channels_last))
        loss = loss_of(settings, answer, batch, device)
        torch.autograd.backward(loss)
        if not settings.outlines:
            nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
        optimiser.step()
        total += loss.item()
    return total / len(batches)


def learning_rate(settings: Settings, epoch: int, share: float) -> float:
    """Falls along a cosine from the stage's rate, over the stage; `share` is how far the epoch is done."""
    stage, within = settings.stage_of(epoch)
    done = (within + share) / stage.epochs
    falling = (1 + math.cos(math.pi * done)) / 2
    return stage.learning_rate * (_SMALLEST_SHARE + (1 - _SMALLEST_SHARE) * falling)


def loss_of(settings: Settings, answer: Tensor | tuple[Tensor, Tensor], batch: Batch, device: torch.device) -> Tensor:
    """Binary cross entropy per tissue; for the level the negative log likelihood of a normal distribution."""
    if settings.outlines:
        assert isinstance(answer, Tensor)
        return nn.functional.binary_cross_entropy_with_logits(answer.float(), batch.tissues.to(device))
    offset, sigma = (value.float() for value in answer)
    return nn.functional.gaussian_nll_loss(offset, batch.offsets_mm.to(device), sigma.square())


@torch.no_grad()
def validate(network: nn.Module, batches: DataLoader, settings: Settings, device: torch.device) -> float:
    """Mean Dice over the tissues, or the mean absolute error of the level in mm."""
    network.eval()
    overlap, size, error, count = torch.zeros(3), torch.zeros(3), 0.0, 0
    for batch in batches:
        answer = network(batch.hu.to(device, memory_format=torch.channels_last))
        count += len(batch.hu)
        if not settings.outlines:
            error += float((answer[0].cpu() - batch.offsets_mm).abs().sum())
            continue
        found = (answer > 0).cpu().float()
        overlap += 2 * (found * batch.tissues).sum(dim=(0, 2, 3))
        size += (found + batch.tissues).sum(dim=(0, 2, 3))
    return float((overlap / size).mean()) if settings.outlines else error / count


def _score_name(settings: Settings) -> str:
    return "dice" if settings.outlines else "mean error in mm"


def _save(
    path: Path, settings: Settings, data: str, network: nn.Module, optimiser: torch.optim.Adam, epochs: int
) -> None:
    said = {
        "settings": settings.as_json(),
        "data": data.partition(":")[0],
        "seed": settings.seed,
        "epochs": epochs,
    }
    checkpoints.save(path, network, optimiser, said)


if __name__ == "__main__":
    main()

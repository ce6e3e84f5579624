"""Trains one of the networks: a configuration goes in, checkpoints and TensorBoard curves come out.

python -m export.coronary_calcium_ct.train --config export/coronary_calcium_ct/configs/unet.json
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from monai.utils import set_determinism
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export import checkpoints
from export.command import training_parser
from export.coronary_calcium_ct.data import LEAST_HU, Batch, Kept, kept, middles, parts_of, training_batches
from export.coronary_calcium_ct.model import CLASSES, CalciumNet, build_network, description
from export.coronary_calcium_ct.settings import Settings, read_settings
from export.coronary_calcium_ct.sources import OTHER
from export.schedule import learning_rate
from export.strangeness import Strangeness

RUNS = Path(__file__).parents[1] / "runs"
CACHE = RUNS / "cache" / "coronary"
_RARE = (1.0, 2.0, 1.5, 1.5, 1.5)  # what a voxel counts: the left main artery is short
_FEW = 20.0  # voxels, of which an artery that is not seen may have so many without much harm
_KEPT = 0.975  # of the series
_VALIDATED_EACH, _DESCRIBED_EACH = 16, 6  # slices


def main() -> None:
    given = training_parser(__doc__, "dicom:FOLDER or nifti:FOLDER", CACHE).parse_args()
    settings = read_settings(given.config)
    torch.set_num_threads(given.threads)
    train(settings, given.data, given.out or RUNS / settings.name, given.cache, torch.device(given.device))


def train(settings: Settings, data: str, out: Path, cache: Path, device: torch.device) -> Path:
    """Runs the iterations that the checkpoint in `out` has not seen yet; gives the checkpoint's path."""
    parts = parts_of(data, settings)
    root = cache / data.replace("/", "_").replace(":", "_")
    seen, held = kept(parts.train, settings, root), kept(parts.validation, settings, root)
    set_determinism(settings.seed)
    network = build_network(settings).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=1e-3)
    checkpoint, first = out / "checkpoint.pt", 0
    if checkpoint.exists():
        state = checkpoints.resume(checkpoint, settings.model_dump_json(), network, optimiser, device)
        first = int(state["iterations"])
    batches = training_batches(seen, settings, first)
    losses: list[float] = []
    with SummaryWriter(str(out / "curves")) as curves:
        shown = tqdm(batches, initial=first, total=settings.iterations, unit="batch", mininterval=5)
        for iteration, batch in enumerate(shown, start=first + 1):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(settings.learning_rate, iteration / settings.iterations)
            losses.append(_step(network, optimiser, batch, device))
            if iteration % settings.every == 0 or iteration == settings.iterations:
                validated = validate(network, held, settings, device)
                curves.add_scalar("loss/train", np.mean(losses), iteration)
                curves.add_scalar("dice/validation", validated.mean, iteration)
                tqdm.write(f"{iteration}/{settings.iterations}: loss {np.mean(losses):.4f}, {validated}")
                losses = []
                whole = iteration == settings.iterations
                _save(checkpoint, settings, data, network, optimiser, iteration,
                      strangeness_of(network, seen, held, settings, device) if whole else None)  # fmt: skip
    return checkpoint


def _step(network: CalciumNet, optimiser: torch.optim.AdamW, batch: Batch, device: torch.device) -> float:
    network.train()
    optimiser.zero_grad()
    loss = loss_of(network(batch.hu.to(device)), batch, device)
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return float(loss.item())


def loss_of(logits: Tensor, batch: Batch, device: torch.device) -> Tensor:
    """Cross entropy of the voxels that are bright enough to be calcium. Of them most are bone, so that, other calcium
    and calcium of the arteries count as much as one another; how many voxels are called an artery's in all, which that
    does not see, the overlap does.
    """
    owner = batch.plaques.to(device)
    each = cross_entropy(logits, owner, weight=torch.tensor(_RARE, device=device), reduction="none")
    masks = [mask.to(device) for mask in batch.parts()]
    parts = [(each * mask).sum() / mask.sum().clamp_min(1) for mask in masks]
    counted = torch.stack(masks).any(dim=0)
    return sum(parts[1:], parts[0]) + _not_overlapping(torch.softmax(logits, dim=1), owner, counted)


def _not_overlapping(shares: Tensor, owner: Tensor, counted: Tensor) -> Tensor:
    """1 less the Dice of the arteries over the batch."""
    found = shares[:, 1:] * counted[:, None]
    truth = torch.stack([(owner == number) & counted for number in range(1, CLASSES)], dim=1)
    common, size = (found * truth).sum(dim=(0, 2, 3)), found.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3))
    return (1 - (2 * common + _FEW) / (size + _FEW)).mean()


@dataclass(frozen=True)
class Validated:
    """Of the voxels that are bright enough: Dice, recall and precision by artery; `taken` is the share of other calcium
    that is called an artery's.
    """

    dice: tuple[float, ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    taken: float

    @property
    def mean(self) -> float:
        return sum(self.dice) / len(self.dice)

    def __str__(self) -> str:
        each = (f"{name} {' '.join(f'{value:.2f}' for value in values)}" for name, values in (
            ("Dice", self.dice), ("recall", self.recall), ("precision", self.precision)))  # fmt: skip
        return f"{self.mean:.4f} ({'; '.join(each)}; other calcium taken {self.taken:.2f})"


@torch.no_grad()
def validate(network: CalciumNet, held: Sequence[Kept], settings: Settings, device: torch.device) -> Validated:
    network.eval()
    table = torch.zeros(OTHER + 1, CLASSES)
    for batch in middles(held, settings, _VALIDATED_EACH):
        found = network(batch.hu.to(device)).argmax(dim=1).cpu()
        bright = (batch.seen >= LEAST_HU) & (batch.owner <= OTHER)
        pairs = batch.owner[bright] * CLASSES + found[bright]
        table += torch.bincount(pairs, minlength=table.numel()).reshape(table.shape)
    right = table.diagonal()[1:]
    truth, said = table[1:CLASSES].sum(dim=1), table[:, 1:].sum(dim=0)
    return Validated(
        dice=tuple((2 * right / (truth + said).clamp_min(1)).tolist()),
        recall=tuple((right / truth.clamp_min(1)).tolist()),
        precision=tuple((right / said.clamp_min(1)).tolist()),
        taken=float(table[OTHER, 1:].sum() / table[OTHER].sum().clamp_min(1)),
    )


@torch.no_grad()
def strangeness_of(
    network: CalciumNet, seen: Sequence[Kept], held: Sequence[Kept], settings: Settings, device: torch.device
) -> Strangeness:
    """Fitted on the middles of slices that were learned on; its bound is that of whole series, whose median counts."""
    network.eval()
    learned, bounding = (
        [description(*network.see(batch.hu.to(device))).cpu() for batch in middles(scans, settings, each)]
        for scans, each in ((seen, _DESCRIBED_EACH), (held, _VALIDATED_EACH))
    )
    found = Strangeness.fitted(torch.cat(learned), torch.cat(bounding), _KEPT)
    medians = torch.stack([found(series).median() for series in bounding])
    return found.widened(torch.quantile(medians, _KEPT))


def _save(
    path: Path, settings: Settings, data: str, network: nn.Module, optimiser: torch.optim.AdamW, iterations: int,
    strangeness: Strangeness | None,
) -> None:  # fmt: skip
    learned = None if strangeness is None else strangeness.state_dict()
    said = checkpoints.about(settings, data, iterations, strangeness=learned)
    checkpoints.save(path, network, optimiser, said)


if __name__ == "__main__":
    main()

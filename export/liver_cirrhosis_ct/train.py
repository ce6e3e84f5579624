"""Trains the network: a configuration goes in, checkpoints and TensorBoard curves come out.

python -m export.liver_cirrhosis_ct.train --config export/liver_cirrhosis_ct/configs/standard.json
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export import checkpoints
from export.command import training_parser
from export.evaluation.statistics import auc
from export.liver_cirrhosis_ct.data import Batch, Pool, batch_of, batches_an_epoch, parts_of, pool_of, training_batches
from export.liver_cirrhosis_ct.model import CirrhosisNet, Learning, liver_cells, liver_share
from export.liver_cirrhosis_ct.settings import Settings, read_settings

RUNS = Path(__file__).parents[1] / "runs"
_SMALLEST_SHARE = 0.02  # of the learning rate, at the end
_WARM_UP = 0.05
_AT_ONCE = 32
_BINS = 200
_IN_LIVER = 0.25  # of a cell of the map
_APART = 0.5


def main() -> None:
    parser = training_parser(__doc__, "dicom:FOLDER", RUNS / "cache" / "liver")
    parser.add_argument("--minutes", type=float, help="begin no epoch after so many, to go on later; 0: patients alone")
    given = parser.parse_args()
    settings = read_settings(given.config)
    torch.set_num_threads(given.threads)
    train(settings, given.data, given.out or RUNS / settings.name, given.cache, given.device, given.minutes)


def train(
    settings: Settings, data: str, out: Path, cache: Path, device: str = "cpu", minutes: float | None = None
) -> Path:
    """Runs the epochs that the checkpoint in `out` has not seen yet; gives the checkpoint's path."""
    parts = parts_of(data, settings)
    learned, held = (pool_of(part, settings, cache) for part in (parts.train, parts.validation))
    torch.manual_seed(settings.seed)
    network = build(learned, device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=0.02)
    checkpoint = out / "checkpoint.pt"
    first = 0
    if checkpoint.exists():
        first = int(checkpoints.resume(checkpoint, settings.model_dump_json(), network, optimiser, device)["epochs"])
    ends = math.inf if minutes is None else time.monotonic() + 60 * minutes
    with SummaryWriter(out / "curves") as curves:
        for epoch in range(first, settings.epochs):
            if time.monotonic() >= ends:
                break
            loss = _run_epoch(network, optimiser, learned, settings, epoch, device)
            scores = validate(network, held, settings, device)
            curves.add_scalar("loss/train", loss, epoch)
            for name, score in vars(scores).items():
                curves.add_scalar(f"{name}/validation", score, epoch)
            tqdm.write(f"epoch {epoch + 1}/{settings.epochs}: loss {loss:.4f}, {scores}")
            _save(checkpoint, settings, data, network, optimiser, epoch + 1)
    return checkpoint


def build(learned: Pool | None, device: str) -> CirrhosisNet:
    network = CirrhosisNet()
    if learned is not None:
        _, of_each = np.unique(learned.patients, return_index=True)
        network.fusion.standard.learn(torch.from_numpy(learned.clinical[of_each]))
        network.signs_scale.learn(torch.from_numpy(learned.signs[of_each]))
    return cast(CirrhosisNet, network.to(device, memory_format=torch.channels_last))  # type: ignore[call-overload]


def _run_epoch(
    network: CirrhosisNet, optimiser: torch.optim.AdamW, pool: Pool, settings: Settings, epoch: int, device: str
) -> float:
    network.train()
    torch.manual_seed(settings.seed * 1000 + epoch)
    steps, total = batches_an_epoch(pool, settings), 0.0
    batches = training_batches(pool, settings, epoch)
    for step, batch in enumerate(tqdm(batches, total=steps, desc=f"epoch {epoch + 1}", unit="batch", mininterval=5)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(settings, (epoch + step / steps) / settings.epochs)
        optimiser.zero_grad()
        loss = loss_of(network, batch, settings, device)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        total += loss.item()
    return total / steps


def learning_rate(settings: Settings, done: float) -> float:
    """Rises, then falls along a cosine; `done` is the share of the training that is behind."""
    rising = min(done / _WARM_UP, 1.0)
    falling = (1 + math.cos(math.pi * done)) / 2
    return settings.learning_rate * rising * (_SMALLEST_SHARE + (1 - _SMALLEST_SHARE) * falling) + 1e-6


def loss_of(network: CirrhosisNet, batch: Batch, settings: Settings, device: str) -> Tensor:
    """Cirrhosis and its signs, on slices that show the liver; where the liver lies, on all."""
    said: Learning = network(batch.hu.to(device, memory_format=torch.channels_last), batch.clinical.to(device))
    cirrhosis, counts = batch.cirrhosis.to(device), batch.counts.to(device).float()
    image, both = (
        binary_cross_entropy_with_logits(logit, cirrhosis, reduction="none") for logit in (said.image, said.both)
    )
    cells = liver_cells(batch.liver.to(device), said.liver_logits)
    placed = binary_cross_entropy_with_logits(said.liver_logits, cells, reduction="none").mean(dim=(1, 2))
    signs = network.signs_scale(batch.signs.to(device))
    known = ~torch.isnan(signs)
    missed = smooth_l1_loss(said.signs, torch.where(known, signs, said.signs), reduction="none").mean(dim=1)
    return (
        _mean(image + both, counts)
        + settings.liver_weight * _mean(placed, batch.known.to(device).float())
        + settings.signs_weight * _mean(missed, counts)
        + settings.peak_weight * _mean(astray(said.activation, cells), counts * cirrhosis * batch.known.to(device))
    )


def astray(activation: Tensor, liver: Tensor) -> Tensor:
    """[N]: by how much the largest value outside of the liver surpasses the largest in it, less a margin."""
    within = liver > _IN_LIVER
    inside = activation.masked_fill(~within, -math.inf).amax(dim=(1, 2))
    outside = activation.masked_fill(within, -math.inf).amax(dim=(1, 2))
    apart = torch.relu(outside - inside + _APART)
    return torch.where(within.any(dim=2).any(dim=1) & ~within.all(dim=2).all(dim=1), apart, 0.0)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp_min(1)


@dataclass(frozen=True)
class Scores:
    """AUC of patients by the mean over their slices, of the image alone and with the values; error of the share."""

    image_auc: float
    both_auc: float
    share_error: float

    def __str__(self) -> str:
        return f"AUC {self.image_auc:.3f}, with values {self.both_auc:.3f}, error of the share {self.share_error:.3f}"


@dataclass(frozen=True, eq=False)
class Judged:
    """Of each slice [N]: logits, and the share of liver that was found."""

    image: NDArray[np.float64]
    both: NDArray[np.float64]
    share: NDArray[np.float64]


@torch.no_grad()
def judged(network: CirrhosisNet, pool: Pool, settings: Settings, device: str = "cpu") -> Judged:
    network.eval()
    found = []
    for numbers in np.array_split(np.arange(len(pool.hu)), math.ceil(len(pool.hu) / _AT_ONCE)):
        batch = batch_of(pool, numbers, settings)
        hu = batch.hu.to(device, memory_format=torch.channels_last)
        said: Learning = network(hu, batch.clinical.to(device))
        found.append(torch.stack([said.image, said.both, liver_share(said.liver_logits, hu)]).cpu().double().numpy())
    return Judged(*np.concatenate(found, axis=1))


def validate(network: CirrhosisNet, pool: Pool, settings: Settings, device: str) -> Scores:
    said, shown = judged(network, pool, settings, device), pool.shown(settings.liver_least)
    truth = of_patients(pool.cirrhosis.astype(np.float64), pool.patients, shown) > 0.5
    image, both = (of_patients(sigmoid(each), pool.patients, shown) for each in (said.image, said.both))
    error = np.abs(said.share - pool.share)[~np.isnan(pool.share)]
    return Scores(auc_of(truth, image), auc_of(truth, both), float(error.mean()) if error.size else float("nan"))


def of_patients(
    values: NDArray[np.float64], patients: NDArray[np.int64], counted: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The mean over each patient's slices that count, of those that have any."""
    weights = np.bincount(patients, counted.astype(np.float64))
    sums = np.bincount(patients, np.where(counted, values, 0.0))
    return np.asarray(sums[weights > 0] / weights[weights > 0])


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-logits)))


def auc_of(truth: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    histogram = np.zeros((2, _BINS))
    np.add.at(histogram, (truth.astype(int), np.minimum((probability * _BINS).astype(int), _BINS - 1)), 1)
    return auc(histogram) if histogram.sum(axis=1).all() else float("nan")


def _save(
    path: Path, settings: Settings, data: str, network: CirrhosisNet, optimiser: torch.optim.AdamW, epochs: int
) -> None:
    said = {
        "settings": settings.model_dump_json(),
        "data": data.partition(":")[0],
        "seed": settings.seed,
        "epochs": epochs,
    }
    checkpoints.save(path, network, optimiser, said)


if __name__ == "__main__":
    main()

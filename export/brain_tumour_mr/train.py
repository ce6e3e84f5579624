"""Trains the network: a configuration goes in, checkpoints and TensorBoard curves come out.

python -m export.brain_tumour_mr.train --config export/brain_tumour_mr/configs/standard.json

Patients without outlines, or whose outlines the configuration leaves aside, teach too where `consistency` has a weight.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from monai.inferers import SlidingWindowInferer
from monai.losses import DiceCELoss
from monai.utils import set_determinism
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export import checkpoints
from export.brain_tumour_mr import REGIONS
from export.brain_tumour_mr.data import Batch, Kept, changed, kept, labelled, parts_of, regions_of, training_batches
from export.brain_tumour_mr.model import TumourNet, build_network, description
from export.brain_tumour_mr.settings import Settings, read_settings
from export.command import training_parser
from export.cubes import tiles
from export.evaluation.statistics import Table
from export.schedule import learning_rate
from export.strangeness import Strangeness

RUNS = Path(__file__).parents[1] / "runs"
CACHE = RUNS / "cache" / "brain"
_OTHERS = 7
"""Of the batches of those without outlines: drawn by other numbers than the batches of the others."""


def main() -> None:
    given = training_parser(__doc__, "nifti:FOLDER, a folder a patient as BraTS has it", CACHE).parse_args()
    settings = read_settings(given.config)
    torch.set_num_threads(given.threads)
    train(settings, given.data, given.out or RUNS / settings.name, given.cache, torch.device(given.device))


def train(settings: Settings, data: str, out: Path, cache: Path, device: torch.device) -> Path:
    """Runs the iterations that the checkpoint in `out` has not seen yet; gives the checkpoint's path."""
    parts = parts_of(data, settings)
    root = cache_of(cache, data)
    seen, held = kept(parts.train, settings, root), kept(parts.validation, settings, root)
    outlined, others = labelled(seen, settings)
    set_determinism(settings.seed)
    network = build_network(settings).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=1e-3)
    teacher = deepcopy(network).requires_grad_(False)
    checkpoint, first = out / "checkpoint.pt", 0
    if checkpoint.exists():
        state = checkpoints.resume(checkpoint, settings.model_dump_json(), network, optimiser, device)
        first = int(state["iterations"])
        teacher.load_state_dict(state["teacher"])
    loss_of = DiceCELoss(sigmoid=True, batch=True)
    losses: list[float] = []
    with SummaryWriter(str(out / "curves")) as curves:
        shown = tqdm(_batches(outlined, others, settings, first), initial=first, total=settings.iterations,
                     unit="batch", mininterval=5)  # fmt: skip
        for iteration, (batch, other) in enumerate(shown, start=first + 1):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(settings.learning_rate, iteration / settings.iterations)
            network.train()
            optimiser.zero_grad()
            loss = loss_of(network(batch.images.to(device)), batch.regions.to(device))
            if other is not None:
                loss = loss + _weight(settings, iteration) * disagreement(network, teacher, other, settings, iteration)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
            _follow(teacher, network, settings.consistency.decay)
            losses.append(float(loss.item()))
            if iteration % settings.every == 0 or iteration == settings.iterations:
                dice = validate(network, held, settings, device)
                curves.add_scalar("loss/train", np.mean(losses), iteration)
                curves.add_scalar("dice/validation", dice, iteration)
                tqdm.write(f"{iteration}/{settings.iterations}: loss {np.mean(losses):.4f}, Dice {dice:.4f}")
                losses = []
                whole = iteration == settings.iterations
                strangeness = strangeness_of(seen, held, settings) if whole else None
                _save(checkpoint, settings, data, network, teacher, optimiser, iteration, strangeness)
    return checkpoint


def cache_of(cache: Path, data: str) -> Path:
    """Where scans of these data are kept."""
    return cache / data.replace("/", "_").replace(":", "_")


def _batches(
    outlined: Sequence[Kept], others: Sequence[Kept], settings: Settings, first: int
) -> Iterator[tuple[Batch, Batch | None]]:
    learned = training_batches(outlined, settings, first)
    if not settings.consistency.weight or not others:
        yield from ((batch, None) for batch in learned)
        return
    yield from zip(learned, training_batches(others, settings, first, _OTHERS), strict=True)


def disagreement(network: TumourNet, teacher: TumourNet, batch: Batch, settings: Settings, iteration: int) -> Tensor:
    """Between what the pupil says of changed images and the teacher of them as they are."""
    device = next(network.parameters()).device
    rng = np.random.default_rng([settings.seed, iteration, 57])
    with torch.no_grad():
        said = torch.sigmoid(teacher(batch.images.to(device)))
    other = torch.stack([changed(image, settings.augmentation, rng) for image in batch.images])
    return nn.functional.mse_loss(torch.sigmoid(network(other.to(device))), said)


@torch.no_grad()
def _follow(teacher: TumourNet, network: TumourNet, decay: float) -> None:
    for mean, value in zip(teacher.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.mul_(decay).add_(value, alpha=1 - decay)
        else:
            mean.copy_(value)


def _weight(settings: Settings, iteration: int) -> float:
    """Of the consistency: at first the teacher knows nothing."""
    return settings.consistency.weight * min(1.0, 2 * iteration / settings.iterations)


def validate(network: TumourNet, held: Sequence[Kept], settings: Settings, device: torch.device) -> float:
    """Mean Dice over the regions, of all voxels together."""
    overlap, sizes, _ = validated(network, held, settings, device).sum(axis=0).T
    return float((overlap / np.maximum(sizes, 1)).mean())


@torch.no_grad()
def validated(network: TumourNet, held: Sequence[Kept], settings: Settings, device: torch.device) -> Table:
    """(patient, region, 3), of those with outlines: voxels of twice the overlap, of both sides, of the truth alone."""
    network.eval()
    side = (settings.side,) * 3
    window = SlidingWindowInferer(roi_size=side, overlap=0.25, mode="gaussian")
    sums = []
    for scan in (each for each in held if each.outlined):
        images = torch.from_numpy(scan.images().astype(np.float32))[None].to(device)
        found = window(images, network)[0].cpu() > 0
        truth = regions_of(torch.from_numpy(np.array(scan.parts()))) > 0
        both, said, true = (each.flatten(1).sum(dim=1).numpy() for each in (found & truth, found, truth))
        sums.append(np.stack([2 * both, said + true, true], axis=1))
    return np.array(sums, np.float64).reshape(-1, len(REGIONS), 3)


@torch.no_grad()
def strangeness_of(seen: Sequence[Kept], held: Sequence[Kept], settings: Settings) -> Strangeness:
    """Of the patches of scans that were learned on, its bound set by those validated on."""
    side = (settings.side,) * 3
    learned, bounding = (
        torch.cat([description(torch.from_numpy(tiles(scan.images().astype(np.float32), side, 0))) for scan in scans])
        for scans in (seen, held)
    )
    return Strangeness.fitted(learned, bounding)


def _save(
    path: Path, settings: Settings, data: str, network: nn.Module, teacher: nn.Module, optimiser: torch.optim.AdamW,
    iterations: int, strangeness: Strangeness | None,
) -> None:  # fmt: skip
    learned = None if strangeness is None else strangeness.state_dict()
    said = checkpoints.about(settings, data, iterations, teacher=teacher.state_dict(), strangeness=learned)
    checkpoints.save(path, network, optimiser, said)


if __name__ == "__main__":
    main()

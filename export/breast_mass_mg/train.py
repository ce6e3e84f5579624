"""Trains one of the three networks: a configuration goes in, a checkpoint and TensorBoard curves come out.

python -m export.breast_mass_mg.train --config export/breast_mass_mg/configs/find.json
"""

from pathlib import Path

import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.utils import set_determinism
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export import checkpoints
from export.breast_mass_mg.data import Samples, centred, parts_of, samples, training_batches
from export.breast_mass_mg.model import Finder, build_network
from export.breast_mass_mg.settings import Settings, read_settings
from export.command import training_parser
from export.schedule import learning_rate

RUNS = Path(__file__).parents[1] / "runs"
_AT_ONCE = 16
_RARE = 4.0


def main() -> None:
    given = training_parser(__doc__, "dicom:FOLDER", RUNS / "cache" / "mammograms").parse_args()
    settings = read_settings(given.config)
    torch.set_num_threads(given.threads)
    train(settings, given.data, given.out or RUNS / settings.name, given.cache, torch.device(given.device))


def train(settings: Settings, data: str, out: Path, cache: Path, device: torch.device) -> Path:
    """Runs the iterations that the checkpoint in `out` has not seen yet; gives the checkpoint's path."""
    parts = parts_of(data, settings.split)
    seen = samples(parts.train, settings, data, cache)
    held = centred(samples(parts.validation, settings, data, cache), settings)
    set_determinism(settings.seed)
    network = build_network(settings).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=1e-3)
    loss_of = loss_for(settings, device)
    seen = as_learned(network, seen)
    checkpoint = out / "checkpoint.pt"
    first = 0
    if checkpoint.exists():
        state = checkpoints.resume(checkpoint, settings.model_dump_json(), network, optimiser, device)
        first = int(state["iterations"])
    batches = training_batches(seen, settings, first)
    shown = tqdm(batches, initial=first, total=settings.iterations, unit="batch", mininterval=5)
    with SummaryWriter(out / "curves") as curves:
        losses = []
        for iteration, (images, truth) in enumerate(shown, start=first + 1):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(settings.learning_rate, iteration / settings.iterations)
            losses.append(_step(network, optimiser, loss_of, images.to(device), truth.to(device)))
            if iteration % settings.every == 0 or iteration == settings.iterations:
                dice = validate(network, held, device)
                curves.add_scalar("loss/train", np.mean(losses), iteration)
                curves.add_scalar("dice/validation", dice, iteration)
                tqdm.write(f"{iteration}/{settings.iterations}: loss {np.mean(losses):.4f}, Dice {dice:.4f}")
                losses = []
                _save(checkpoint, settings, data, network, optimiser, iteration)
    return checkpoint


@torch.no_grad()
def as_learned(network: nn.Module, seen: Samples) -> Samples:
    """Parts of whole images have the levels of the whole."""
    if not isinstance(network, Finder):
        return seen
    device = next(network.parameters()).device
    made = [network.levels(torch.from_numpy(image)[None, None].to(device))[0, 0].cpu() for image in seen.images]
    return Samples(torch.stack(made).numpy(), seen.truth)


def _step(
    network: nn.Module, optimiser: torch.optim.AdamW, loss_of: DiceCELoss, images: Tensor, truth: Tensor
) -> float:
    network.train()
    optimiser.zero_grad()
    logits = network.of_levels(images) if isinstance(network, Finder) else network(images)
    loss = loss_of(logits, shrunk(truth, logits))
    torch.autograd.backward(loss)
    optimiser.step()
    return float(loss.item())


def loss_for(settings: Settings, device: torch.device) -> DiceCELoss:
    """Dice's over the batch and cross entropy; of whole images the few pixels of masses count more."""
    weight = torch.tensor([_RARE], device=device) if settings.network == "find" else None
    return DiceCELoss(sigmoid=True, batch=True, weight=weight)


def shrunk(truth: Tensor, to: Tensor) -> Tensor:
    """Where the answer is coarser than the truth, the truth's means."""
    return (
        truth if truth.shape[2:] == to.shape[2:] else functional.adaptive_avg_pool2d(truth, (to.shape[2], to.shape[3]))
    )


@torch.no_grad()
def validate(network: nn.Module, held: Samples, device: torch.device) -> float:
    """Dice of all pixels together."""
    network.eval()
    overlap = size = 0.0
    for logits, truth in answers(network, held, device):
        hit, is_mass = logits > 0, truth > 0.5
        overlap += 2 * float((hit & is_mass).sum())
        size += float(hit.sum() + is_mass.sum())
    return overlap / max(size, 1.0)


def answers(network: nn.Module, held: Samples, device: torch.device) -> list[tuple[Tensor, Tensor]]:
    """Logits and truth, some images at a time."""
    made = []
    for start in range(0, len(held.images), _AT_ONCE):
        images = torch.from_numpy(held.images[start : start + _AT_ONCE])[:, None].to(device)
        logits = network(images)
        truth = torch.from_numpy(held.truth[start : start + _AT_ONCE])[:, None].to(device)
        made.append((logits, shrunk(truth, logits)))
    return made


def _save(
    path: Path, settings: Settings, data: str, network: nn.Module, optimiser: torch.optim.AdamW, iterations: int
) -> None:
    said = {
        "settings": settings.model_dump_json(),
        "data": data.partition(":")[0],
        "seed": settings.seed,
        "iterations": iterations,
    }
    checkpoints.save(path, network, optimiser, said)


if __name__ == "__main__":
    main()

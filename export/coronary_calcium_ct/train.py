"""Trains one of the networks: a configuration goes in, checkpoints and TensorBoard curves come out.

python -m export.coronary_calcium_ct.train --config export/coronary_calcium_ct/configs/unet.json
"""

from collections.abc import Sequence
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
from export.coronary_calcium_ct.data import Batch, Kept, kept, middles, parts_of, training_batches
from export.coronary_calcium_ct.model import CLASSES, CalciumNet, build_network, description
from export.coronary_calcium_ct.settings import Settings, read_settings
from export.schedule import learning_rate
from export.strangeness import Strangeness

RUNS = Path(__file__).parents[1] / "runs"
CACHE = RUNS / "cache" / "coronary"
_RARE = (1.0, 3.0, 1.5, 1.5, 1.5)  # what a voxel counts: the left main artery is short
_VALIDATED_EACH, _DESCRIBED_EACH = 16, 6


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
                dice = validate(network, held, settings, device)
                curves.add_scalar("loss/train", np.mean(losses), iteration)
                curves.add_scalar("dice/validation", dice, iteration)
                tqdm.write(f"{iteration}/{settings.iterations}: loss {np.mean(losses):.4f}, Dice {dice:.4f}")
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
    """Cross entropy of the voxels that are bright enough to be calcium. Of them most are bone, so these count as much
    together as calcium that belongs to an artery."""
    weight = torch.tensor(_RARE, device=device)
    each = cross_entropy(logits, batch.plaques.to(device), weight=weight, reduction="none")
    mine, other = batch.counts & (batch.plaques > 0), batch.counts & (batch.plaques == 0)
    parts = [(each * mask.to(device)).sum() / mask.sum().clamp_min(1) for mask in (mine, other)]
    return parts[0] + parts[1]


@torch.no_grad()
def validate(network: CalciumNet, held: Sequence[Kept], settings: Settings, device: torch.device) -> float:
    """Mean Dice over the arteries, of the voxels that are bright enough."""
    network.eval()
    overlap, size = torch.zeros(CLASSES - 1), torch.zeros(CLASSES - 1)
    for batch in middles(held, settings, _VALIDATED_EACH):
        found = network(batch.hu.to(device)).argmax(dim=1).cpu()
        for number in range(1, CLASSES):
            mine, said = batch.plaques == number, (found == number) & batch.counts
            overlap[number - 1] += 2 * (mine & said).sum()
            size[number - 1] += mine.sum() + said.sum()
    return float((overlap / size.clamp_min(1)).mean())


@torch.no_grad()
def strangeness_of(
    network: CalciumNet, seen: Sequence[Kept], held: Sequence[Kept], settings: Settings, device: torch.device
) -> Strangeness:
    """Fitted on the middles of scans that were learned on, its bound set by those validated on."""
    network.eval()
    learned, bounding = (
        torch.cat([description(*network.see(batch.hu.to(device))).cpu() for batch in middles(scans, settings, each)])
        for scans, each in ((seen, _DESCRIBED_EACH), (held, 2 * _DESCRIBED_EACH))
    )
    return Strangeness.fitted(learned, bounding)


def _save(
    path: Path, settings: Settings, data: str, network: nn.Module, optimiser: torch.optim.AdamW, iterations: int,
    strangeness: Strangeness | None,
) -> None:  # fmt: skip
    learned = None if strangeness is None else strangeness.state_dict()
    said = checkpoints.about(settings, data, iterations, strangeness=learned)
    checkpoints.save(path, network, optimiser, said)


if __name__ == "__main__":
    main()

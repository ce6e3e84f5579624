"""Trains the network: a configuration goes in, checkpoints and TensorBoard curves come out.

python -m export.stroke_cta.train --config export/stroke_cta/configs/standard.json
"""

from collections.abc import Sequence
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
from export.command import training_parser
from export.cubes import OVERLAP
from export.schedule import learning_rate
from export.strangeness import Strangeness
from export.stroke_cta.data import Batch, Kept, kept, parts_of, scaled, tiles, training_batches
from export.stroke_cta.model import StrokeNet, build_network, description
from export.stroke_cta.settings import Settings, read_settings

RUNS = Path(__file__).parents[1] / "runs"
CACHE = RUNS / "cache" / "stroke"
_LOOKED_AT = 8  # scans, as the training goes on


def main() -> None:
    given = training_parser(__doc__, "nifti:FOLDER, a folder a patient as ISLES has it", CACHE).parse_args()
    settings = read_settings(given.config)
    torch.set_num_threads(given.threads)
    train(settings, given.data, given.out or RUNS / settings.name, given.cache, torch.device(given.device))


def train(settings: Settings, data: str, out: Path, cache: Path, device: torch.device) -> Path:
    """Runs the iterations that the checkpoint in `out` has not seen yet; gives the checkpoint's path."""
    parts = parts_of(data, settings)
    root = cache / data.replace("/", "_").replace(":", "_")
    seen, held = kept(parts.train, settings, root), kept(parts.validation, settings, root)
    set_determinism(settings.seed)
    network = build_network(settings).to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-3)
    checkpoint, first = out / "checkpoint.pt", 0
    if checkpoint.exists():
        state = checkpoints.resume(checkpoint, settings.model_dump_json(), network, optimiser, device)
        first = int(state["iterations"])
    losses: list[float] = []
    with SummaryWriter(str(out / "curves")) as curves:
        batches = training_batches(seen, settings, first)
        shown = tqdm(batches, initial=first, total=settings.iterations, unit="batch", mininterval=5)
        for iteration, batch in enumerate(shown, start=first + 1):
            course, before = settings.at(iteration - 1)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(course.learning_rate, (before + 1) / course.iterations)
            losses.append(_step(network, optimiser, batch, device, afar=course is settings.from_afar))
            if iteration % settings.every == 0 or iteration == settings.iterations:
                dice = validate(network, held[:_LOOKED_AT], settings, device)
                curves.add_scalar("loss/train", np.mean(losses), iteration)
                curves.add_scalar("dice/validation", dice, iteration)
                tqdm.write(f"{iteration}/{settings.iterations}: loss {np.mean(losses):.4f}, Dice {dice:.4f}")
                losses = []
                whole = iteration == settings.iterations
                strangeness = strangeness_of(network, seen, held, settings) if whole else None
                _save(checkpoint, settings, data, network, optimiser, iteration, strangeness)
    return checkpoint


def _step(
    network: StrokeNet, optimiser: torch.optim.AdamW, batch: Batch, device: torch.device, *, afar: bool
) -> float:  # fmt: skip
    network.learn(afar=afar)
    optimiser.zero_grad()
    images, truth = (each.to(device, memory_format=torch.channels_last_3d) for each in (batch.images, batch.infarct))
    answered, wanted = (network.from_afar(images), network.pool(truth)) if afar else (network(images), truth)
    loss: Tensor = DiceCELoss(sigmoid=True, batch=True)(answered, wanted)
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return float(loss.item())


@torch.no_grad()
def validate(network: StrokeNet, held: Sequence[Kept], settings: Settings, device: torch.device) -> float:
    """Dice of all voxels of all scans together."""
    network.eval()
    window = SlidingWindowInferer(roi_size=settings.patch, overlap=OVERLAP, mode="gaussian")
    overlap, size = 0, 0
    for scan in held:
        images = scaled(torch.from_numpy(scan.hu().astype(np.float32)))[None, None].to(device)
        found = window(images, network)[0, 0].cpu().numpy() > 0
        truth = scan.infarct()
        overlap += 2 * int((found & truth).sum())
        size += int(found.sum()) + int(truth.sum())
    return overlap / max(size, 1)


@torch.no_grad()
def strangeness_of(
    network: StrokeNet, seen: Sequence[Kept], held: Sequence[Kept], settings: Settings
) -> Strangeness:  # fmt: skip
    """Of the patches of scans that were learned on, its bound set by those validated on."""
    windows = network.windows
    learned, bounding = (
        torch.cat([description(windows(tiles(scan.hu(), settings.patch))) for scan in scans]) for scans in (seen, held)
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

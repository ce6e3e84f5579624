"""Trains the network: a configuration goes in, checkpoints and TensorBoard curves come out.

python -m export.ct_denoise.train --config export/ct_denoise/configs/standard.json
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from monai.utils import set_determinism
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export import checkpoints
from export.command import training_parser
from export.ct_denoise.data import Kept, kept, parts_of, training_batches, whole
from export.ct_denoise.model import DenoiseNet, description, loss_of
from export.ct_denoise.settings import Settings, read_settings
from export.restoring.quality import psnr
from export.schedule import learning_rate
from export.strangeness import Strangeness

RUNS = Path(__file__).parents[1] / "runs"
CACHE = RUNS / "cache" / "ct-denoise"
PEAK_HU = 2000.0
"""From air to dense bone: what an error is held against in decibels."""
_KEPT = 0.975  # of the scans


def main() -> None:
    given = training_parser(__doc__, "ldct:FOLDER or nifti:FOLDER", CACHE).parse_args()
    settings = read_settings(given.config)
    torch.set_num_threads(given.threads)
    train(settings, given.data, given.out or RUNS / settings.name, given.cache, torch.device(given.device))


def train(settings: Settings, data: str, out: Path, cache: Path, device: torch.device) -> Path:
    """Runs the iterations that the checkpoint in `out` has not seen yet; gives the checkpoint's path."""
    parts, root = parts_of(data, settings), cache / data.replace("/", "_").replace(":", "_")
    seen, held = kept(parts.train, settings, root), kept(parts.validation, settings, root)
    set_determinism(settings.seed)
    network = DenoiseNet(settings).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=1e-4)
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
            losses.append(_step(network, optimiser, batch.low.to(device), batch.good.to(device)))
            if iteration % settings.every == 0 or iteration == settings.iterations:
                before, after = validate(network, held, device)
                curves.add_scalar("loss/train", np.mean(losses), iteration)
                curves.add_scalar("psnr/validation", after, iteration)
                said = f"loss {np.mean(losses):.5f}, PSNR {after:.2f} dB, of the low dose {before:.2f} dB"
                tqdm.write(f"{iteration}/{settings.iterations}: {said}")
                losses = []
                strange = strangeness_of(network, seen, held, device) if iteration == settings.iterations else None
                learned = None if strange is None else strange.state_dict()
                about = checkpoints.about(settings, data, iteration, strangeness=learned)
                checkpoints.save(checkpoint, network, optimiser, about)
    return checkpoint


def _step(network: DenoiseNet, optimiser: torch.optim.AdamW, low: Tensor, good: Tensor) -> float:
    network.train()
    optimiser.zero_grad()
    loss = loss_of(network(low), good)
    torch.autograd.backward(loss)
    optimiser.step()
    return float(loss.item())


@torch.no_grad()
def validate(network: DenoiseNet, held: Sequence[Kept], device: torch.device) -> tuple[float, float]:
    """Decibels of the low dose and of what the network makes of it, the mean over groups of slices."""
    network.eval()
    found: list[tuple[float, float]] = []
    for scan in held:
        for batch in whole(scan):
            good = batch.good.numpy()
            made = network(batch.low.to(device)).cpu().numpy()
            found.append((psnr(batch.low[:, 1:2].numpy(), good, PEAK_HU), psnr(made, good, PEAK_HU)))
    before, after = np.mean(found, axis=0)
    return float(before), float(after)


@torch.no_grad()
def strangeness_of(
    network: DenoiseNet, seen: Sequence[Kept], held: Sequence[Kept], device: torch.device
) -> Strangeness:
    """Fitted on slices that were learned on; its bound is that of whole scans, whose median counts."""
    network.eval()

    def described(scan: Kept) -> Tensor:
        found = [network.see(batch.low.to(device))[1:] for batch in whole(scan)]
        return torch.cat([description(windowed, features).cpu() for windowed, features in found])

    learned, bounding = [described(scan) for scan in seen], [described(scan) for scan in held]
    fitted = Strangeness.fitted(torch.cat(learned), torch.cat(bounding), _KEPT)
    medians = torch.stack([fitted(scan).median() for scan in bounding])
    return fitted.widened(torch.quantile(medians, _KEPT))


if __name__ == "__main__":
    main()

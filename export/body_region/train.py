"""Trains the network: a configuration goes in, a checkpoint with its temperature and threshold comes out.

python -m export.body_region.train --config export/body_region/configs/standard.json
"""

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from export import checkpoints
from export.body_region.data import Part, batches, parts_of, varied_part
from export.body_region.model import RegionNet, build_network
from export.body_region.settings import Settings, read_settings

RUNS = Path(__file__).parents[1] / "runs"
_SMALLEST_SHARE = 0.02  # of the learning rate, at the end
_SMOOTHING = 0.02
_AT_ONCE = 256
_LEAST_THRESHOLD, _MOST_THRESHOLD = 0.8, 0.995
"""A series given to the wrong model costs more than one that is left to its header."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="folder of the checkpoint; an unfinished one is resumed")
    parser.add_argument("--cache", type=Path, default=RUNS / "cache" / "regions")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    settings = read_settings(given.config)
    torch.set_num_threads(given.threads)
    train(settings, given.out or RUNS / settings.name, given.cache)


def train(settings: Settings, out: Path, cache: Path) -> Path:
    """Runs the epochs that the checkpoint in `out` has not seen yet, then calibrates; gives the checkpoint's path."""
    parts = parts_of(settings, cache)
    torch.manual_seed(settings.seed)
    network = build_network(settings).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=0.02)
    checkpoint = out / "checkpoint.pt"
    first = 0
    if checkpoint.exists():
        first = int(checkpoints.resume(checkpoint, settings.model_dump_json(), network, optimiser)["epochs"])
    for epoch in range(first, settings.epochs):
        loss = _run_epoch(network, optimiser, parts.train, settings, epoch)
        logits = logits_of(network, parts.validation)
        correct = float((logits.argmax(axis=1) == parts.validation.regions).mean())
        tqdm.write(f"epoch {epoch + 1}/{settings.epochs}: loss {loss:.4f}, accuracy {correct:.4f}")
        _save(checkpoint, settings, network, optimiser, epoch + 1, None)
    threshold = calibrate(network, varied_part(parts.validation, settings.seed), settings.largest_wrong_share)
    _save(checkpoint, settings, network, optimiser, settings.epochs, threshold)
    return checkpoint


def _run_epoch(network: RegionNet, optimiser: torch.optim.AdamW, part: Part, settings: Settings, epoch: int) -> float:
    network.train()
    torch.manual_seed(settings.seed * 1000 + epoch)
    steps, total = math.ceil(len(part.regions) / settings.batch), 0.0
    for step, (images, regions) in enumerate(tqdm(batches(part, settings, epoch), total=steps, mininterval=5)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(settings, (epoch + step / steps) / settings.epochs)
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(network(images), regions, label_smoothing=_SMOOTHING)
        torch.autograd.backward(loss)
        optimiser.step()
        total += loss.item()
    return total / steps


def learning_rate(settings: Settings, done: float) -> float:
    """Falls along a cosine; `done` is the share of the training that is behind."""
    return settings.learning_rate * (_SMALLEST_SHARE + (1 - _SMALLEST_SHARE) * (1 + math.cos(math.pi * done)) / 2)


@torch.inference_mode()
def logits_of(network: nn.Module, part: Part) -> NDArray[np.float64]:
    network.eval()
    chunks = np.array_split(part.images, math.ceil(len(part.images) / _AT_ONCE))
    answers = [network(torch.from_numpy(chunk.astype(np.float32))[:, None]) for chunk in chunks]
    return torch.cat(answers).numpy().astype(np.float64)


def calibrate(network: RegionNet, validation: Part, largest_wrong_share: float) -> float:
    """Fits the temperature, and gives the probability from which on few enough answers are wrong."""
    network.temperature.fill_(1.0)
    logits = torch.from_numpy(logits_of(network, validation))
    regions = torch.from_numpy(validation.regions)
    candidates = torch.logspace(-1, 1, 201, dtype=torch.float64)
    losses = torch.stack([nn.functional.cross_entropy(logits / each, regions) for each in candidates])
    best = candidates[losses.argmin()]
    network.temperature.fill_(float(best))
    return threshold_of(torch.softmax(logits / best, dim=1), regions, largest_wrong_share)


def threshold_of(probabilities: Tensor, regions: Tensor, largest_wrong_share: float) -> float:
    stated, said = probabilities.max(dim=1)
    for threshold in np.arange(_LEAST_THRESHOLD, _MOST_THRESHOLD, 0.005):
        passed = stated >= threshold
        wrong = (said != regions) & passed
        if int(wrong.sum()) <= largest_wrong_share * int(passed.sum()):
            return round(float(threshold), 3)
    return _MOST_THRESHOLD


def _save(
    path: Path, settings: Settings, network: RegionNet, optimiser: torch.optim.AdamW, epochs: int,
    threshold: float | None,
) -> None:  # fmt: skip
    said = {
        "settings": settings.model_dump_json(),
        "seed": settings.seed,
        "epochs": epochs,
        "threshold": threshold,
    }
    checkpoints.save(path, network, optimiser, said)


if __name__ == "__main__":
    main()

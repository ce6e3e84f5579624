"""Trains both networks: a configuration and data go in, a calibrated checkpoint with thresholds comes out.

python -m export.chest_findings_cxr.train --config export/chest_findings_cxr/configs/standard.json
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export import checkpoints
from export.checkpoints import SettingsError
from export.chest_findings_cxr.calibrate import calibrate, fit_strangeness, logits_of, mean_auc
from export.chest_findings_cxr.data import Part, Parts, batches, laid, parts_of
from export.chest_findings_cxr.model import TURNS, Judge, build_network
from export.chest_findings_cxr.settings import Settings, read_settings
from export.strangeness import Strangeness

RUNS = Path(__file__).parents[1] / "runs"
_SMALLEST_SHARE, _WARMING = 0.01, 0.06  # of the learning rate at the end; of the training before it is whole
_BESIDE = 12  # images of other kinds in a batch
_PLACES = 1.0  # weight of the maps' part of the loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", default="phantoms", help="phantoms (default), chestxray14:FOLDER or dicom:FOLDER")
    parser.add_argument("--out", type=Path, help="folder of the checkpoint; an unfinished one is resumed")
    parser.add_argument("--cache", type=Path, default=RUNS / "cache" / "chest")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prepare", action="store_true", help="only fit and keep the images")
    parser.add_argument("--minutes", type=float, help="begin no epoch after so many, to be resumed")
    given = parser.parse_args()
    settings = read_settings(given.config)
    torch.set_num_threads(given.threads)
    if given.prepare:
        parts_of(settings, given.data, given.cache, given.threads)
        return
    train(settings, given.data, given.out or RUNS / settings.name, given.cache, given.device, given.minutes)


def train(
    settings: Settings, data: str, out: Path, cache: Path, device: str = "cpu", minutes: float | None = None
) -> Path:
    """Runs the epochs that the checkpoint in `out` has not seen yet, then calibrates; gives the checkpoint's path."""
    parts = parts_of(settings, data, cache)
    torch.manual_seed(settings.seed)
    network = build_network(settings).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    checkpoint = out / "checkpoint.pt"
    first = 0
    if checkpoint.exists():
        state = checkpoints.resume(checkpoint, settings.model_dump_json(), network, optimiser)
        if state["data"] != data.partition(":")[0]:
            raise SettingsError(f"{checkpoint} was trained on other data; give another --out or remove it.")
        first = int(state["epochs"])
    started, done = time.monotonic(), first
    with SummaryWriter(str(out / "log")) as log:
        for epoch in range(first, settings.epochs):
            if minutes is not None and time.monotonic() - started > 60 * minutes:
                break
            losses = _run_epoch(network, optimiser, parts, settings, epoch)
            logits = logits_of(network, parts.validation)
            area = mean_auc(logits, parts.validation.truth)
            for name, value in (*losses.items(), ("validation AUC", area)):
                log.add_scalar(name, value, epoch + 1)
            tqdm.write(f"epoch {epoch + 1}/{settings.epochs}: {losses}, mean AUC {area:.4f}")
            done = epoch + 1
            _save(checkpoint, settings, data, network, optimiser, done, None, None)
    if done == settings.epochs:
        thresholds = calibrate(network, parts.validation)
        strangeness = fit_strangeness(network, parts)
        _save(checkpoint, settings, data, network, optimiser, done, thresholds, strangeness)
    return checkpoint


def _run_epoch(
    network: Judge, optimiser: torch.optim.AdamW, parts: Parts, settings: Settings, epoch: int
) -> dict[str, float]:
    network.train()
    torch.manual_seed(settings.seed * 1000 + epoch)
    generator = torch.Generator().manual_seed(settings.seed * 1000 + epoch + 500)
    device = next(network.parameters()).device
    weight = rare_weight(parts.train, settings).to(device)
    steps = math.ceil(len(parts.train) / settings.batch)
    sums: dict[str, float] = {}
    bar = tqdm(batches(parts.train, settings, epoch), total=steps, desc=f"epoch {epoch + 1}", mininterval=5)
    for step, (images, lies, places, truth, known) in enumerate(bar):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(settings, (epoch + step / steps) / settings.epochs)
        optimiser.zero_grad()
        others = _others(parts.beside, generator)
        posture = _posture_loss(network, *laid(images, lies, generator), others, device)
        shown = network.scaled(images.to(device)).contiguous(memory_format=torch.channels_last)
        logits, maps = network.chest(shown)
        findings = binary_cross_entropy_with_logits(logits, truth.to(device), pos_weight=weight)
        where = places_loss(maps, places.to(device), truth.to(device), known.to(device))
        torch.autograd.backward(findings + _PLACES * where + posture)
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        for name, value in (("findings", findings), ("places", where), ("posture", posture)):
            sums[name] = sums.get(name, 0.0) + float(value.detach()) / steps
    return {name: round(value, 4) for name, value in sums.items()}


def rare_weight(part: Part, settings: Settings) -> Tensor:
    """The square root of how much rarer a finding is than its absence: a rare one counts more, but not wholly so."""
    share = torch.from_numpy(np.asarray(part.truth).mean(axis=0)).clamp(1e-4, 0.5)
    return torch.sqrt((1 - share) / share).clamp_max(settings.rare_weight_most).float()


def places_loss(maps: Tensor, places: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Where a finding is there and its place known, in and out of the place alike; where it is absent, everywhere."""
    each = binary_cross_entropy_with_logits(maps, places, reduction="none")
    covered = places.sum((2, 3))
    inside = (each * places).sum((2, 3)) / covered.clamp_min(1)
    outside = (each * (1 - places)).sum((2, 3)) / (places.shape[2] * places.shape[3] - covered).clamp_min(1)
    there = truth * (covered > 0) * known[:, None]
    absent = 1 - truth
    return ((inside + outside) * there).sum() / there.sum().clamp_min(1) + (outside * absent).sum() / absent.sum()


def _others(beside: NDArray[np.uint8], generator: torch.Generator) -> Tensor:
    """Laterals and other regions, turned and inverted at random."""
    chosen = torch.randint(0, len(beside), (_BESIDE,), generator=generator)
    images = torch.from_numpy(beside[chosen.numpy()].astype(np.float32) / 255)[:, None]
    grey = images ** torch.exp(0.28 * torch.randn(len(images), 1, 1, 1, generator=generator))
    return laid(grey, torch.ones_like(grey), generator)[0]


def _posture_loss(
    network: Judge, images: Tensor, quarters: Tensor, inverted: Tensor, others: Tensor, device: torch.device
) -> Tensor:
    said = network.posture(network.scaled(torch.cat([images, others]).to(device)))
    count = len(images)
    frontal = (torch.arange(len(said), device=device) < count).float()
    return (
        cross_entropy(said[:count, :TURNS], quarters.to(device))
        + binary_cross_entropy_with_logits(said[:count, TURNS], inverted.to(device))
        + binary_cross_entropy_with_logits(said[:, TURNS + 1], frontal)
    )


def learning_rate(settings: Settings, done: float) -> float:
    """Rises, then falls along a cosine; `done` is the share of the training that is behind."""
    rise = min((done + 1e-3) / _WARMING, 1.0)
    return (
        settings.learning_rate * rise * (_SMALLEST_SHARE + (1 - _SMALLEST_SHARE) * (1 + math.cos(math.pi * done)) / 2)
    )


def _save(
    path: Path, settings: Settings, data: str, network: Judge, optimiser: torch.optim.AdamW, epochs: int,
    thresholds: list[float] | None, strangeness: Strangeness | None,
) -> None:  # fmt: skip
    said = {
        "settings": settings.model_dump_json(),
        "seed": settings.seed,
        "data": data.partition(":")[0],
        "epochs": epochs,
        "thresholds": thresholds,
        "strangeness": None if strangeness is None else strangeness.state_dict(),
    }
    checkpoints.save(path, network, optimiser, said)


if __name__ == "__main__":
    main()

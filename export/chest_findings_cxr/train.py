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

from export.chest_findings_cxr.data import Part, Parts, batches, laid, parts_of
from export.chest_findings_cxr.model import TURNS, Judge, build_network
from export.chest_findings_cxr.settings import Settings, SettingsError, read_settings
from export.phantoms.chest import FINDINGS
from export.strangeness import Strangeness, description_of

RUNS = Path(__file__).parents[1] / "runs"
_SMALLEST_SHARE, _WARMING = 0.01, 0.06  # of the learning rate at the end; of the training before it is whole
_BESIDE = 12  # images of other kinds in a batch
_PLACES = 1.0  # weight of the maps' part of the loss
_AT_ONCE = 32
_DESCRIBED = 1500  # training images that the measure of strangeness is fitted on
_KEPT = 0.98


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
    first = _resume(checkpoint, settings, data, network, optimiser) if checkpoint.exists() else 0
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


@torch.inference_mode()
def logits_of(network: Judge, part: Part) -> NDArray[np.float64]:
    network.eval()
    device = next(network.parameters()).device
    found = []
    for chosen in np.array_split(np.arange(len(part)), math.ceil(len(part) / _AT_ONCE)):
        images = part.of(chosen)[0].to(device)
        found.append(network.chest(network.scaled(images).contiguous(memory_format=torch.channels_last))[0].cpu())
    return torch.cat(found).numpy().astype(np.float64)


def mean_auc(logits: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Of the findings that some have and some have not."""
    columns = [column for column in range(truth.shape[1]) if 0 < truth[:, column].sum() < len(truth)]
    return float(np.mean([auc(logits[:, column], truth[:, column]) for column in columns])) if columns else math.nan


def auc(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """The share of pairs of one that has the finding and one that has not, in which the first has the higher score."""
    order = np.argsort(np.argsort(scores, kind="stable"), kind="stable") + 1.0
    there = truth.sum()
    return float((order[truth].sum() - there * (there + 1) / 2) / (there * (len(truth) - there)))


def calibrate(network: Judge, validation: Part) -> list[float]:
    """Fits scale and shift of each finding's logit, and gives the probabilities from which on findings are present."""
    chest = network.chest
    chest.scale.fill_(1.0)
    chest.shift.fill_(0.0)
    logits, truth = torch.from_numpy(logits_of(network, validation)), np.array(validation.truth)
    thresholds = []
    for column in range(len(FINDINGS)):
        there = truth[:, column]
        if not 0 < there.sum() < len(there):
            thresholds.append(0.5)
            continue
        scale, shift = _fitted(logits[:, column], torch.from_numpy(there).double())
        chest.scale[column], chest.shift[column] = scale, shift
        thresholds.append(_threshold(torch.sigmoid(logits[:, column] * scale + shift).numpy(), there))
    return thresholds


def _fitted(logits: Tensor, truth: Tensor) -> tuple[float, float]:
    """Platt's scaling, by Newton's steps, held a little to leaving the logits as they are."""
    weights = torch.tensor([1.0, 0.0], dtype=torch.float64)
    design = torch.stack([logits, torch.ones_like(logits)], dim=1)
    for _ in range(30):
        said = torch.sigmoid(design @ weights)
        gradient = design.T @ (said - truth) + torch.tensor([weights[0] - 1.0, 0.0], dtype=torch.float64)
        curve = (design * (said * (1 - said))[:, None]).T @ design + torch.diag(torch.tensor([1.0, 1e-3]).double())
        weights = weights - torch.linalg.solve(curve, gradient)
    return max(float(weights[0]), 0.05), float(weights[1])


def _threshold(probability: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Where sensitivity and specificity together are largest, in the middle between two answers."""
    candidates = np.unique(probability)
    middles = (candidates[1:] + candidates[:-1]) / 2
    gains = [(probability[truth] > each).mean() - (probability[~truth] > each).mean() for each in middles]
    return round(float(np.clip(middles[int(np.argmax(gains))], 0.01, 0.99)), 4)


@torch.inference_mode()
def fit_strangeness(network: Judge, parts: Parts) -> Strangeness:
    learned = descriptions(network, parts.train, np.arange(min(len(parts.train), _DESCRIBED)))
    bounding = descriptions(network, parts.validation, np.arange(len(parts.validation)))
    return Strangeness.fitted(learned, bounding, _KEPT)


def descriptions(network: Judge, part: Part, numbers: NDArray[np.int64]) -> Tensor:
    """Of the images as they are, on the CPU."""
    network.eval()
    device, found = next(network.parameters()).device, []
    for chosen in np.array_split(numbers, max(math.ceil(len(numbers) / _AT_ONCE), 1)):
        images = network.scaled(part.of(chosen)[0].to(device))
        found.append(description_of(images, network.chest.maps(images)[1]).cpu())
    return torch.cat(found)


def _save(
    path: Path, settings: Settings, data: str, network: Judge, optimiser: torch.optim.AdamW, epochs: int,
    thresholds: list[float] | None, strangeness: Strangeness | None,
) -> None:  # fmt: skip
    """Everything a resumption or an export needs; written beside and renamed, so that no half file is ever there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {
        "settings": settings.model_dump_json(),
        "seed": settings.seed,
        "data": data.partition(":")[0],
        "epochs": epochs,
        "thresholds": thresholds,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "strangeness": None if strangeness is None else strangeness.state_dict(),
    }
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def _resume(path: Path, settings: Settings, data: str, network: Judge, optimiser: torch.optim.AdamW) -> int:
    state = torch.load(path, map_location="cpu", weights_only=True)
    if Settings.model_validate_json(state["settings"]) != settings or state["data"] != data.partition(":")[0]:
        raise SettingsError(f"{path} was trained with another configuration or data; give another --out or remove it.")
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["epochs"])


if __name__ == "__main__":
    main()

"""Trains the network: a configuration goes in, a checkpoint with temperature and bound of strangeness comes out.

python -m export.liver_steatosis_us.train [--data FOLDER]
"""

import argparse
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export import checkpoints
from export.checkpoints import SettingsError
from export.liver_steatosis_us.data import Cases, DataError, parts_of
from export.liver_steatosis_us.model import GradedStrangeness, GradeNet, build_network
from export.liver_steatosis_us.settings import CONFIG, Settings, read_settings

RUNS = Path(__file__).parents[1] / "runs"
CACHE = RUNS / "cache" / "ultrasound"
_KEPT_EVERY = 50
"""Epochs between two looks at the validation part, and between two checkpoints."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--data", default="phantoms", help="a folder with normal/, mild/, moderate/, severe/")
    parser.add_argument("--out", type=Path, help="folder of the checkpoint; an unfinished one is resumed")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    settings = read_settings(given.config)
    try:
        train(settings, given.data, given.out or RUNS / settings.name, given.cache, given.processes, given.device)
    except (DataError, SettingsError) as error:
        raise SystemExit(str(error)) from None


def train(settings: Settings, source: str, out: Path, cache: Path, processes: int, device: str = "cpu") -> Path:
    """Goes on where the checkpoint in `out` ended, and keeps what was best on the validation part."""
    parts = parts_of(settings, source, cache, processes)
    torch.manual_seed(settings.seed)
    network = build_network(settings).to(device)
    numbers, grades = _tensors(parts.train, device)
    network.fit_scale(numbers)
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    checkpoint = out / "checkpoint.pt"
    state = _resumed(checkpoint, settings, network, optimiser, device)
    with SummaryWriter(str(out)) as log:
        for epoch in tqdm(range(state["epochs"], settings.epochs), desc="epochs", mininterval=5):
            network.train()
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(network(numbers), grades)
            torch.autograd.backward(loss)
            optimiser.step()
            if (epoch + 1) % _KEPT_EVERY == 0 or epoch + 1 == settings.epochs:
                missed, right = validated(network, parts.validation, device)
                log.add_scalars("loss", {"train": loss.item(), "validation": missed}, epoch + 1)
                log.add_scalar("accuracy", right, epoch + 1)
                if missed < state["least"]:
                    state |= {"least": missed, "best": _copied(network)}
                state |= {"epochs": epoch + 1, "network": _copied(network), "optimiser": optimiser.state_dict()}
                _save(checkpoint, settings, state)
    network.load_state_dict(state["best"])
    network.cpu()
    network.temperature.fill_(temperature(network, parts.validation))
    strangeness = GradedStrangeness.fitted(
        *_tensors(parts.train, "cpu"), torch.from_numpy(parts.validation.numbers), settings.kept
    )
    missed, right = validated(network, parts.validation, "cpu")
    tqdm.write(f"validation: loss {missed:.4f}, accuracy {right:.4f}, temperature {network.temperature.item():.3f}")
    _save(checkpoint, settings, state | {"served": network.state_dict(), "strangeness": strangeness.state_dict()})
    return checkpoint


@torch.inference_mode()
def validated(network: GradeNet, cases: Cases, device: str) -> tuple[float, float]:
    """Mean loss, and the share whose likeliest grade is right."""
    network.eval()
    numbers, grades = _tensors(cases, device)
    logits = network(numbers)
    return nn.functional.cross_entropy(logits, grades).item(), (logits.argmax(dim=1) == grades).float().mean().item()


@torch.inference_mode()
def temperature(network: GradeNet, cases: Cases) -> float:
    """That makes the probabilities honest on the validation part."""
    network.temperature.fill_(1.0)
    numbers, grades = _tensors(cases, "cpu")
    logits = network(numbers)
    candidates = torch.logspace(-0.5, 0.5, 101)
    losses = torch.stack([nn.functional.cross_entropy(logits / each, grades) for each in candidates])
    return float(candidates[losses.argmin()])


def _tensors(cases: Cases, device: str) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(cases.numbers).to(device), torch.from_numpy(cases.grades).to(device)


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}


def _save(path: Path, settings: Settings, state: dict[str, Any]) -> None:
    """Written beside and renamed, so that no half file is ever there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({**state, "settings": settings.model_dump_json(), "seed": settings.seed}, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def _resumed(
    path: Path, settings: Settings, network: GradeNet, optimiser: torch.optim.Optimizer, device: str
) -> dict[str, Any]:
    if not path.exists():
        return {"epochs": 0, "least": float("inf"), "best": _copied(network)}
    return checkpoints.resume(path, settings.model_dump_json(), network, optimiser, device)


if __name__ == "__main__":
    main()

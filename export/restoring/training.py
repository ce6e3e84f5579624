"""The training of a restorer: a task and its settings go in, checkpoints and TensorBoard curves come out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from monai.utils import set_determinism
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export import checkpoints
from export.command import training_parser
from export.restoring.adversarial import Rival
from export.restoring.network import Range, Restorer, between, description
from export.restoring.pairs import Batch, Entry, Kept, kept, training_batches, whole
from export.restoring.quality import psnr
from export.restoring.settings import Settings, read_settings
from export.schedule import learning_rate
from export.split import Parts, split_by_patient, wanted
from export.strangeness import Strangeness

RUNS = Path(__file__).parents[1] / "runs"
_KEPT = 0.975  # of the groups of slices


@dataclass(frozen=True)
class Task:
    """What is restored: `entries` of some data and a number of patients, what the network sees of their values, and
    how far these lie apart, which errors are held against in decibels; whether values mean nothing by themselves, and
    what range of another kind of image they are made `into`.
    """

    entries: Callable[[str, int], Sequence[Entry]]
    within: Range
    peak: float
    own_scale: bool = False
    into: Range | None = None

    def parts(self, data: str, settings: Settings) -> Parts[Entry]:
        return split_by_patient(self.entries(data, wanted(settings.split)), settings.split, settings.seed)

    def network(self, settings: Settings) -> Restorer:
        return Restorer(settings.channels, settings.dilations, self.within, settings.beside, settings.finer, self.into)

    @property
    def scale(self) -> float:
        """Of what comes out."""
        return (self.into or self.within).scale

    def loss(self, found: Tensor, good: Tensor) -> Tensor:
        """Of another kind of image the borders are unsure, which the square of the error would blur."""
        wrong = torch.nn.functional.mse_loss if self.into is None else torch.nn.functional.l1_loss
        return wrong(found / self.scale, good / self.scale)


def main(says: str | None, data: str, task: Task) -> None:
    """A command line about one task; `data` are the forms that `--data` may have beside phantoms."""
    given = training_parser(says, data, RUNS / "cache").parse_args()
    settings = read_settings(given.config)
    torch.set_num_threads(given.threads)
    cache = given.cache / settings.name
    train(task, settings, given.data, given.out or RUNS / settings.name, cache, torch.device(given.device))


def train(task: Task, settings: Settings, data: str, out: Path, cache: Path, device: torch.device) -> Path:
    """Runs the iterations that the checkpoint in `out` has not seen yet; gives the checkpoint's path."""
    parts, root = task.parts(data, settings), cache / data.replace("/", "_").replace(":", "_")
    seen, held = kept(parts.train, settings, root), kept(parts.validation, settings, root)
    set_determinism(settings.seed)
    network = task.network(settings).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=1e-4)
    rival = None
    if settings.adversarial is not None:
        rival = Rival(settings.adversarial, settings.seed, device, settings.finer)
    checkpoint, first = out / "checkpoint.pt", 0
    if checkpoint.exists():
        state = checkpoints.resume(checkpoint, settings.model_dump_json(), network, optimiser, device)
        first = int(state["iterations"])
        if rival is not None:
            rival.load(state["rival"])
    run = Run(task, settings, network, optimiser, rival, device)
    batches = training_batches(seen, settings, first)
    losses: list[float] = []
    with SummaryWriter(str(out / "curves")) as curves:
        shown = tqdm(batches, initial=first, total=settings.iterations, unit="batch", mininterval=5)
        for iteration, batch in enumerate(shown, start=first + 1):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(settings.learning_rate, iteration / settings.iterations)
            losses.append(run.step(batch, iteration))
            if iteration % settings.every == 0 or iteration == settings.iterations:
                before, after = validate(task, network, held, device)
                curves.add_scalar("loss/train", np.mean(losses), iteration)
                curves.add_scalar("psnr/validation", after, iteration)
                said = f"loss {np.mean(losses):.5f}, PSNR {after:.2f} dB, of what is seen {before:.2f} dB"
                tqdm.write(f"{iteration}/{settings.iterations}: {said}")
                losses = []
                strange = strangeness_of(network, seen, held, device) if iteration == settings.iterations else None
                learned = None if strange is None else strange.state_dict()
                more = {} if rival is None else {"rival": rival.state()}
                about = checkpoints.about(settings, data, iteration, strangeness=learned, **more)
                checkpoints.save(checkpoint, network, optimiser, about)
    return checkpoint


@dataclass(frozen=True, eq=False)
class Run:
    """What one training works with."""

    task: Task
    settings: Settings
    network: Restorer
    optimiser: torch.optim.AdamW
    rival: Rival | None
    device: torch.device

    def step(self, batch: Batch, iteration: int) -> float:
        """Gives the error, without what a critic says."""
        self.network.train()
        self.optimiser.zero_grad()
        seen, good = batch.seen.to(self.device), batch.good.to(self.device)
        made = self.network(seen)
        error = self.task.loss(made, good)
        loss = error
        if self.rival is not None and iteration > self.rival.settings.begins * self.settings.iterations:
            scaled_made, scaled_good = (each / self.task.scale for each in (made, good))
            self.rival.learn(scaled_made.detach(), scaled_good, iteration)
            loss = error + self.rival.against(scaled_made)
        torch.autograd.backward(loss)
        self.optimiser.step()
        return float(error.item())


@torch.no_grad()
def validate(task: Task, network: Restorer, held: Sequence[Kept], device: torch.device) -> tuple[float, float]:
    """Decibels of what is seen and of what the network makes of it, the mean over groups of slices; where it makes
    another kind of image, of nought in the place of what is seen.
    """
    network.eval()
    found: list[tuple[float, float]] = []
    for scan in held:
        for batch in whole(scan, network.beside):
            good = batch.good.numpy()
            made = network(batch.seen.to(device)).cpu().numpy()
            plain = between(batch.seen, network.finer).numpy() if network.into is None else np.zeros_like(good)
            found.append((psnr(plain, good, task.peak), psnr(made, good, task.peak)))
    before, after = np.mean(found, axis=0)
    return float(before), float(after)


@torch.no_grad()
def strangeness_of(network: Restorer, seen: Sequence[Kept], held: Sequence[Kept], device: torch.device) -> Strangeness:
    """Fitted on slices that were learned on; its bound is that of groups of slices, of which a patch has the mean."""
    network.eval()

    def described(scan: Kept) -> list[Tensor]:
        found = [network.see(batch.seen.to(device))[1:] for batch in whole(scan, network.beside)]
        return [description(values, features).cpu() for values, features in found]

    learned, bounding = ([group for scan in scans for group in described(scan)] for scans in (seen, held))
    fitted = Strangeness.fitted(torch.cat(learned), torch.cat(bounding), _KEPT)
    means = torch.stack([fitted(group).mean() for group in bounding])
    return fitted.widened(torch.quantile(means, _KEPT))

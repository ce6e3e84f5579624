"""Trains the network without pairs: a configuration goes in, checkpoints and TensorBoard curves come out.

Half of the patients have a T1 alone, the others a CT alone. A second network makes a T1 of a CT; what goes there and
back should be what it was, and two critics say whether what was made looks like what was taken.

python -m export.mr_to_ct.unpaired --config export/mr_to_ct/configs/unpaired.json
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.utils import set_determinism
from torch import Tensor
from torch.nn.functional import l1_loss
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export import checkpoints
from export.command import training_parser
from export.mr_to_ct.train import HOUNSFIELD, T1, TASK
from export.restoring.adversarial import Rival
from export.restoring.network import Restorer
from export.restoring.pairs import kept, training_batches
from export.restoring.settings import Settings, read_settings
from export.restoring.training import RUNS, strangeness_of, validate
from export.schedule import learning_rate

_AGAIN = 10.0  # so much more counts what comes back than what the critics say, at a weight of one


@dataclass(eq=False)
class Cycle:
    """Both networks, which learn together, with a critic of CT and one of T1."""

    there: Restorer
    back: Restorer
    optimiser: torch.optim.AdamW
    of_ct: Rival
    of_t1: Rival

    @classmethod
    def begun(cls, settings: Settings, device: torch.device) -> "Cycle":
        if settings.beside or settings.adversarial is None:
            raise checkpoints.SettingsError(
                "A training without pairs looks at single slices and has critics; set beside to 0 and adversarial."
            )
        there = TASK.network(settings).to(device)
        back = Restorer(settings.channels, settings.dilations, HOUNSFIELD, 0, into=T1).to(device)
        optimiser = torch.optim.AdamW(
            [*there.parameters(), *back.parameters()], settings.learning_rate, weight_decay=1e-4
        )
        rivals = [Rival(settings.adversarial, settings.seed + number, device) for number in range(2)]
        return cls(there, back, optimiser, *rivals)

    def state(self) -> dict[str, Any]:
        return {"back": self.back.state_dict(), "of_ct": self.of_ct.state(), "of_t1": self.of_t1.state()}

    def load(self, state: Mapping[str, Any]) -> None:
        self.back.load_state_dict(state["back"])
        self.of_ct.load(state["of_ct"])
        self.of_t1.load(state["of_t1"])

    def step(self, t1: Tensor, ct: Tensor, iteration: int) -> float:
        """Gives how far what comes back lies from what it was."""
        self.there.train()
        self.back.train()
        self.optimiser.zero_grad()
        made_ct, made_t1 = self.there(t1), self.back(ct)
        again = l1_loss(self.back(made_ct), t1) + l1_loss(self.there(made_t1) / TASK.scale, ct / TASK.scale)
        self.of_ct.learn(made_ct.detach() / TASK.scale, ct / TASK.scale, iteration)
        self.of_t1.learn(made_t1.detach(), t1, iteration)
        said = self.of_ct.against(made_ct / TASK.scale) + self.of_t1.against(made_t1)
        torch.autograd.backward(_AGAIN * again + said)
        self.optimiser.step()
        return float(again.item())


def train(settings: Settings, data: str, out: Path, cache: Path, device: torch.device) -> Path:
    """Runs the iterations that the checkpoint in `out` has not seen yet; gives the checkpoint's path."""
    parts, root = TASK.parts(data, settings), cache / data.replace("/", "_").replace(":", "_")
    seen, held = kept(parts.train, settings, root), kept(parts.validation, settings, root)
    with_t1, with_ct = seen[::2], seen[1::2] or seen
    set_determinism(settings.seed)
    cycle = Cycle.begun(settings, device)
    checkpoint, first = out / "checkpoint.pt", 0
    if checkpoint.exists():
        state = checkpoints.resume(checkpoint, settings.model_dump_json(), cycle.there, cycle.optimiser, device)
        cycle.load(state["cycle"])
        first = int(state["iterations"])
    other = settings.model_copy(update={"seed": settings.seed + 1})
    both = zip(training_batches(with_t1, settings, first), training_batches(with_ct, other, first), strict=True)
    losses: list[float] = []
    with SummaryWriter(str(out / "curves")) as curves:
        shown = tqdm(both, initial=first, total=settings.iterations, unit="batch", mininterval=5)
        for iteration, (of_t1, of_ct) in enumerate(shown, start=first + 1):
            for group in cycle.optimiser.param_groups:
                group["lr"] = learning_rate(settings.learning_rate, iteration / settings.iterations)
            losses.append(cycle.step(of_t1.seen.to(device), of_ct.good.to(device), iteration))
            if iteration % settings.every == 0 or iteration == settings.iterations:
                _, found = validate(TASK, cycle.there, held, device)
                curves.add_scalar("loss/train", np.mean(losses), iteration)
                curves.add_scalar("psnr/validation", found, iteration)
                tqdm.write(f"{iteration}/{settings.iterations}: loss {np.mean(losses):.5f}, PSNR {found:.2f} dB")
                losses = []
                whole = iteration == settings.iterations
                strange = strangeness_of(cycle.there, seen, held, device).state_dict() if whole else None
                about = checkpoints.about(settings, data, iteration, strangeness=strange, cycle=cycle.state())
                checkpoints.save(checkpoint, cycle.there, cycle.optimiser, about)
    return checkpoint


def main() -> None:
    given = training_parser(__doc__, "nifti:FOLDER", RUNS / "cache").parse_args()
    settings = read_settings(given.config)
    torch.set_num_threads(given.threads)
    out, cache = given.out or RUNS / settings.name, given.cache / settings.name
    train(settings, given.data, out, cache, torch.device(given.device))


if __name__ == "__main__":
    main()

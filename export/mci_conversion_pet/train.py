"""Trains the networks: a configuration goes in, checkpoints and TensorBoard curves come out.

First the locator learns where heads lie; then healthy people's aligned heads are averaged, and a regression finds what
it says that places differ from those; then the other network learns what is to be added to that.

python -m export.mci_conversion_pet.train --config export/mci_conversion_pet/configs/standard.json
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from monai.utils import set_determinism
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export.command import training_parser
from export.heads.locating import places_of
from export.heads.training import Run, shown
from export.mci_conversion_pet import ANSWERS
from export.mci_conversion_pet.data import Batch, Kept, judging_batches, kept, parts_of
from export.mci_conversion_pet.fitting import Validated, calibrate, find_healthy, strangeness_of, validate
from export.mci_conversion_pet.model import ConversionNet
from export.mci_conversion_pet.regression import Regressed, regressed
from export.mci_conversion_pet.settings import Settings, read_settings

ConversionRun = Run[Settings, ConversionNet, Kept]
RUNS = Path(__file__).parents[1] / "runs"
CACHE = RUNS / "cache" / "conversion"


def main() -> None:
    given = training_parser(__doc__, "dicom:FOLDER, series and a table as ADNI has them", CACHE).parse_args()
    settings = read_settings(given.config)
    torch.set_num_threads(given.threads)
    train(settings, given.data, given.out or RUNS / settings.name, given.cache, torch.device(given.device))


def train(settings: Settings, data: str, out: Path, cache: Path, device: torch.device) -> Path:
    """Runs the iterations that the checkpoint in `out` has not seen yet; gives the checkpoint's path."""
    parts = parts_of(data, settings)
    root = cache / data.replace("/", "_").replace(":", "_")
    seen, held = kept(parts.train, settings, root), kept(parts.validation, settings, root)
    set_determinism(settings.seed)
    network = ConversionNet(settings).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-3)
    run = Run(settings, data, seen, held, network, optimiser, out / "checkpoint.pt", device)
    first = run.begun()
    with SummaryWriter(str(out / "curves")) as curves:
        if first < settings.locate.iterations:
            run.locate(curves, first, partial(find_healthy, network, seen, device))
        if first < settings.iterations:
            _judge(run, curves, max(first - settings.locate.iterations, 0))
    return run.checkpoint


def _judge(run: ConversionRun, curves: SummaryWriter, first: int) -> None:
    settings, count = run.settings, run.settings.judge.iterations
    places = places_of(run.network.locator, run.seen, run.device)
    known = regressed(run.network, run.seen, places, settings.strength, run.device)
    run.network.weights, run.network.offset = known.whole.weights, known.whole.offset
    if not first:
        _tell(run, curves, 0)
    batches = judging_batches(run.network, run.seen, places, settings, first)
    losses: list[float] = []
    for iteration, batch in shown(batches, first, count, "judging"):
        torch.manual_seed(settings.seed + iteration)  # what is dropped is that of the iteration, resumed or not
        losses.append(run.step(_wrong(run, batch, known), settings.judge.learning_rate, iteration / count))
        if iteration % settings.every == 0 or iteration == count:
            said = _tell(run, curves, iteration, float(np.mean(losses)))
            losses = []
            whole = settings.locate.iterations + iteration
            if iteration < count:
                run.save(whole)
                continue
            calibrate(run.network, said)
            strangeness = strangeness_of(run.network, run.seen, run.held, run.device)
            run.save(whole, strangeness=strangeness.state_dict())


def _tell(run: ConversionRun, curves: SummaryWriter, iteration: int, loss: float | None = None) -> Validated:
    """Of those validated on; before the first iteration by the regression alone."""
    said, whole = validate(run.network, run.held, run.device), run.settings.locate.iterations + iteration
    if loss is not None:
        curves.add_scalar("loss/train", loss, whole)
    for number, name in enumerate(ANSWERS):
        curves.add_scalar(f"auc/{name}", said.auc(number), whole)
    told = ", ".join(f"AUC {name} {said.auc(number):.4f}" for number, name in enumerate(ANSWERS))
    learned = "the regression alone" if loss is None else f"loss {loss:.4f}"
    tqdm.write(f"{iteration}/{run.settings.judge.iterations}: {learned}, {told}")
    return said


def _wrong(run: ConversionRun, batch: Batch, known: Regressed) -> Tensor:
    """Of each answer for those alone whom it is about."""
    run.network.train()
    run.network.locator.eval()
    logits = run.network.activation(batch.heads, known.for_patients(batch.numbers)).sum(dim=(2, 3, 4))
    truth, about = batch.truth.to(run.device), batch.about.to(run.device)
    lost = binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return (lost * about).sum() / about.sum().clamp_min(1)


if __name__ == "__main__":
    main()

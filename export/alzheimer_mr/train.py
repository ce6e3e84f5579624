"""Trains the networks: a configuration goes in, checkpoints and TensorBoard curves come out.

First the locator learns where heads lie; then landmarks are found where the groups differ; then the other two networks
learn from heads as the locator finds them.

python -m export.alzheimer_mr.train --config export/alzheimer_mr/configs/standard.json
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.utils import set_determinism
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export.alzheimer_mr.data import Batch, Kept, judging_batches, kept, parts_of
from export.alzheimer_mr.fitting import calibrate, find_bounds, find_landmarks, validate
from export.alzheimer_mr.model import AlzheimerNet
from export.alzheimer_mr.settings import Settings, read_settings
from export.command import training_parser
from export.heads.locating import places_of
from export.heads.training import Run, shown

AlzheimerRun = Run[Settings, AlzheimerNet, Kept]
RUNS = Path(__file__).parents[1] / "runs"
CACHE = RUNS / "cache" / "alzheimer"


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
    network = AlzheimerNet(settings).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-3)
    run = Run(settings, data, seen, held, network, optimiser, out / "checkpoint.pt", device)
    if first := run.begun():
        network.read_places()
    with SummaryWriter(str(out / "curves")) as curves:
        if first < settings.locate.iterations:
            run.locate(curves, first, partial(find_landmarks, network, seen, settings, device))
        if first < settings.iterations:
            _judge(run, curves, max(first - settings.locate.iterations, 0))
    return run.checkpoint


def _judge(run: AlzheimerRun, curves: SummaryWriter, first: int) -> None:
    settings, count = run.settings, run.settings.judge.iterations
    places = places_of(run.network.locator, run.seen, run.device)
    batches = judging_batches(run.seen, places, settings, first)
    losses: list[float] = []
    for iteration, batch in shown(batches, first, count, "judging"):
        rng = np.random.default_rng([settings.seed, iteration, 79])
        losses.append(run.step(_wrong(run, batch, rng), settings.judge.learning_rate, iteration / count))
        if iteration % settings.every == 0 or iteration == count:
            said = validate(run.network, run.held, run.device)
            whole = settings.locate.iterations + iteration
            curves.add_scalar("loss/train", np.mean(losses), whole)
            curves.add_scalar("auc/validation", said.auc, whole)
            curves.add_scalar("dice/validation", said.dice, whole)
            loss = float(np.mean(losses))
            tqdm.write(f"{iteration}/{count}: loss {loss:.4f}, AUC {said.auc:.4f}, Dice {said.dice:.4f}")
            losses = []
            if iteration < count:
                run.save(whole)
                continue
            calibrate(run.network, said)
            strangeness = find_bounds(run.network, run.seen, run.held, run.device)
            run.save(whole, strangeness=strangeness.state_dict())


def _wrong(run: AlzheimerRun, batch: Batch, rng: np.random.Generator) -> Tensor:
    """Of some of the landmarks' verdict, and of the outlines where they are known."""
    run.network.train()
    run.network.locator.eval()
    count = run.settings.landmarks
    at = rng.permutation(count)[: max(round(run.settings.seen_share * count), 1)].tolist()
    heads = batch.heads.to(run.device)
    logit = run.network.instances(run.network.patches(heads, at), at).mean(dim=1)
    verdict = binary_cross_entropy_with_logits(logit, batch.ill.to(run.device))
    known = batch.outlined.to(run.device) > 0
    if not known.any():
        return verdict
    sides = batch.hippocampi.to(run.device)[known]
    truth = run.network.boxes_of_sides(sides)
    outlined: Tensor = DiceCELoss(sigmoid=True, batch=True)(
        run.network.outlines(run.network.boxes(heads[known])), truth
    )
    return verdict + outlined


if __name__ == "__main__":
    main()

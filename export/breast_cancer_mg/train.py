"""Trains the networks: a configuration goes in, a checkpoint and TensorBoard curves come out.

First the finder of breast-mass-mg goes on to learn from parts of views, and a scout from places in such; then another
network learns to tell what lies at the places that the two find; then, on patients that none of them has seen, it is
learned how views, sides and times are combined.

python -m export.breast_cancer_mg.train --config export/breast_cancer_mg/configs/standard.json
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from monai.losses import DiceCELoss
from monai.utils import set_determinism
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from export import checkpoints
from export.breast_cancer_mg import MALIGNANT
from export.breast_cancer_mg.candidates import PlaceBatch, candidates, kind_batches, scout_batches
from export.breast_cancer_mg.data import Kept, PartBatch, cache_of, for_combining, kept, part_batches, parts_of
from export.breast_cancer_mg.fitting import auc, auc_of_views, calibrate, combine, logits_of, look, strangeness_of
from export.breast_cancer_mg.model import CancerNet
from export.breast_cancer_mg.pieces import kept_pieces
from export.breast_cancer_mg.settings import Settings, read_settings
from export.breast_mass_mg.export import MODELS
from export.breast_mass_mg.model import Finder
from export.breast_mass_mg.settings import Settings as FinderSettings
from export.breast_mass_mg.train import RUNS, shrunk
from export.checkpoints import SettingsError
from export.command import training_parser
from export.schedule import Course, learning_rate
from export.served_weights import take_weights

CACHE = RUNS / "cache" / "breast-cancer"
_RARE = 4.0  # the few pixels of lesions count so much more than the others
_WATCHED = 16  # patients that the AUC of views is told of on the way


def main() -> None:
    parser = training_parser(__doc__, "inbreast:FOLDER or cbis-ddsm:FOLDER", CACHE)
    parser.add_argument("--begin", type=Path, help="graph of the finder; default: the one that is served")
    given = parser.parse_args()
    settings = read_settings(given.config)
    torch.set_num_threads(given.threads)
    device = torch.device(given.device)
    train(settings, given.data, given.out or RUNS / settings.name, given.cache, device, given.begin)


@dataclass(frozen=True, eq=False)
class Run:
    """What one training works with."""

    settings: Settings
    data: str
    network: CancerNet
    optimiser: torch.optim.AdamW
    checkpoint: Path
    device: torch.device

    def save(self, iterations: int, **more: object) -> None:
        said = checkpoints.about(self.settings, self.data, iterations, **more)
        checkpoints.save(self.checkpoint, self.network, self.optimiser, said)


def train(
    settings: Settings, data: str, out: Path, cache: Path, device: torch.device, finder: Path | None = None
) -> Path:
    """Runs the iterations that the checkpoint in `out` has not seen yet; gives the checkpoint's path."""
    parts, root = parts_of(data, settings), cache_of(cache, data)
    learning, combining = for_combining(parts.train, settings)
    seen = kept(learning, settings, root, whole=False)
    pieces = kept_pieces(settings, root) if data == "phantoms" else []
    combined, held = (kept(some, settings, root, whole=True) for some in (combining, parts.validation))
    set_determinism(settings.seed)
    network = CancerNet(settings).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-3)
    run = Run(settings, data, network, optimiser, out / "checkpoint.pt", device)
    first = 0
    if run.checkpoint.exists():
        state = checkpoints.resume(run.checkpoint, settings.model_dump_json(), network, optimiser, device)
        if state["strangeness"] is not None:
            return run.checkpoint
        first = int(state["iterations"])
    elif settings.begins_from is not None:
        usual = next(part_batches(seen, pieces, settings, 0)).levels
        path = finder or MODELS.parent / settings.begins_from / "find.onnx"
        network.finder.load_state_dict(finder_of(path, settings, usual))
    scouted = max(first - settings.look.iterations, 0)
    told = max(scouted - settings.scout.iterations, 0)
    with SummaryWriter(str(out / "curves")) as curves:
        _look(run, part_batches(seen, pieces, settings, first), curves, first)
        _scout(run, scout_batches(seen, pieces, settings, scouted), curves, scouted)
        if told < settings.kinds.iterations:
            places = candidates(network, seen, device)
            _tell(run, kind_batches(places, seen, pieces, settings, told), held, curves, told)
        _combine(run, combined, held, curves)
    return run.checkpoint


def finder_of(path: Path, settings: Settings, levels: Tensor) -> dict[str, Tensor]:
    """The weights of a finder that looks at images as this network does; `levels` are parts of usual ones."""
    if not path.exists():
        raise SettingsError(f"{path} is not there, from which {settings.name} begins; name another with --begin.")
    said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    known = FinderSettings.model_validate_json(said["settings"])
    if (known.network, known.rows, known.columns, known.channels) != (
        "find", settings.rows, settings.columns, settings.channels
    ):  # fmt: skip
        raise SettingsError(f"{path} is no finder of the rows, columns and channels of {settings.name}; name another.")
    finder = Finder(known.channels, known.rows, known.columns)
    take_weights(finder.unet, path, finder.blocks(levels * 2 - 1))
    return finder.state_dict()


def _look(run: Run, batches: Iterator[PartBatch], curves: SummaryWriter, first: int) -> None:
    course = run.settings.look
    shown = tqdm(batches, "finder", initial=first, total=course.iterations, unit="batch", mininterval=5)
    losses = []
    for iteration, batch in enumerate(shown, start=first + 1):
        run.network.finder.train()
        answers = run.network.finder.of_levels(batch.levels.to(run.device))
        loss = not_found(answers, shrunk(batch.lesion.to(run.device), answers))
        losses.append(_step(run, course, iteration, loss))
        if iteration % run.settings.every == 0 or iteration == course.iterations:
            curves.add_scalar("loss of the finder/train", np.mean(losses), iteration)
            tqdm.write(f"{iteration}/{course.iterations}: loss {np.mean(losses):.4f}")
            losses = []
            run.save(iteration)


def _step(run: Run, course: Course, iteration: int, loss: Tensor) -> float:
    for group in run.optimiser.param_groups:
        group["lr"] = learning_rate(course.learning_rate, iteration / course.iterations)
    run.optimiser.zero_grad()
    torch.autograd.backward(loss)
    run.optimiser.step()
    return float(loss.item())


def not_found(answers: Tensor, lesion: Tensor) -> Tensor:
    """Where a lesion lies, as the finder learned where masses do."""
    rare = torch.tensor([_RARE], device=answers.device)
    wrong: Tensor = DiceCELoss(sigmoid=True, batch=True, weight=rare)(answers, lesion)
    return wrong


def _scout(run: Run, batches: Iterator[PlaceBatch], curves: SummaryWriter, first: int) -> None:
    course, scout, before = run.settings.scout, run.network.scout, run.settings.look.iterations
    shown = tqdm(batches, "scout", initial=first, total=course.iterations, unit="batch", mininterval=5)
    losses = []
    for iteration, batch in enumerate(shown, start=first + 1):
        scout.train()
        torch.manual_seed(run.settings.seed + iteration)  # what is left out by chance is so after a resumption, too
        seen = [each.to(run.device) for each in (batch.levels, batch.places, batch.turned)]
        truth = batch.truth.flatten(0, 1).to(run.device)
        losses.append(_step(run, course, iteration, binary_cross_entropy_with_logits(scout.told(*seen), truth)))
        if iteration % run.settings.every == 0 or iteration == course.iterations:
            curves.add_scalar("loss of the scout/train", np.mean(losses), before + iteration)
            tqdm.write(f"{iteration}/{course.iterations}: loss {np.mean(losses):.4f}")
            losses = []
            run.save(before + iteration)


def _tell(run: Run, batches: Iterator[PlaceBatch], held: list[Kept], curves: SummaryWriter, first: int) -> None:
    course, network = run.settings.kinds, run.network
    before = run.settings.look.iterations + run.settings.scout.iterations
    shown = tqdm(batches, "kinds", initial=first, total=course.iterations, unit="batch", mininterval=5)
    losses = []
    for iteration, batch in enumerate(shown, start=first + 1):
        network.eval().kinds.train()
        torch.manual_seed(run.settings.seed + iteration)
        seen = [each.to(run.device) for each in (batch.levels, batch.places, batch.turned)]
        told, truth = network.kinds(network.rings(*seen)), batch.truth.flatten(0, 1).to(run.device)
        losses.append(_step(run, course, iteration, binary_cross_entropy_with_logits(told, truth)))
        if iteration % run.settings.every == 0 or iteration == course.iterations:
            watched = held[:_WATCHED]
            shows = torch.from_numpy(np.stack([scan.shows for scan in watched]) == MALIGNANT)
            found = auc_of_views(look(network, watched, run.device), shows)
            curves.add_scalar("loss of kinds/train", np.mean(losses), before + iteration)
            curves.add_scalar("auc of views/validation", found, before + iteration)
            tqdm.write(f"{iteration}/{course.iterations}: loss {np.mean(losses):.4f}, AUC of views {found:.4f}")
            losses = []
            run.save(before + iteration)


def _combine(run: Run, combining: list[Kept], held: list[Kept], curves: SummaryWriter) -> None:
    looked, validating = (look(run.network, scans, run.device) for scans in (combining, held))
    combine(run.network, looked, run.settings)
    calibrate(run.network, validating)
    fitted, found = (auc(*logits_of(run.network, each)) for each in (looked, validating))
    done = sum(course.iterations for course in (run.settings.look, run.settings.scout, run.settings.kinds))
    curves.add_scalar("auc of breasts/validation", found, done)
    tqdm.write(f"AUC of breasts {found:.4f}, of those that the combination was fitted to {fitted:.4f}")
    run.save(done, strangeness=strangeness_of(looked, validating).state_dict())


if __name__ == "__main__":
    main()

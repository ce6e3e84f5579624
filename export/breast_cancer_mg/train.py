"""Trains the networks: a configuration goes in, a checkpoint and TensorBoard curves come out.

First the detector learns from parts of views, begun from the finder of breast-mass-mg; then, on patients that it has
not seen, how views, sides and times are combined.

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
from export.breast_cancer_mg.data import Kept, PartBatch, cache_of, for_combining, kept, part_batches, parts_of
from export.breast_cancer_mg.fitting import auc, auc_of_views, calibrate, combine, logits_of, look, strangeness_of
from export.breast_cancer_mg.model import CancerNet, begin
from export.breast_cancer_mg.pieces import kept_pieces
from export.breast_cancer_mg.settings import Settings, read_settings
from export.breast_mass_mg.export import MODELS
from export.breast_mass_mg.model import Finder
from export.breast_mass_mg.settings import Settings as FinderSettings
from export.breast_mass_mg.train import RUNS, shrunk
from export.checkpoints import SettingsError
from export.command import training_parser
from export.schedule import learning_rate
from export.served_weights import take_weights

CACHE = RUNS / "cache" / "breast-cancer"
_RARE = 4.0  # the few pixels of lesions count so much more than the others
_WITHIN = 10.0  # so do those of lesions, where it is told what kind they are
_WATCHED = 16  # patients that the detector's AUC is told of on the way


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
    optimiser = torch.optim.AdamW(network.detector.parameters(), weight_decay=1e-3)
    run = Run(settings, data, network, optimiser, out / "checkpoint.pt", device)
    first = 0
    if run.checkpoint.exists():
        state = checkpoints.resume(run.checkpoint, settings.model_dump_json(), network, optimiser, device)
        if state["strangeness"] is not None:
            return run.checkpoint
        first = int(state["iterations"])
    elif settings.begins_from is not None:
        usual = next(part_batches(seen, pieces, settings, 0)).levels
        begin(
            network.detector, finder_of(finder or MODELS.parent / settings.begins_from / "find.onnx", settings, usual)
        )
    with SummaryWriter(str(out / "curves")) as curves:
        _look(run, part_batches(seen, pieces, settings, first), held, curves, first)
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


def _look(run: Run, batches: Iterator[PartBatch], held: list[Kept], curves: SummaryWriter, first: int) -> None:
    course = run.settings.look
    shown = tqdm(batches, initial=first, total=course.iterations, unit="batch", mininterval=5)
    losses = []
    for iteration, batch in enumerate(shown, start=first + 1):
        for group in run.optimiser.param_groups:
            group["lr"] = learning_rate(course.learning_rate, iteration / course.iterations)
        losses.append(_step(run, batch))
        if iteration % run.settings.every == 0 or iteration == course.iterations:
            watched = held[:_WATCHED]
            shows = torch.from_numpy(np.stack([scan.shows for scan in watched]) == MALIGNANT)
            found = auc_of_views(look(run.network, watched, run.device), shows)
            curves.add_scalar("loss/train", np.mean(losses), iteration)
            curves.add_scalar("auc of views/validation", found, iteration)
            tqdm.write(f"{iteration}/{course.iterations}: loss {np.mean(losses):.4f}, AUC of views {found:.4f}")
            losses = []
            run.save(iteration)


def _step(run: Run, batch: PartBatch) -> float:
    detector = run.network.detector
    detector.train()
    run.optimiser.zero_grad()
    answers = detector.of_levels(batch.levels.to(run.device))
    loss = wrong(answers, shrunk(batch.truth.to(run.device), answers))
    torch.autograd.backward(loss)
    run.optimiser.step()
    return float(loss.item())


def wrong(answers: Tensor, truth: Tensor) -> Tensor:
    """Where a lesion lies, as the finder learns it; whether it is malignant, which is asked most of what is one."""
    rare = torch.tensor([_RARE], device=answers.device)
    lesion: Tensor = DiceCELoss(sigmoid=True, batch=True, weight=rare)(answers[:, :1], truth[:, :1])
    weight = 1 + _WITHIN * truth[:, :1]
    each = binary_cross_entropy_with_logits(answers[:, 1:], truth[:, 1:], weight=weight, reduction="sum")
    return lesion + each / weight.sum()


def _combine(run: Run, combining: list[Kept], held: list[Kept], curves: SummaryWriter) -> None:
    looked, validating = (look(run.network, scans, run.device) for scans in (combining, held))
    combine(run.network, looked, run.settings)
    calibrate(run.network, validating)
    fitted, found = (auc(*logits_of(run.network, each)) for each in (looked, validating))
    curves.add_scalar("auc of breasts/validation", found, run.settings.look.iterations)
    tqdm.write(f"AUC of breasts {found:.4f}, of those that the combination was fitted to {fitted:.4f}")
    run.save(run.settings.look.iterations, strangeness=strangeness_of(looked, validating).state_dict())


if __name__ == "__main__":
    main()

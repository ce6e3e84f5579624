"""Turns checkpoints into what the node serves: a checkpoint goes in, one ONNX file with its history in it comes out.

python -m export.breast_mass_mg.export find
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from export.breast_mass_mg.data import Samples, centred, parts_of, samples
from export.breast_mass_mg.model import DeconvolutionNet, Finder, RegionUNet, build_network
from export.breast_mass_mg.settings import Settings
from export.breast_mass_mg.train import RUNS
from export.graph import write_graph
from export.strangeness import Strangeness, description_of

MODELS = Path(__file__).parents[2] / "onnx_models" / "breast-mass-mg"
_SERVED = Path(__file__).parent / "served"
NETWORKS = ("find", "deconvolution", "unet")
_AT_ONCE = 16
_KEPT = 0.98  # of the validation images, which are told to be like those that were learned on
_STEPS = 400
_SEEN = 32  # means of the finder's channels: few beside the images that the measure of strangeness is fitted on
_DESCRIBED = 240  # training images that the measure of strangeness is fitted on, drawn as fine as detectors see


class ServedRegion(nn.Module):
    """A region's pixels [N, 1, rows, columns] to the probability of a mass at each of them."""

    def __init__(self, network: DeconvolutionNet | RegionUNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, region: Tensor) -> Tensor:
        return torch.sigmoid(cast(Tensor, self.network(region)))


class ServedFinder(nn.Module):
    """Whole images to (candidates [N, 1, rows/2, columns/2], probability [N, 1], strangeness [N])."""

    def __init__(self, finder: Finder, strangeness: Strangeness) -> None:
        super().__init__()
        self.finder, self.strangeness = finder, strangeness

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        candidates = self.finder.candidates(self.finder(image))
        probability = candidates.amax(dim=(1, 2, 3))[:, None]
        return candidates, probability, self.strangeness(description(self.finder, image))


def description(finder: Finder, image: Tensor) -> Tensor:
    """What is measured of an image to tell a strange one: by its levels, and as it is between dark and light."""
    return described(finder, finder.levels(image), plain(image, finder.levels.last), finder.features(image))


def plain(image: Tensor, last: int) -> Tensor:
    """0 where it is darkest, 1 where it is brightest, and a little beyond; `last` is one less than its pixels."""
    ordered = torch.sort(image.flatten(1), dim=1).values
    dark, light = (ordered[:, round(share * last), None, None, None] for share in (0.01, 0.99))
    return ((image - dark) / (light - dark).clamp_min(1e-3)).clamp(-0.5, 1.5)


def described(finder: Finder, levels: Tensor, shown: Tensor, features: Tensor) -> Tensor:
    seen = torch.unflatten(features, 1, (min(_SEEN, finder.deepest), -1)).mean(dim=2)
    return description_of(torch.cat([levels, shown], dim=1), seen)


@torch.no_grad()
def fit_strangeness(finder: Finder, learned: Samples, held: Samples) -> Strangeness:
    return Strangeness.fitted(_described(finder, learned), _described(finder, held), _KEPT)


def both_sides(of: Samples) -> Samples:
    """Phantoms are drawn as left breasts; right ones come as their mirror images."""
    return Samples(*(np.concatenate([each, each[:, :, ::-1]]) for each in (of.images, of.truth)))


def _described(finder: Finder, of: Samples) -> Tensor:
    return torch.cat([description(finder, images) for images in _batches(of)])


def _batches(of: Samples) -> list[Tensor]:
    return [
        torch.from_numpy(of.images[start : start + _AT_ONCE])[:, None] for start in range(0, len(of.images), _AT_ONCE)
    ]


def fit_peak(finder: Finder, held: Samples) -> None:
    """Makes the probability of an image honest on the validation images: a logistic curve of the map's peak."""
    with torch.no_grad():
        peaks = torch.cat([finder.agreed(finder(images)).amax(dim=(1, 2, 3)) for images in _batches(held)])
    ill = torch.from_numpy(held.truth.max(axis=(1, 2)) > 0.5).float()
    line = torch.tensor([1.0, 0.0], requires_grad=True)
    optimiser = torch.optim.LBFGS([line], max_iter=_STEPS)

    def loss() -> Tensor:
        optimiser.zero_grad()
        # A little against certainty: some dozens of images can't vouch for it.
        missed = nn.functional.binary_cross_entropy_with_logits(peaks * line[0] + line[1], ill) + 0.01 * line[0] ** 2
        torch.autograd.backward(missed)
        return missed

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    finder.peak_scale.fill_(float(line[0].detach()))
    finder.peak_shift.fill_(float(line[1].detach()))


def export_network(checkpoint: Path, path: Path, cache: Path) -> float:
    """Writes the graph; gives its largest difference to torch."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    settings = Settings.model_validate_json(state["settings"])
    network = build_network(settings)
    network.load_state_dict(state["network"])
    network.eval()
    parts = parts_of(state["data"], settings.split)
    whole = isinstance(network, Finder)
    held = centred(samples(parts.validation, settings, state["data"], cache, detected=whole), settings)
    history = {
        "trained_on": "synthetic phantoms; no patient data" if state["data"] == "phantoms" else str(state["data"]),
        "settings": json.dumps(json.loads(state["settings"]), separators=(",", ":")),
        "iterations": str(state["iterations"]),
    }
    examples = torch.from_numpy(held.images[:3])[:, None]
    if not isinstance(network, Finder):
        return write_graph(ServedRegion(network), path, {"region": examples}, ["probability"], history)
    learned = samples(parts.train[:_DESCRIBED], settings, state["data"], cache, detected=True)
    learned, held = both_sides(learned), both_sides(held)
    fit_peak(network, held)
    served = ServedFinder(network, fit_strangeness(network, learned, held))
    return write_graph(served, path, {"image": examples}, ["candidates", "probability", "strangeness"], history)


def complete(folder: Path) -> bool:
    """Lays cards and page beside the graphs once all of them are there: a card without its graphs is refused."""
    whole = all((folder / f"{name}.onnx").is_file() for name in NETWORKS)
    for path in _SERVED.iterdir() if whole else ():
        shutil.copyfile(path, folder / path.name)
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--checkpoint", type=Path, help="default: the one under export/runs")
    parser.add_argument("--cache", type=Path, default=RUNS / "cache" / "mammograms")
    parser.add_argument("--out", type=Path, help="default: the file that the node serves")
    given = parser.parse_args()
    checkpoint = given.checkpoint or RUNS / f"breast-mass-{given.network}" / "checkpoint.pt"
    path = given.out or MODELS / f"{given.network}.onnx"
    difference = export_network(checkpoint, path, given.cache)
    if given.out is None:
        complete(MODELS)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, differs from torch by {difference:.1e} at most")


if __name__ == "__main__":
    main()

"""Turns the checkpoint into what the node serves: a calibrated graph that knows strange series, and its card.

python -m export.liver_cirrhosis_ct.export
"""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.graph import write_graph
from export.liver_cirrhosis_ct import VALUES
from export.liver_cirrhosis_ct.data import Pool, parts_of, pool_of
from export.liver_cirrhosis_ct.model import CirrhosisNet, Served
from export.liver_cirrhosis_ct.settings import Settings
from export.liver_cirrhosis_ct.train import RUNS, build, judged, of_patients, sigmoid
from export.strangeness import Strangeness, description_of

MODEL = Path(__file__).parents[2] / "onnx_models" / "liver-cirrhosis-ct"
CARD = Path(__file__).with_name("card.json")
OUTPUTS = ("probability", "image_alone", "liver", "activation", "strangeness")
_AT_ONCE = 32
_KEPT = 0.975
_TOLERANCE = 2e-2  # of the activation, by weights of half precision; probabilities differ by a thousandth
_LEARNED_SLICES = 4  # a patient


@dataclass(frozen=True)
class Trained:
    settings: Settings
    data: str
    epochs: int
    network: CirrhosisNet


def load_trained(checkpoint: Path) -> Trained:
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    settings = Settings.model_validate_json(state["settings"])
    network = build(None, "cpu")
    network.load_state_dict(state["network"])
    return Trained(settings, str(state["data"]), int(state["epochs"]), network.eval())


def served(trained: Trained, learned: Pool, held: Pool) -> Served:
    """`learned` are the patients of the training, `held` those of the validation."""
    temperature, shift = calibration(trained, held)
    return Served(trained.network, strangeness(trained, learned, held), temperature, shift).eval()


def calibration(trained: Trained, held: Pool) -> tuple[float, float]:
    """What divides the logits, and what is taken from them before, so that patients' scores say how often they hold."""
    said, shown = judged(trained.network, held, trained.settings), held.shown(trained.settings.liver_least)
    truth = of_patients(held.cirrhosis.astype(np.float64), held.patients, shown)
    tried = [(float(t), float(b)) for t in np.geomspace(0.3, 6, 31) for b in np.linspace(-1.5, 1.5, 31)]

    def loss(candidate: tuple[float, float]) -> float:
        temperature, shift = candidate
        both = (of_patients(sigmoid((x - shift) / temperature), held.patients, shown) for x in (said.image, said.both))
        return sum(float(-np.log(np.where(truth > 0.5, p, 1 - p).clip(1e-6)).mean()) for p in both)

    return min(tried, key=loss)


def strangeness(trained: Trained, learned: Pool, held: Pool) -> Strangeness:
    """Bound so that of the patients of the validation few lie above it, by the median of their slices."""
    numbers = _some_of_each(learned, trained.settings)
    bounding = np.flatnonzero(held.shown(trained.settings.liver_least))
    of_held = _descriptions(trained.network, held, bounding)
    found = Strangeness.fitted(_descriptions(trained.network, learned, numbers), of_held, _KEPT)
    with torch.inference_mode():
        each = found(of_held).numpy()
    patients = held.patients[bounding]
    medians = [float(np.median(each[patients == patient])) for patient in np.unique(patients)]
    return found.widened(torch.tensor(float(np.quantile(medians, _KEPT))))


def _some_of_each(pool: Pool, settings: Settings) -> NDArray[np.int64]:
    shown = pool.shown(settings.liver_least)
    of_each = (np.flatnonzero(shown & (pool.patients == patient)) for patient in np.unique(pool.patients))
    return np.concatenate([own[:: max(len(own) // _LEARNED_SLICES, 1)] for own in of_each])


@torch.no_grad()
def _descriptions(network: CirrhosisNet, pool: Pool, numbers: NDArray[np.int64]) -> Tensor:
    found = []
    for some in np.array_split(numbers, math.ceil(len(numbers) / _AT_ONCE)):
        seen = network.see(torch.from_numpy(pool.hu[some].astype(np.float32))[:, None])
        found.append(description_of(seen.windows, seen.features))
    return torch.cat(found)


def examples(held: Pool, count: int = 4) -> dict[str, Tensor]:
    """Slices with their values, some of which are missing."""
    clinical = torch.from_numpy(held.clinical[:count].copy())
    clinical[::2, -1] = torch.nan
    return {"hu": torch.from_numpy(held.hu[:count].astype(np.float32))[:, None], "clinical": clinical}


def write_card(path: Path, settings: Settings) -> None:
    """The matrix and what counts as showing the liver are the training's; the rest is written by hand, beside this."""
    card = json.loads(CARD.read_text())
    card["stages"][0] |= {"rows": settings.rows, "columns": settings.rows}
    card["outputs"]["classes"]["where"]["least"] = settings.liver_least
    path.write_text(json.dumps(card, indent=2) + "\n")


def history(trained: Trained) -> dict[str, str]:
    return {
        "trained_on": "synthetic phantoms; no patient data" if trained.data == "phantoms" else trained.data,
        "settings": json.dumps(trained.settings.model_dump(), separators=(",", ":")),
        "epochs": str(trained.epochs),
        "values": ",".join(VALUES),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "liver-cirrhosis-ct" / "checkpoint.pt")
    parser.add_argument("--data", default="phantoms", help="what was trained on: phantoms or dicom:FOLDER")
    parser.add_argument("--cache", type=Path, default=RUNS / "cache" / "liver")
    parser.add_argument("--out", type=Path, default=MODEL, help="default: the folder that the node serves")
    given = parser.parse_args()
    trained = load_trained(given.checkpoint)
    parts = parts_of(given.data, trained.settings)
    learned, held = (pool_of(part, trained.settings, given.cache) for part in (parts.train, parts.validation))
    module = served(trained, learned, held)
    difference = write_graph(
        module, given.out / "model.onnx", examples(held), OUTPUTS, history(trained), tolerance=_TOLERANCE
    )
    write_card(given.out / "card.json", trained.settings)
    size_mb = (given.out / "model.onnx").stat().st_size / 1e6
    print(
        f"{given.out}: {trained.epochs} epochs, {size_mb:.2f} MB, logits less {module.shift:.2f} over "
        f"{module.temperature:.2f}, differs from torch by {difference:.1e} at most"
    )


if __name__ == "__main__":
    main()

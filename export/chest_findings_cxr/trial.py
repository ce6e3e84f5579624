"""One image through the shipped graph: a seed goes in, what was answered beside what is true comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from export.chest_findings_cxr.data import foreign, placed
from export.chest_findings_cxr.export import FOLDER, GRAPH, OUTPUTS
from export.evaluation.shipped import session
from export.phantoms.chest import FINDINGS
from export.phantoms.chest.film import Floats, Mask
from export.phantoms.chest.radiograph import radiograph
from orthanc_plugin.routing.folder import read

GREYS = 4095.0


@dataclass(frozen=True, eq=False)
class Said:
    """What the graph answers about one image."""

    probability: NDArray[np.float32]
    activation: NDArray[np.float32]
    strangeness: float
    frontal: float
    turned: int
    inverted: bool

    @property
    def cautioned(self) -> bool:
        """Refused, or with a caution that the image is unlike what was learned on."""
        return self.frontal < 0.5 or self.strangeness > 1


@dataclass(frozen=True, eq=False)
class Trial:
    """`inside` says of each finding that is there whether the peak of its map lies in its place (1, 0, NaN of others);
    `laid` is the same image lying in another way, by quarter turns against the clock and inverted or not."""

    seed: int
    shifted: bool
    truth: tuple[bool, ...]
    said: Said
    inside: NDArray[np.float64]
    quarters: int
    negative: bool
    laid: Said
    laid_inside: NDArray[np.float64]
    grey: float
    grey_of_lungs: float


@cache
def rows() -> int:
    return read(FOLDER).card.stages[0].rows


def ask(image: Floats) -> Said:
    """As the node asks: fitted into the stage's matrix, in stored values."""
    place = placed(image.shape, rows())
    given = place.place(image[np.newaxis] * GREYS, float(image.min()) * GREYS)[np.newaxis]
    answers = session(FOLDER / GRAPH).run(list(OUTPUTS), {"image": given.astype(np.float32)})
    probability, activation, strangeness, frontal, turned, inverted = (answer[0] for answer in answers)
    return Said(probability, activation, float(strangeness), float(frontal), round(float(turned)), inverted > 0.5)


def try_one(seed: int, shifted: bool) -> Trial:
    made = radiograph(seed, shifted=shifted)
    rng = np.random.default_rng([seed, 3])
    quarters, negative = int(rng.integers(4)), bool(rng.random() < 0.5)
    other = np.ascontiguousarray(np.rot90(1 - made.image if negative else made.image, quarters))
    said, laid = ask(made.image), ask(other)
    turned = {name: np.rot90(mask, quarters) for name, mask in made.places.items()}
    return Trial(
        seed=seed,
        shifted=shifted,
        truth=made.truth,
        said=said,
        inside=_inside(said, made.places, made.image.shape),
        quarters=quarters,
        negative=negative,
        laid=laid,
        laid_inside=_inside(laid, turned, other.shape),
        grey=float(made.image.mean()),
        grey_of_lungs=float(made.image[made.lungs].mean()),
    )


def _inside(said: Said, places: Mapping[str, Mask], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Whether the peak, as the node finds it, is a pixel of the place."""
    found = np.full(len(FINDINGS), np.nan)
    place = placed(shape, rows())
    for name, mask in places.items():
        column = FINDINGS.index(name)
        row, at = place.peak(said.activation[column])
        found[column] = mask[min(int(row), shape[0] - 1), min(int(at), shape[1] - 1)]
    return found


def try_foreign(seed: int, region: str) -> Said:
    """`lateral` is the chest from the side; all others are regions of the body, or `none`."""
    return ask(radiograph(seed, lateral=True).image if region == "lateral" else foreign(seed, region))

"""What nobody told the model of: masses in brains go in, how often the node cautions about them comes out."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from export.alzheimer_mr.trial import ask
from export.evaluation.statistics import auc_alone
from export.phantoms.ageing.case import draw_case
from export.phantoms.ageing.masses import KINDS, draw_mass, harmed

DIAMETERS_MM = (12, 20, 28, 36)
_FIRST_SEED = 800_000


@dataclass(frozen=True)
class Masses:
    """`each` of every kind and size; by the kind, then by the diameter in mm the share that is cautioned. `auc` by the
    diameter tells all kinds from brains without any.
    """

    each: int
    cautioned: dict[str, dict[str, float]]
    auc: dict[str, float]


def try_masses(pool: ProcessPoolExecutor, each: int, without: Sequence[float]) -> Masses:
    """`without` are the numbers that brains without a mass were given."""
    asked = [(kind, mm) for kind in KINDS for mm in DIAMETERS_MM for _ in range(each)]
    seeds = [_FIRST_SEED + number for number in range(len(asked))]
    tried = pool.map(anomaly_of, *zip(*asked, strict=True), seeds)
    said = np.reshape(list(tqdm(tried, total=len(asked), desc="masses", unit="patient")), (len(KINDS), -1, each))
    sizes = [str(mm) for mm in DIAMETERS_MM]
    shares = (said > 1).mean(axis=2).tolist()
    return Masses(
        each=each,
        cautioned={kind: dict(zip(sizes, found, strict=True)) for kind, found in zip(KINDS, shares, strict=True)},
        auc={mm: auc_alone(list(without), said[:, n].ravel().tolist()) for n, mm in enumerate(sizes)},
    )


def anomaly_of(kind: str, diameter_mm: float, seed: int) -> float:
    """On the scanner's own grid, by the node's own code."""
    mass = draw_mass(np.random.default_rng([seed, 47]), kind, diameter_mm / 2)
    case = harmed(draw_case(seed), mass)
    return ask(case, case.series().values).anomaly

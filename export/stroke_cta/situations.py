"""How often the node's measure tells side and artery of a phantom's true infarct: seeds in, a table out.

python -m export.stroke_cta.situations

The network has no part in it. The phantoms' territories are drawn by a rule of their own (export/phantoms/stroke/head).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import highdicom as hd
import numpy as np
from tqdm import tqdm

from export.phantoms.stroke import TERRITORIES
from export.phantoms.stroke.case import draw_case
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.head import find_head
from orthanc_plugin.measure.infarct import situation
from orthanc_plugin.measure.territory import ANTERIOR, ARTERIES, FOSSA, MIDDLE, POSTERIOR

STEP_MM = 3.0
NUMBERS = dict(zip(TERRITORIES, (MIDDLE, ANTERIOR, POSTERIOR, FOSSA), strict=True))
PARTS = {"held-out phantoms": (range(2000, 2080), False), "shifted phantoms": (range(2000, 2040), True)}
"""Seeds that the rule was not looked at with."""


@dataclass(frozen=True)
class Told:
    """`share` is how much of the infarct was given to its own territory, on either side."""

    territory: str
    side_right: bool
    artery_right: bool
    share: float


def told(seed: int, shifted: bool) -> Told:
    case = draw_case(seed, shifted=shifted, ill=True)
    seen = case.in_cubes(STEP_MM)
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, :3] = STEP_MM * np.eye(3)[::-1]  # slices up, rows to the back, columns to the left
    geometry = hd.VolumeGeometry(affine, seen.hu_zyx.shape, "PATIENT")
    head = find_head(Volume(seen.hu_zyx.astype(np.float32), geometry, (), (), (), ()))
    if head is None or case.territory is None:
        raise SystemExit(f"No head was made out in the phantom {seed}; its infarct can't be told of.")
    infarct_mm = geometry.map_indices_to_reference(np.argwhere(seen.infarct_zyx))
    lies = situation(head, infarct_mm, STEP_MM**3 / 1000)
    number = NUMBERS[case.territory]
    share = sum(part.share for part in lies.parts if part.territory == number)
    return Told(case.territory, lies.side == case.side, lies.mostly[0] == ARTERIES[number][0], share)


def row(name: str, all_of_them: Iterable[Told]) -> str:
    those = list(all_of_them)
    sides, arteries = sum(each.side_right for each in those), sum(each.artery_right for each in those)
    share = float(np.mean([each.share for each in those])) if those else float("nan")
    return f"| {name} | {len(those)} | {sides} | {arteries} | {share:.2f} |"


def main() -> None:
    print("| phantoms | infarcts | side right | artery right | share in its own territory |\n|---|---|---|---|---|")
    for name, (seeds, shifted) in PARTS.items():
        found = [told(seed, shifted) for seed in tqdm(seeds, desc=name)]
        print(row(name, found))
        for territory in TERRITORIES:
            print(row(f"{name}, {territory}", (each for each in found if each.territory == territory)))


if __name__ == "__main__":
    main()

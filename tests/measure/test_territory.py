"""The rule of territories, asked of structures whose artery is known, where they lie in an average brain."""

import numpy as np
import pytest

from orthanc_plugin.measure.head import Places
from orthanc_plugin.measure.territory import ANTERIOR, ARTERIES, FOSSA, MIDDLE, POSTERIOR, territories

# Coordinates of MNI 152: mm aside, forward and up from the anterior commissure; approximate.
STRUCTURES = {
    "anterior cerebral artery": {
        "paracentral lobule": (6, -30, 65),
        "superior frontal gyrus, medial": (8, 20, 55),
        "medial frontal cortex": (6, 45, 20),
        "frontal pole, medial": (8, 62, 5),
        "anterior cingulate gyrus": (5, 10, 35),
        "middle cingulate gyrus": (6, -10, 42),
        "straight gyrus": (5, 35, -20),
        "precuneus, in front": (8, -52, 50),
    },
    "middle cerebral artery": {
        "insula": (38, 5, 0),
        "putamen": (25, 5, 0),
        "internal capsule": (22, -5, 12),
        "transverse temporal gyrus": (45, -20, 8),
        "superior temporal gyrus": (58, -20, 5),
        "middle temporal gyrus": (60, -30, -8),
        "middle temporal gyrus, behind": (55, -60, 5),
        "temporal pole": (40, 15, -30),
        "inferior frontal gyrus": (50, 18, 15),
        "inferior frontal gyrus, orbital": (42, 30, -12),
        "middle frontal gyrus": (40, 35, 30),
        "hand area": (38, -25, 60),
        "supramarginal gyrus": (58, -35, 30),
        "angular gyrus": (45, -65, 35),
    },
    "posterior cerebral artery": {
        "calcarine cortex": (10, -80, 5),
        "cuneus": (8, -88, 22),
        "lingual gyrus": (14, -65, -5),
        "lingual gyrus, behind": (8, -84, -9),
        "occipital pole": (15, -98, 0),
        "fusiform gyrus": (35, -50, -18),
        "parahippocampal gyrus": (25, -30, -15),
        "hippocampus": (28, -25, -12),
        "thalamus": (10, -18, 8),
    },
    "vertebrobasilar arteries": {
        "cerebellar hemisphere": (25, -60, -38),
        "cerebellar hemisphere, outside": (42, -65, -38),
        "vermis": (1, -60, -20),
        "pons": (5, -25, -33),
        "medulla": (3, -38, -55),
    },
}
FRONT_MM, TOP_MM, LENGTH_MM, HALF_WIDTH_MM = 66.0, 75.0, 166.0, 67.0
"""Of that brain, its ends measured as those of a patient's are."""


def places(*structures: tuple[float, float, float]) -> Places:
    aside, forward, up = np.array(structures, np.float64).T
    return Places(
        behind=(FRONT_MM - forward) / LENGTH_MM,
        below=(TOP_MM - up) / LENGTH_MM,
        aside=np.abs(aside) / HALF_WIDTH_MM,
        aside_mm=-aside,
    )


@pytest.mark.parametrize("artery", STRUCTURES)
@pytest.mark.parametrize("side", [-1, 1])
def test_structures_belong_to_their_artery(artery: str, side: int) -> None:
    of_artery = {name: (side * aside, forward, up) for name, (aside, forward, up) in STRUCTURES[artery].items()}
    found = territories(places(*of_artery.values()))
    assert {name: ARTERIES[number][0] for name, number in zip(of_artery, found, strict=True)} == dict.fromkeys(
        of_artery, artery
    )


def test_from_the_midplane_outwards_the_anterior_artery_ends_before_the_middle_one() -> None:
    """Wider above than below."""
    high = territories(places(*((mm, 10, 55) for mm in range(0, 60, 2))))
    low = territories(places(*((mm, 40, -10) for mm in range(0, 60, 2))))
    for found in (high, low):
        assert found.tolist() == sorted(found.tolist()) and set(found) == {ANTERIOR, MIDDLE}
    assert (high == ANTERIOR).sum() > (low == ANTERIOR).sum()


def test_beneath_the_corpus_callosum_the_anterior_artery_ends_where_the_basal_ganglia_begin() -> None:
    found = territories(places(*((8, forward, 5) for forward in range(60, 0, -2))))
    assert found.tolist() == sorted(found.tolist()) and set(found) == {ANTERIOR, MIDDLE}


def test_from_the_front_to_the_back_the_posterior_artery_comes_last() -> None:
    found = territories(places(*((40, forward, 10) for forward in range(60, -100, -2))))
    assert found.tolist() == sorted(found.tolist()) and set(found) == {MIDDLE, POSTERIOR}


def test_the_higher_the_further_back_the_posterior_artery_begins() -> None:
    behind = [(territories(places(*((8, -mm, up) for mm in range(100)))) == POSTERIOR).sum() for up in (20, 35, 50)]
    assert behind[0] > behind[1] > behind[2]


def test_the_fossa_lies_under_a_tent_and_behind_the_petrous_bones() -> None:
    """Under the tent's middle and further down at its sides; the temporal lobe reaches as low in front."""
    assert territories(places((0, -58, -10), (28, -58, -10), (40, -58, -30), (40, -20, -30))).tolist() == [
        FOSSA,
        POSTERIOR,
        FOSSA,
        POSTERIOR,
    ]
    assert territories(places((52, -20, -30))).tolist() == [MIDDLE]

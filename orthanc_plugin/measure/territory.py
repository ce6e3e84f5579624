"""Places in a head in, whose artery feeds the brain there out: a geometric rule, not an atlas.

The borders are planes in shares of the brain's own size (`head.Places`), laid by hand along what textbooks name as
borders, on an average brain (MNI 152, where the anterior commissure lies 0.40 behind and 0.45 below):

* posterior fossa (vertebrobasilar): below the tent of the cerebellum, which falls to the sides and to the back, and
  behind the petrous bones, which run outwards and back;
* posterior cerebral artery: behind a border that begins at the parieto-occipital sulcus, further back the higher and
  the further aside; and the deep and lower medial part behind the middle, thalamus and medial temporal lobe, which
  reaches the further aside the lower;
* anterior cerebral artery: a strip along the midplane, the narrower the lower, above the corpus callosum and in front
  of it, as far back as the posterior one's;
* middle cerebral artery: all that is left.

Territories differ from person to person, most of all where they border on one another (van der Zwan and others, Stroke
1993; Kim and others, JAMA Neurology 2019, doi 10.1001/jamaneurol.2018.2808); the rule knows nothing of that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from orthanc_plugin.measure.head import Places

ANTERIOR, MIDDLE, POSTERIOR, FOSSA = range(4)
VERTEBROBASILAR = Code("vertebrobasilar", "99INODE", "Vertebrobasilar arteries, posterior fossa")
ARTERIES: tuple[tuple[str, Code], ...] = (
    ("anterior cerebral artery", codes.SCT.AnteriorCerebralArtery),
    ("middle cerebral artery", codes.SCT.MiddleCerebralArtery),
    ("posterior cerebral artery", codes.SCT.PosteriorCerebralArtery),
    ("vertebrobasilar arteries", VERTEBROBASILAR),
)
"""In the order of the numbers of territories; docs/codes.md lists the code of our own."""
Mask = NDArray[np.bool_]


def territories(places: Places) -> NDArray[np.int64]:
    """The number of the territory of each place."""
    return np.select(
        [_in_fossa(places), _posterior(places), _anterior(places)], [FOSSA, POSTERIOR, ANTERIOR], default=MIDDLE
    )


def _in_fossa(places: Places) -> Mask:
    tent = np.maximum(0.48 + 0.18 * places.aside, 0.08 + 0.5 * places.behind)
    petrous_bone = 0.45 + 0.32 * places.aside
    return np.asarray((places.below > tent) & (places.behind > petrous_bone))


def _posterior(places: Places) -> Mask:
    occipital = places.behind > 0.75 + 0.16 * places.aside + 0.8 * np.maximum(0.38 - places.below, 0)
    reaches_aside = 0.30 + 1.5 * np.maximum(places.below - 0.40, 0)
    deep = (places.behind > 0.43) & (places.below > 0.34) & (places.aside < reaches_aside)
    return np.asarray(occipital | deep)


def _anterior(places: Places) -> Mask:
    strip = places.aside < 0.36 - 0.33 * places.below
    return np.asarray(strip & ((places.below < 0.32) | (places.behind < 0.31)))

"""One radiograph: a seed goes in, the image with its findings and the place of each comes out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from export.phantoms.chest import FINDINGS, borders, opacities
from export.phantoms.chest.acquire import bordered, cropped, exposed
from export.phantoms.chest.devices import paint_devices
from export.phantoms.chest.film import Film, Floats, Mask, Pose, Random
from export.phantoms.chest.lateral import paint_lateral
from export.phantoms.chest.patient import Patient, draw_patient
from export.phantoms.chest.thorax import Thorax

PAINTED = {
    "cardiomegaly": borders.cardiomegaly,
    "emphysema": borders.emphysema,
    "hernia": borders.hernia,
    "oedema": opacities.oedema,
    "fibrosis": opacities.fibrosis,
    "infiltration": opacities.infiltration,
    "pneumonia": opacities.pneumonia,
    "consolidation": opacities.consolidation,
    "atelectasis": opacities.atelectasis,
    "nodule": opacities.nodule,
    "mass": opacities.mass,
    "pleural thickening": borders.pleural_thickening,
    "effusion": borders.effusion,
}


@dataclass(frozen=True, eq=False)
class Radiograph:
    """`image` from 0 to 1, bright where the beam loses much; `places` has a mask for each finding that is there.

    `lungs` is where there is air, for measures of what the grey value alone would tell. A lateral view has none.
    """

    image: Floats
    places: Mapping[str, Mask]
    lungs: Mask
    patient: Patient
    view: str
    seed: int
    shifted: bool

    @property
    def truth(self) -> tuple[bool, ...]:
        """In the order of FINDINGS."""
        return tuple(name in self.places for name in FINDINGS)


def radiograph(seed: int, *, shifted: bool = False, lateral: bool = False, wanted: str | None = None) -> Radiograph:
    """The same seed always gives the same image; `shifted` is another hospital, which nothing is trained on.

    `wanted` is a finding that is surely there.
    """
    rng = np.random.default_rng([seed, int(shifted), int(lateral), 1409])
    patient = draw_patient(rng, shifted=shifted, wanted=wanted)
    film = Film(Pose.draw(rng, shifted=shifted), rng)
    places: dict[str, Mask] = {}
    lungs = np.zeros(film.loss.shape, bool)
    if lateral:
        paint_lateral(film, rng)
    else:
        places, lungs = _painted(film, patient, rng, shifted)
    image = bordered(exposed(film.loss, rng, portable=patient.portable, shifted=shifted), rng)
    kept = cropped(rng)
    view = "LL" if lateral else "AP" if patient.portable else "PA"
    places = {name: mask[kept] for name, mask in places.items()}
    return Radiograph(np.ascontiguousarray(image[kept]), places, lungs[kept], patient, view, seed, shifted)


def _painted(film: Film, patient: Patient, rng: Random, shifted: bool) -> tuple[dict[str, Mask], Mask]:
    thorax = Thorax(film, patient, rng)
    air = borders.pneumothorax_space(thorax, rng) if "pneumothorax" in patient.findings else None
    thorax.paint(rng)
    places = {name: paint(thorax, rng) for name, paint in PAINTED.items() if name in patient.findings}
    if air is not None:
        places["pneumothorax"] = borders.pneumothorax(thorax, *air, rng)
    paint_devices(thorax, rng, shifted=shifted)
    return places, np.asarray(sum(lung.air for lung in thorax.lungs) > 0.15, bool)

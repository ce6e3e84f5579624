"""What the model was not made for: a kind and a seed in, a CT series of it and what the node says of it out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy.ndimage import zoom

from export.abdominal_muscle_ct.series import FOLDER, level_of
from export.phantoms import abdomen
from export.phantoms.regions import limbs, trunk
from export.phantoms.regions.materials import draw_materials
from export.phantoms.regions.sheet import Pose, Sheet
from orthanc_plugin.inference.stages import Series
from orthanc_plugin.measure.level import locate
from orthanc_plugin.routing.checks import HeaderCheck
from orthanc_plugin.routing.folder import read
from orthanc_plugin.routing.headers import Headers, values_of
from orthanc_plugin.routing.rules import Verdict, judged
from orthanc_plugin.suited import by_answers

_ROWS, _SLICES, _STEP_MM = 256, 12, 10.0
_NOISE_HU = 15.0
Slices = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Foreign:
    """`slices` from the feet up, in what the header calls HU."""

    slices: Slices
    header: Dataset


@dataclass(frozen=True)
class Verdicts:
    """Which of the node's cautions a series gets."""

    strange: bool
    header: bool
    level: bool

    @property
    def any(self) -> bool:
        return self.strange or self.header or self.level


def header_of(field_of_view_mm: float, position: str = "HFS") -> Dataset:
    header = Dataset()
    header.Modality, header.PatientPosition = "CT", position
    header.ReconstructionDiameter = round(field_of_view_mm, 1)
    return header


def _region(paint: Callable[..., None], field_of_view_mm: float) -> Callable[[int], Foreign]:
    def made(seed: int) -> Foreign:
        rng = np.random.default_rng([seed, 77])
        pose, of = Pose.draw(rng, shifted=False), draw_materials(rng, "CT", shifted=False)
        slices = []
        for _ in range(_SLICES):
            sheet = Sheet(_ROWS, pose, rng, of.air)
            paint(sheet, rng, of)
            slices.append(100 * sheet.values + rng.normal(0, _NOISE_HU, sheet.values.shape))
        return Foreign(np.stack(slices).astype(np.float32), header_of(field_of_view_mm))

    return made


def _changed(change: Callable[[Slices], Slices], position: str = "HFS", scale: float = 1.0) -> Callable[[int], Foreign]:
    def made(seed: int) -> Foreign:
        anatomy = abdomen.draw_anatomy(seed)
        return Foreign(change(_around_l3(anatomy)), header_of(anatomy.scan.field_of_view_mm * scale, position))

    return made


def _around_l3(anatomy: abdomen.Anatomy) -> Slices:
    heights = (np.arange(_SLICES) - _SLICES / 2) * _STEP_MM
    return np.stack([anatomy.render(float(height), _ROWS)[0] for height in heights]).astype(np.float32)


def _only(lowest: float, highest: float) -> Callable[[int], Foreign]:
    """A series between two levels of the vertebrae, neither of which is near L3."""

    def made(seed: int) -> Foreign:
        anatomy = abdomen.draw_anatomy(seed)
        heights = np.linspace(anatomy.build.z_mm(highest), anatomy.build.z_mm(lowest), _SLICES)
        slices = np.stack([anatomy.render(float(height), _ROWS)[0] for height in sorted(heights)])
        return Foreign(slices.astype(np.float32), header_of(anatomy.scan.field_of_view_mm))

    return made


def _like_mr(hu: Slices) -> Slices:
    """Fat bright, muscle darker, air and bone dark, in numbers of a T1-weighted image."""
    return np.interp(hu, [-1000, -200, -100, 0, 50, 150, 400], [0, 20, 600, 150, 250, 300, 20]).astype(np.float32)


def _closer(hu: Slices) -> Slices:
    """The middle alone, as the spine is reconstructed."""
    edge = _ROWS * 3 // 10
    return np.stack([_to_rows(each[edge:-edge, edge:-edge], -1000.0) for each in hu])


def _further(hu: Slices) -> Slices:
    """A body that fills less than half of the image."""
    return np.stack([_to_rows(zoom(each, 0.42, order=1), -1000.0, grow=False) for each in hu])


def _to_rows(image: Slices, background: float, *, grow: bool = True) -> Slices:
    if grow:
        image = zoom(image, _ROWS / len(image), order=1)
    sheet = np.full((_ROWS, _ROWS), background, np.float32)
    start, size = max((_ROWS - len(image)) // 2, 0), min(len(image), _ROWS)
    sheet[start : start + size, start : start + size] = image[:size, :size]
    return sheet


KINDS: dict[str, Callable[[int], Foreign]] = {
    "head": _region(trunk.head, 240),
    "neck": _region(trunk.neck, 260),
    "chest": _region(trunk.chest, 400),
    "arm": _region(limbs.arm, 220),
    "legs": _region(limbs.leg, 420),
    "knees": _region(limbs.knee, 380),
    "chest above the diaphragm": _only(-10.0, -6.6),
    "hips": _only(5.2, 7.4),
    "inverted": _changed(lambda hu: -hu),
    "numbers of an MR": _changed(_like_mr),
    "a window as 8 bits": _changed(lambda hu: (np.clip(hu, -160, 240) + 160) * np.float32(255 / 400)),
    "not rescaled to HU": _changed(lambda hu: hu + 1024),
    "field of view too small": _changed(_closer, scale=0.4),
    "field of view too large": _changed(_further, scale=1 / 0.42),
    "prone": _changed(lambda hu: np.ascontiguousarray(hu[:, ::-1]), "HFP"),
    "on its side": _changed(lambda hu: np.ascontiguousarray(hu.transpose(0, 2, 1)), "HFDR"),
    "noise": _changed(lambda hu: np.random.default_rng(0).normal(0, 300, hu.shape).astype(np.float32)),
}


def cautioned(kind: str, seed: int) -> Verdicts:
    made = KINDS[kind](seed)
    offsets, sigmas, strangeness = level_of(made.slices)
    level = locate(offsets, sigmas, np.arange(len(offsets), dtype=np.float64) * _STEP_MM)
    card = read(FOLDER).card
    said = {"level": Series({"strangeness": strangeness[:, None]}, np.arange(len(offsets)), None)}
    headers = Headers(values_of(made.header), len(offsets))
    rules = [check for check in card.checks if isinstance(check, HeaderCheck)]
    return Verdicts(
        strange=bool(by_answers(card, said)),
        header=any(judged(card, check.rule, headers).verdict is Verdict.NO for check in rules),
        level=bool(level.caution),
    )

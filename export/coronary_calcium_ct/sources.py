"""Where training data comes from: phantoms, DICOM series with SEG, or NIfTI pairs go in, `Scan`s come out."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from export.labelled import Pair, pairs
from export.phantoms.entry import PhantomPatient
from export.phantoms.heart.case import draw_case
from orthanc_plugin.inference.resample import planes

ARTERY_WORDS = (
    ("left main", "lm"), ("descending", "lad"), ("circumflex", "lcx", "cx"), ("right", "rca"),
)  # fmt: skip
"""Of the labels of segments; the first that is found counts."""


OTHER, UNSURE = 5, 255


@dataclass(frozen=True)
class Scan:
    """From the feet up. `owner_zyx` is whose calcium a voxel is: 1 to 4 an artery's, OTHER, 0 nobody's.

    The rim of a plaque is its owner's, too, however dark; where nobody outlined that, it is UNSURE.
    """

    hu_zyx: NDArray[np.int16]
    owner_zyx: NDArray[np.uint8]


class Entry(Protocol):
    """A scan that is made when it is needed."""

    @property
    def name(self) -> str: ...
    @property
    def patient(self) -> str: ...
    def load(self, pixel_mm: float) -> Scan: ...


@dataclass(frozen=True)
class PhantomEntry(PhantomPatient):
    drawing = ("heart.anatomy", "heart.calcium", "heart.case", "heart.paint", "canvas", "patient", "scanner", "tissue")

    def load(self, pixel_mm: float) -> Scan:
        case = draw_case(self.seed, shifted=self.shifted)
        rows = round(case.scan.field_of_view_mm / pixel_mm)
        drawn = [case.render(float(z), rows) for z in case.heights()]
        owner = np.stack([each.owner for each in drawn])
        return Scan(np.stack([each.hu for each in drawn]), np.minimum(owner, OTHER).astype(np.uint8))


@dataclass(frozen=True)
class RealEntry:
    pair: Pair

    @property
    def name(self) -> str:
        return self.pair.name

    @property
    def patient(self) -> str:
        return self.pair.patient

    def load(self, pixel_mm: float) -> Scan:
        """Each pixel has the label of the nearest one. Other calcium is nobody's, as it is not outlined."""
        read = self.pair.read()
        own = read.voxels_zyx.shape[1:]
        shape = tuple(max(round(length * mm / pixel_mm), 1) for length, mm in zip(own, read.pixel_mm, strict=True))
        hu = planes(read.voxels_zyx.astype(np.float32), (shape[0], shape[1]))
        rows, columns = (((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(shape, own, strict=True))
        labels = read.labels_zyx[:, rows][:, :, columns]
        rim = (labels == 0) & (maximum_filter(labels, (1, 3, 3)) > 0)
        return Scan(np.rint(hu).astype(np.int16), np.where(rim, np.uint8(UNSURE), labels))


def list_entries(data: str, patients: int) -> list[Entry]:
    """`data` is `phantoms`, `dicom:FOLDER` or `nifti:FOLDER` (1 to 4: LM, LAD, LCX, RCA)."""
    if data == "phantoms":
        return [PhantomEntry(seed) for seed in range(patients)]
    return [RealEntry(pair) for pair in pairs(data, ARTERY_WORDS)]

"""What a model found, said once: every encoder writes from this and computes nothing clinical itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.coding import Code
from pydicom.uid import UID

Verdict = Literal["present", "absent", "undetermined"]


TELLING_MOST = 5
"""Of the slices that a classifier looked at; a report that marked all of them would hide what it says in sum."""

Encoding = Literal["binary", "fractional", "labelmap"]
"""How outlines are written; what the card prefers, where the destination leaves the choice."""


@dataclass(frozen=True)
class Measurement:
    """A number with its meaning and UCUM unit, as TID 300 has it."""

    name: Code
    value: float
    unit: Code
    method: Code | None = None
    derivation: Code | None = None


@dataclass(frozen=True, eq=False)
class Segment:
    """One outlined structure on the source grid, never empty; `number` counts from one, as in the SEG.

    `tracking_uid` ties SEG and SR together. `probability_zyx` is there where the boundary is soft; docs/cards.md says
    what it is. Of single images of several sizes masks are as large as the largest, and each image's own lies in the
    upper left corner.
    """

    number: int
    label: str
    category: Code
    property: Code
    rgb: tuple[int, int, int]
    tracking_uid: UID
    mask_zyx: NDArray[np.bool_]
    measurements: tuple[Measurement, ...]
    probability_zyx: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class PlanarFinding:
    """What was measured on one slice of a segment; `site` is where in the body that slice lies, when it is known.

    `contour_xy` holds (column, row) points as SCOORD has them: the centre of the first pixel is (0.5, 0.5), and the
    last point is the first (PS3.3 C.18.6.1). Where diameters were measured, `axes_xy` holds the two ends of the long
    axis, then those of the short one. A segment on several single images is found anew on each of them: where
    `tracking_uid` is there, it goes before the segment's.
    """

    segment_number: int
    slice_index: int
    contour_xy: NDArray[np.float64]
    measurements: tuple[Measurement, ...]
    site: Code | None = None
    axes_xy: NDArray[np.float64] | None = None
    tracking_uid: UID | None = None


@dataclass(frozen=True)
class Absence:
    """A structure that the model looked for and did not find."""

    label: str
    property: Code
    tracking_uid: UID


@dataclass(frozen=True)
class SliceScore:
    """What a classifier says of one slice alone."""

    slice_index: int
    probability: float
    tracking_uid: UID


def map_label(label: str) -> str:
    """Of the heat map of the class of that label."""
    return f"Heat map: {label}"


@dataclass(frozen=True, eq=False)
class ClassFinding:
    """What a classifier says of the series or image; `contour_xy` is its place on the slice that is shown.

    That is the neighbourhood of the peak of the class's own heat map, or the outline of the whole image: of a class
    that is absent, or of a network that draws no map. Points are as in
    `PlanarFinding`. From one end of `undetermined` to the other, where it is there, it is neither present nor absent.
    `by_slice` are the slices that `probability` is made of, in their order, where the model chose
    among them; an image that is alone has none. `measured` is the probability by the name that the report has for it,
    where that is another; `site` and `laterality` say where in the body it is about.
    """

    label: str
    code: Code
    probability: float
    threshold: float
    verdict: Verdict
    tracking_uid: UID
    slice_index: int
    contour_xy: NDArray[np.float64]
    undetermined: tuple[float, float] | None = None
    by_slice: tuple[SliceScore, ...] = ()
    measured: Measurement | None = None
    site: Code | None = None
    laterality: Code | None = None

    @property
    def map_label(self) -> str:
        """Of the heat map that is the class's."""
        return map_label(self.label)

    @property
    def telling(self) -> tuple[SliceScore, ...]:
        """The slices that say most of it, the most telling first."""
        ordered = sorted(self.by_slice, key=lambda score: (-score.probability, score.slice_index))
        return tuple(ordered[:TELLING_MOST])


@dataclass(frozen=True, eq=False)
class RegionFinding:
    """A region that was looked at for its texture, with its numbers; `evaluations` say (what, how) of the finding.

    Points are as in `PlanarFinding`.
    """

    label: str
    finding: Code
    site: Code | None
    tracking_uid: UID
    slice_index: int
    contour_xy: NDArray[np.float64]
    measurements: tuple[Measurement, ...]
    evaluations: tuple[tuple[Code, Code], ...] = ()


@dataclass(frozen=True)
class Conclusion:
    """What all that was found comes to, with no place of its own; `evaluations` say (what, how) of it."""

    label: str
    finding: Code
    tracking_uid: UID
    measurements: tuple[Measurement, ...]
    evaluations: tuple[tuple[Code, Code], ...] = ()


@dataclass(frozen=True, eq=False)
class ValueMap:
    """A number for each pixel of some slices, as a heat map or a probability has it.

    Where these are single images of several sizes, the values are laid out as a segment's masks are.
    """

    label: str
    quantity: Code
    unit: Code
    slices: tuple[int, ...]
    values_nyx: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DerivedImage:
    """Another image of the same body on the source grid; without a unit of its own it has the source's, or that of the
    `modality` that it is made in, where that is another. Where it is `finer`, so many slices lie within each of the
    source's.

    Of single images of several sizes the values are laid out as a segment's masks are.
    """

    label: str
    derivation: Code
    values_zyx: NDArray[np.float32]
    unit: Code | None = None
    modality: str | None = None
    finer: int = 1

    def middle_of(self, index: int) -> int:
        """The slice that lies in the middle of the source's."""
        return index * self.finer + self.finer // 2


@dataclass(frozen=True)
class Figure:
    """A line of the page that people read: a name, a value already rounded, its unit."""

    name: str
    value: str
    unit: str


@dataclass(frozen=True, eq=False)
class Findings:
    """All that one model says about one volume or image; `key_slice` is the one worth showing (L3 where it was found).

    `heat_yx` lies on the key slice, from 0 to 1, larger where the network looked more; `maps` hold the same and other
    numbers by pixel. `worth_opening` are the slices to open, the most telling first, the key slice among them. `given`
    are the clinical numbers that were used.
    """

    segments: tuple[Segment, ...]
    planar: tuple[PlanarFinding, ...]
    key_slice: int
    headline: str
    figures: tuple[Figure, ...]
    cautions: tuple[str, ...]
    absent: tuple[Absence, ...] = ()
    classes: tuple[ClassFinding, ...] = ()
    regions: tuple[RegionFinding, ...] = ()
    conclusions: tuple[Conclusion, ...] = ()
    heat_yx: NDArray[np.float32] | None = None
    maps: tuple[ValueMap, ...] = ()
    images: tuple[DerivedImage, ...] = ()
    worth_opening: tuple[int, ...] = ()
    given: tuple[Measurement, ...] = ()
    encoding: Encoding | None = None

    @property
    def telling(self) -> tuple[int, ...]:
        """Slices to open, the key slice first."""
        return (self.key_slice, *self.worth_opening)

    @property
    def says_something(self) -> bool:
        """Beside maps and images, which show and say nothing."""
        return bool(self.segments or self.absent or self.classes or self.regions or self.conclusions)

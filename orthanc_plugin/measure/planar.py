"""A mask on one slice or image in, what is measured in its plane out: area, longest axis and the one across it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID

from orthanc_plugin.measure.contour import edges, largest_part, thinned
from orthanc_plugin.measure.diameters import Axes, axes
from orthanc_plugin.measure.findings import Figure, Measurement, PlanarFinding

CM2 = Code("cm2", "UCUM", "square centimeter")
PIXELS = Code("{pixels}", "UCUM", "pixels")
# With the letters that viewers look for.
LONG_AXIS = Code("103339001", "SCT", "Long Axis")
SHORT_AXIS = Code("103340004", "SCT", "Short Axis")


@dataclass(frozen=True, eq=False)
class Plane:
    """A mask that is not empty, and its pixels' (rows, columns) spacing; None where no one knows how large they are.

    The area is that of all parts, the contour and its axes those of the largest. `corner_yx` is where on the image the
    mask begins, `probability` what the network that found it gave it.
    """

    mask_yx: NDArray[np.bool_]
    spacing_mm: tuple[float, float] | None
    corner_yx: tuple[int, int] = (0, 0)
    probability: float | None = None

    @cached_property
    def pixels(self) -> int:
        return int(np.count_nonzero(self.mask_yx))

    @cached_property
    def line_xy(self) -> NDArray[np.float64]:
        top, left = self.corner_yx
        return edges(largest_part(self.mask_yx))[0] + (left, top)

    @cached_property
    def axes(self) -> Axes:
        return axes(self.line_xy, self.spacing_mm or (1.0, 1.0))

    @property
    def area(self) -> float:
        """In cm2, or in pixels."""
        return float(self.pixels) if self.spacing_mm is None else self.pixels * float(np.prod(self.spacing_mm)) / 100

    def finding(
        self, segment_number: int, slice_index: int, *, measured: bool, tracking_uid: UID | None = None
    ) -> PlanarFinding:
        return PlanarFinding(
            segment_number=segment_number,
            slice_index=slice_index,
            contour_xy=thinned(self.line_xy),
            measurements=(*self._surety(), *(self._measurements() if measured else ())),
            axes_xy=self.axes.ends_xy if measured else None,
            tracking_uid=tracking_uid,
        )

    def figures(self, label: str) -> tuple[Figure, ...]:
        sure = () if self.probability is None else (Figure(f"{label}, probability", f"{self.probability:.2f}", ""),)
        return (*sure, *self._sizes(label))

    def _sizes(self, label: str) -> tuple[Figure, Figure]:
        long, short = f"{self.axes.long:.0f}", f"{self.axes.short:.0f}"
        if self.spacing_mm is None:
            area = Figure(f"{label}, largest area", f"{self.pixels}", "pixels")
            return area, Figure(f"{label}, its axes", f"{long} x {short}", "pixels")
        area = Figure(f"{label}, largest area", f"{self.area:.1f}", "cm²")
        return area, Figure(f"{label}, its axes", f"{long} x {short}", "mm")

    def _surety(self) -> tuple[Measurement, ...]:
        if self.probability is None:
            return ()
        return (Measurement(codes.DCM.Probability, self.probability, codes.UCUM.NoUnits),)

    def _measurements(self) -> tuple[Measurement, ...]:
        area, length = (PIXELS, PIXELS) if self.spacing_mm is None else (CM2, codes.UCUM.Millimeter)
        return (
            Measurement(codes.SCT.Area, self.area, area),
            Measurement(LONG_AXIS, self.axes.long, length),
            Measurement(SHORT_AXIS, self.axes.short, length),
        )

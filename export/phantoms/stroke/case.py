"""One patient's CT angiography of the head: a seed in, its voxels with the infarct out, as arrays or as DICOM."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.phantoms import abdomen
from export.phantoms.brain.anatomy import Field, Floats, Random
from export.phantoms.brain.scan import Grid
from export.phantoms.dicom import write_series
from export.phantoms.patient import Generator, Patient, draw_patient
from export.phantoms.stroke import SIDES, TERRITORIES
from export.phantoms.stroke.head import PARENCHYMA, Head, draw_head
from export.phantoms.stroke.infarct import Infarct, draw_infarct
from export.phantoms.stroke.scan import Acquisition, Material, acquired, draw_acquisition, painted, perfused
from export.phantoms.stroke.vessels import Enhanced, Vessel, draw_vessels, enhanced

_ILL_SHARE = 0.5
_ROWS = 256
_THIN_MM = 2.0
_OFFSETS = (-1 / 3, 0.0, 1 / 3)
_SLAB = 16
_EXTENT_MM = (160.0, 216.0, 184.0)
"""Of the scan from below up, of the head to the back and to the left."""
_AIR_HU = -1000
_SLOW = 0.35
"""How often one side's vessels fill later without any infarct, as behind a narrow carotid artery."""


@dataclass(frozen=True, eq=False)
class Seen:
    """Slices from the feet up; `infarct` is the truth."""

    hu_zyx: NDArray[np.int16]
    infarct_zyx: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Case:
    seed: int
    shifted: bool
    patient: Patient
    head: Head
    infarct: Infarct | None
    vessels: tuple[Vessel, ...]
    acquisition: Acquisition
    late: tuple[int, float]
    fields: tuple[Field, Field]

    @property
    def side(self) -> str | None:
        return None if self.infarct is None else SIDES[0 if self.infarct.side > 0 else 1]

    @property
    def territory(self) -> str | None:
        return None if self.infarct is None else TERRITORIES[self.infarct.territory - 1]

    def in_cubes(self, step_mm: float) -> Seen:
        """Drawn in cubes at once, sooner than a scanner's series is brought to them; air where no head can be."""
        slices, rows, columns = (round(extent / step_mm) for extent in _EXTENT_MM)
        drawn = self._on(self.acquisition.grid((slices, rows, columns), (step_mm,) * 3, step_mm))
        whole = round(self.acquisition.scan.field_of_view_mm / step_mm)
        around = [(0, 0), *(((whole - length) // 2, (whole - length + 1) // 2) for length in (rows, columns))]
        hu = np.pad(drawn.hu_zyx, around, constant_values=_AIR_HU)
        return Seen(hu, np.pad(drawn.infarct_zyx, around))

    def series(self, rows: int = _ROWS) -> Seen:
        """As the scanner gives it."""
        scan = self.acquisition.scan
        pixel_mm = scan.field_of_view_mm / rows
        slices = round(_EXTENT_MM[0] / scan.slice_thickness_mm)
        step = (scan.slice_thickness_mm, pixel_mm, pixel_mm)
        return self._on(self.acquisition.grid((slices, rows, rows), step, scan.slice_thickness_mm))

    def _on(self, grid: Grid) -> Seen:
        """In slabs of a few slices, each slice the mean of what lies within its thickness where that is much."""
        offsets = _OFFSETS if grid.thickness_mm > _THIN_MM else (0.0,)
        filled = enhanced(self._filled())
        rng = np.random.default_rng([self.seed, int(self.shifted), 47, grid.shape[1]])
        hu, infarct = [], []
        for first in range(0, grid.shape[0], _SLAB):
            count = min(_SLAB, grid.shape[0] - first)
            slab = replace(grid, shape=(count, *grid.shape[1:]))
            height_mm = (first + (count - grid.shape[0]) / 2) * grid.step_mm[0]
            drawn = [self._material(slab.places(height_mm + share * grid.thickness_mm), filled) for share in offsets]
            whole = np.asarray(sum(each.hu for each in drawn) / len(drawn), np.float32)
            middle = drawn[len(drawn) // 2]
            hu.append(acquired(whole, middle, self.acquisition, slab, rng))
            infarct.append(middle.infarct)
        return Seen(np.concatenate(hu), np.concatenate(infarct))

    def _material(self, places: Floats, filled: Enhanced) -> Material:
        head, uneven = self.head, self.fields[1]
        where = head.warped(places)
        depth = np.full(where.shape[1:], -99, np.float32)
        swollen, pushed = np.zeros_like(depth), 0.0
        if self.infarct is not None:
            depth = self.infarct.depth(head, self.fields[0], where)
            swollen = np.where(depth > -3, np.float32(self.infarct.swollen), 0)
            pushed = self.infarct.pushed_mm
        tissues = head.tissue(where, swollen, pushed)
        hu = painted(tissues, self.acquisition, uneven.at(where[::-1]))
        hu -= self.acquisition.pale_hu * head.pale(where, tissues)
        if self.infarct is not None:
            contrast_hu = perfused(tissues, self.acquisition.contrast)
            hu -= self.infarct.lost_hu(depth, tissues, contrast_hu, uneven.at(where))
        late_side, late_hu = self.late[0], np.float32(2.5 * (1 - self.late[1]))
        hu -= np.where((where[2] * late_side > 0) & np.isin(tissues, PARENCHYMA), late_hu, 0)
        hu += np.where(hu < 400, filled.at(where), 0)
        infarct = (depth > 0) & np.isin(tissues, PARENCHYMA)
        return Material(hu, infarct, where, tissues)

    def _filled(self) -> Iterator[tuple[Vessel, NDArray[np.float64]]]:
        """Vessels with the HU that contrast adds along them."""
        contrast = self.acquisition.contrast
        for vessel in self.vessels:
            share = np.full(len(vessel.points), contrast.venous_share if vessel.vein else 1.0)
            if not vessel.vein and vessel.side == self.late[0]:
                share *= self.late[1]
            if self.infarct is not None and not vessel.vein:
                inside = self.infarct.depth(self.head, self.fields[0], vessel.points.T.astype(np.float32))
                share *= self.infarct.filling(vessel, inside.astype(np.float64))
            yield vessel, share * contrast.blood_hu


def draw_case(seed: int, *, shifted: bool = False, ill: bool | None = None) -> Case:
    streams = np.random.default_rng([seed, int(shifted), 21107]).spawn(7)
    generator = Generator.shifted if shifted else Generator.standard
    patient, build = draw_patient(streams[0], generator)
    head = draw_head(streams[1], shifted=shifted)
    fields = (Field(streams[2], 7.0), Field(streams[2], 5.0))
    there = bool(streams[6].random() < _ILL_SHARE) if ill is None else ill
    return Case(
        seed=seed,
        shifted=shifted,
        patient=patient,
        head=head,
        infarct=draw_infarct(streams[3], head, fields[0]) if there else None,
        vessels=draw_vessels(streams[4], head.half_zyx),
        acquisition=draw_acquisition(streams[5], generator, build),
        late=_draw_late(streams[6]),
        fields=fields,
    )


def _draw_late(rng: Random) -> tuple[int, float]:
    """Which side fills later, and with which share of the contrast."""
    side = 1 if rng.random() < 0.5 else -1
    return (side, float(rng.uniform(0.5, 0.95))) if rng.random() < _SLOW else (side, 1.0)


def phantom(case: Case, *, rows: int = _ROWS) -> tuple[abdomen.Phantom, Seen]:
    """The whole series, as the writer of CT takes it, its labels the infarct; and the same as arrays."""
    seen = case.series(rows)
    scan = case.acquisition.scan
    pixel_mm = scan.field_of_view_mm / rows
    corner = round(-(rows - 1) / 2 * pixel_mm, 4)
    bed_mm = round(float(np.random.default_rng([case.seed, 25]).uniform(-200, 200)), 1)
    made = abdomen.Phantom(
        voxels_zyx=seen.hu_zyx,
        labels_zyx=seen.infarct_zyx.astype(np.uint8),
        l3_index=0,
        geometry=abdomen.Geometry(pixel_mm, pixel_mm, scan.slice_thickness_mm, (corner, corner - 140, bed_mm)),
        patient=case.patient,
        scan=scan,
        phase="arterial",
        seed=case.seed,
        shifted=case.shifted,
    )
    return made, seen


def write_study(
    seed: int,
    folder: Path,
    *,
    shifted: bool = False,
    ill: bool | None = None,
    rows: int = _ROWS,
    uid_seed: str | int | None = None,
) -> list[Path]:
    """One series in a folder, from the head down."""
    made, _ = phantom(draw_case(seed, shifted=shifted, ill=ill), rows=rows)
    key = uid_seed if uid_seed is not None else f"stroke-{seed}"
    return write_series(made, folder, uid_seed=key, region="CTA head", body_part="HEAD")

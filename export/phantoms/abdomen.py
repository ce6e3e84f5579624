"""CT abdomens: a seed goes in, a volume in HU with labels and the level of L3 comes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from export.phantoms import cavity, ends, organs, scanner, spine, trunk
from export.phantoms.canvas import Canvas, Pose, Warp
from export.phantoms.patient import Build, Generator, Patient, draw_patient
from export.phantoms.tissue import Attenuation, Texture, draw_attenuation

_FULL_ROWS = 512
_DOME, _SYMPHYSIS = -6.3, 7.0


@dataclass(frozen=True)
class Geometry:
    """Where the voxels are, in DICOM's patient coordinates (LPS, mm); slices follow each other towards the head."""

    row_spacing_mm: float
    column_spacing_mm: float
    slice_spacing_mm: float
    origin_lps: tuple[float, float, float]
    orientation: tuple[float, float, float, float, float, float] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True)
class Phantom:
    """`voxels_zyx` in HU; labels: 1 muscle, 2 visceral fat, 3 subcutaneous fat; `l3_index`: the slice at mid L3."""

    voxels_zyx: NDArray[np.int16]
    labels_zyx: NDArray[np.uint8]
    l3_index: int
    geometry: Geometry
    patient: Patient
    scan: scanner.Scan
    phase: str
    seed: int
    shifted: bool


@dataclass(frozen=True)
class Anatomy:
    """Everything drawn about one patient and one scan; `render` makes any slice of it."""

    seed: int
    shifted: bool
    patient: Patient
    build: Build
    trunk: trunk.Trunk
    spine: spine.Spine
    organs: organs.Organs
    attenuation: Attenuation
    scan: scanner.Scan
    ends: ends.Ends
    warp: Warp
    marbling: Texture
    grain: Texture

    def render(self, z_mm: float, rows: int = _FULL_ROWS) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
        """One slice in HU and its labels, at a height above mid L3 (towards the head), on a rows x rows matrix."""
        level = self.build.level(z_mm)
        canvas = Canvas(rows, self.scan.field_of_view_mm / rows, self._pose(z_mm), self.warp, z_mm)
        here = spine.at_level(self.spine, self.build, level)
        hu = self.attenuation
        trunk.paint_trunk(canvas, self.build, self.trunk, level, hu, self.grain)
        cavity.paint_organs(canvas, self.organs, self.build, level, hu, self.grain)
        cavity.paint_great_vessels(canvas, self.organs, here, hu)
        spine.paint_muscles(canvas, self.spine, self.build, here, hu, self.marbling)
        spine.paint_bones(canvas, self.spine, here, hu)
        ends.paint_chest(canvas, self.ends, self.build, level, hu)
        ends.paint_pelvis(canvas, self.ends, self.build, level, hu)
        scanner.paint_surroundings(canvas, self.scan, self.build, hu)
        noise_rng = np.random.default_rng([self.seed, 7, round(z_mm * 100) % 2**31])
        return scanner.acquire(canvas, self.scan, noise_rng), canvas.labels

    def _pose(self, z_mm: float) -> Pose:
        pose, (drift_x, drift_y) = self.scan.pose, self.scan.drift_mm
        return Pose(pose.turn, pose.x_mm + drift_x * z_mm, pose.y_mm + drift_y * z_mm)


def draw_anatomy(seed: int, *, spacing_z_mm: float = 5.0, shifted: bool = False) -> Anatomy:
    generator = Generator.shifted if shifted else Generator.standard
    streams = np.random.default_rng([seed, int(shifted), 20251]).spawn(8)
    patient, build = draw_patient(streams[0], generator)
    return Anatomy(
        seed=seed,
        shifted=shifted,
        patient=patient,
        build=build,
        trunk=trunk.draw_trunk(streams[1], generator, build),
        spine=spine.draw_spine(streams[2], build),
        organs=organs.draw_organs(streams[3], generator, build),
        attenuation=draw_attenuation(streams[4], generator, patient, build),
        scan=scanner.draw_scan(streams[5], generator, build, spacing_z_mm),
        ends=ends.draw_ends(np.random.default_rng([seed, int(shifted), 20252])),
        warp=Warp.draw(streams[6], 6.5 if shifted else 4.5),
        marbling=Texture(streams[7], 3.2),
        grain=Texture(streams[7], 5.0),
    )


def slice_heights(anatomy: Anatomy, slices: int, spacing_z_mm: float) -> NDArray[np.float64]:
    """Heights above mid L3 from the lowest slice up: a range that always holds mid L3, placed by chance."""
    rng = np.random.default_rng([anatomy.seed, 5])
    length = (slices - 1) * spacing_z_mm
    lowest, highest = anatomy.build.vertebra_edges_mm[-2], anatomy.build.vertebra_edges_mm[1]
    middle = -(lowest + highest) / 2 if length > 150 else 0.0
    jitter = rng.uniform(-0.5, 0.5) * spacing_z_mm + rng.uniform(-0.12, 0.12) * length
    return np.asarray(middle + jitter - length / 2 + np.arange(slices) * spacing_z_mm)


def whole_heights(anatomy: Anatomy, spacing_z_mm: float) -> NDArray[np.float64]:
    """From the symphysis up to the dome of the diaphragm, as a whole abdomen is scanned."""
    lower, higher, jitter = np.random.default_rng([anatomy.seed, 10]).normal(0, [0.25, 0.25, 1])
    lowest, highest = anatomy.build.z_mm(_SYMPHYSIS + lower), anatomy.build.z_mm(_DOME + higher)
    return np.asarray(np.arange(lowest + jitter, highest, spacing_z_mm))


def phantom(
    seed: int,
    *,
    slices: int = 60,
    rows: int = _FULL_ROWS,
    spacing_z_mm: float = 5.0,
    shifted: bool = False,
) -> Phantom:
    """A series around mid L3. Fewer rows mean the same field of view on a coarser matrix."""
    anatomy = draw_anatomy(seed, spacing_z_mm=spacing_z_mm, shifted=shifted)
    return scanned(anatomy, slice_heights(anatomy, slices, spacing_z_mm), rows=rows)


def whole_phantom(seed: int, *, rows: int = _FULL_ROWS, spacing_z_mm: float = 5.0, shifted: bool = False) -> Phantom:
    """A series from the diaphragm to the pelvis."""
    anatomy = draw_anatomy(seed, spacing_z_mm=spacing_z_mm, shifted=shifted)
    return scanned(anatomy, whole_heights(anatomy, spacing_z_mm), rows=rows)


def scanned(anatomy: Anatomy, heights_mm: NDArray[np.float64], *, rows: int) -> Phantom:
    """The slices at these heights above mid L3, which are even and go upwards; `l3_index` is that next to it."""
    voxels, labels = _stack(anatomy, heights_mm.tolist(), rows)
    pixel_mm = anatomy.scan.field_of_view_mm / rows
    corner = -(rows - 1) / 2 * pixel_mm
    bed_mm = round(float(np.random.default_rng([anatomy.seed, 6]).uniform(-900, -300)), 1)
    geometry = Geometry(
        row_spacing_mm=pixel_mm,
        column_spacing_mm=pixel_mm,
        slice_spacing_mm=round(float(heights_mm[1] - heights_mm[0]), 4) if len(heights_mm) > 1 else 5.0,
        origin_lps=(round(corner, 4), round(corner - 150, 4), bed_mm),
    )
    return Phantom(
        voxels_zyx=voxels,
        labels_zyx=labels,
        l3_index=int(np.argmin(np.abs(heights_mm))),
        geometry=geometry,
        patient=anatomy.patient,
        scan=anatomy.scan,
        phase=anatomy.attenuation.phase,
        seed=anatomy.seed,
        shifted=anatomy.shifted,
    )


def _stack(anatomy: Anatomy, heights: Sequence[float], rows: int) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    rendered = list(map(partial(anatomy.render, rows=rows), heights))
    return np.stack([image for image, _ in rendered]), np.stack([labels for _, labels in rendered])

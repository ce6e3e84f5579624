"""One patient's scan at the usual dose and at a lower one: a seed in, any slice of it or whole series as DICOM out."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from export.phantoms import abdomen
from export.phantoms.canvas import Canvas, Floats, Pose
from export.phantoms.dicom import write_series
from export.phantoms.lowdose.quantum import Dose, Grain, noise
from export.phantoms.organs import Blob

SPACING_MM = 3.0
"""From slice to slice."""
_ROWS = 512
_HIGHEST_LEVEL, _LOWEST_LEVEL = -5.2, 2.0
_WITHIN = 0.75  # of a blob's radii
_ALIKE_HU = 30.0
_LEAST_HU, _MOST_HU = -1024, 3071
_USUAL_MGY = 10.0


@dataclass(frozen=True)
class Lesion:
    """A ball in the liver or the spleen, in the body's own coordinates; `contrast_hu` beside what is around it."""

    x_mm: float
    y_mm: float
    z_mm: float
    radius_mm: float
    contrast_hu: float


@dataclass(frozen=True)
class Rod:
    """A test object through all slices: its middle from that of the image, in mm along rows and columns."""

    x_mm: float
    y_mm: float
    radius_mm: float
    contrast_hu: float


@dataclass(frozen=True, eq=False)
class Slice:
    """HU without noise, at the usual dose and at the low one; `lesions` are their numbers from 1."""

    clean: Floats
    usual: NDArray[np.int16]
    low: NDArray[np.int16]
    lesions: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Case:
    """`anatomy` is that of a scanner without noise; `grain` is its noise."""

    seed: int
    shifted: bool
    anatomy: abdomen.Anatomy
    grain: Grain
    dose: Dose
    lesions: tuple[Lesion, ...]
    rods: tuple[Rod, ...] = ()

    def render(self, z_mm: float, rows: int = _ROWS) -> Slice:
        """At a height above mid L3, on a rows x rows matrix."""
        clean, lesions = self.without_noise(z_mm, rows)
        pixel_mm = self.anatomy.scan.field_of_view_mm / rows
        streams = np.random.default_rng([self.seed, 29, round(z_mm * 100) % 2**31]).spawn(2)
        doses = (Dose(1.0, self.dose.electronic), self.dose)
        usual, low = (
            scanned(clean + noise(clean, pixel_mm, self.grain, dose, rng))
            for dose, rng in zip(doses, streams, strict=True)
        )
        return Slice(clean, usual, low, lesions)

    def without_noise(self, z_mm: float, rows: int = _ROWS) -> tuple[Floats, NDArray[np.uint8]]:
        """And which lesion lies where."""
        clean = self.anatomy.render(z_mm, rows)[0].astype(np.float32)
        canvas = _canvas(self.anatomy, z_mm, rows)
        numbers = np.zeros((rows, rows), np.uint8)
        for number, lesion in enumerate(self.lesions, start=1):
            share = _share(canvas, lesion)
            if share is not None:
                clean += self.as_seen(share * np.float32(lesion.contrast_hu), rows)
                numbers[share > 0.5] = number
        if self.rods:
            clean += self.rods_alone(rows)
        return clean, numbers

    def rods_alone(self, rows: int = _ROWS) -> Floats:
        """What the rods add to a slice."""
        pixel_mm = self.anatomy.scan.field_of_view_mm / rows
        added = sum(_of_rod(rows, pixel_mm, rod) * np.float32(rod.contrast_hu) for rod in self.rods)
        return self.as_seen(np.asarray(added, np.float32), rows)

    def with_rods(self, rods: tuple[Rod, ...]) -> "Case":
        return replace(self, rods=rods)

    def as_seen(self, added: Floats, rows: int) -> Floats:
        """What is added to a slice, as blurred and sharpened as all of it."""
        scan = self.anatomy.scan
        pixel_mm = scan.field_of_view_mm / rows
        blurred = gaussian_filter(added, scan.blur_mm / pixel_mm)
        blurred += np.float32(scan.edge_gain) * (blurred - gaussian_filter(blurred, 1.1 / pixel_mm))
        return np.asarray(blurred * np.float32(scan.gain), np.float32)

    def heights(self, slices: int) -> NDArray[np.float64]:
        """Of a series about the liver, from the lowest slice up."""
        build = self.anatomy.build
        middle = (build.z_mm(_HIGHEST_LEVEL) + build.z_mm(_LOWEST_LEVEL)) / 2
        begins = middle + float(np.random.default_rng([self.seed, 30]).normal(0, 15))
        return np.asarray(begins + (np.arange(slices) - slices / 2) * SPACING_MM, np.float64)


def scanned(hu: Floats) -> NDArray[np.int16]:
    return np.clip(np.rint(hu), _LEAST_HU, _MOST_HU).astype(np.int16)


def draw_case(seed: int, *, shifted: bool = False) -> Case:
    usual = abdomen.draw_anatomy(seed, spacing_z_mm=SPACING_MM, shifted=shifted)
    scan = usual.scan
    rng, lesions_rng = np.random.default_rng([seed, int(shifted), 20451]).spawn(2)
    grain = Grain(float(np.clip(scan.noise_hu, 6, 20)), scan.noise_slope, scan.noise_cutoff_per_mm)
    share = rng.uniform(0.08, 0.2) if shifted else rng.uniform(0.12, 0.35)
    dose = Dose(float(share), float(rng.uniform(0.005, 0.03)))
    quiet = replace(usual, scan=replace(scan, noise_hu=0.0))
    return Case(seed, shifted, quiet, grain, dose, _draw_lesions(lesions_rng, quiet))


def _draw_lesions(rng: np.random.Generator, anatomy: abdomen.Anatomy) -> tuple[Lesion, ...]:
    """Darker or brighter than what they lie in, all of them within it and none beside another."""
    homes = [(blob, solid.tissue) for solid in anatomy.organs.solids if solid.tissue in ("liver", "spleen")
             for blob in solid.blobs]  # fmt: skip
    found: list[Lesion] = []
    for _ in range(int(rng.integers(0, 9))):
        blob, tissue = homes[int(rng.integers(len(homes)))]
        around = anatomy.attenuation.liver if tissue == "liver" else anatomy.attenuation.spleen
        lesion = _draw_lesion(rng, anatomy, blob)
        if _fits(lesion, anatomy, around) and all(_apart_mm(lesion, other) > 12 for other in found):
            found.append(lesion)
    return tuple(found)


def _draw_lesion(rng: np.random.Generator, anatomy: abdomen.Anatomy, blob: Blob) -> Lesion:
    build = anatomy.build
    away = rng.normal(size=3)
    away *= rng.uniform(0, 1) ** (1 / 3) * _WITHIN / np.linalg.norm(away)
    darker = rng.random() < 0.75
    contrast = -rng.uniform(14, 60) if darker else rng.uniform(16, 60)
    return Lesion(
        x_mm=float(blob.x_share * build.half_width_mm + away[0] * blob.radii_mm[0]),
        y_mm=float(blob.y_share * build.half_depth_mm + away[1] * blob.radii_mm[1]),
        z_mm=float(build.z_mm(blob.level) + away[2] * blob.radii_mm[2]),
        radius_mm=float(rng.uniform(2.5, 8.0)),
        contrast_hu=float(contrast),
    )


def _fits(lesion: Lesion, anatomy: abdomen.Anatomy, around_hu: float) -> bool:
    """Whether what lies there is the organ, which other organs may lie upon."""
    rows = 128
    hu = anatomy.render(lesion.z_mm, rows)[0]
    canvas = _canvas(anatomy, lesion.z_mm, rows)
    near = np.hypot(canvas.x_mm - lesion.x_mm, canvas.y_mm - lesion.y_mm) < lesion.radius_mm + 6
    return bool(near.any()) and float(np.abs(hu[near] - around_hu).max()) < _ALIKE_HU


def _apart_mm(one: Lesion, other: Lesion) -> float:
    middles = np.hypot(np.hypot(one.x_mm - other.x_mm, one.y_mm - other.y_mm), one.z_mm - other.z_mm)
    return float(middles) - one.radius_mm - other.radius_mm


def _canvas(anatomy: abdomen.Anatomy, z_mm: float, rows: int) -> Canvas:
    """Where each pixel of a slice lies in the body."""
    pose, (drift_x, drift_y) = anatomy.scan.pose, anatomy.scan.drift_mm
    moved = Pose(pose.turn, pose.x_mm + drift_x * z_mm, pose.y_mm + drift_y * z_mm)
    return Canvas(rows, anatomy.scan.field_of_view_mm / rows, moved, anatomy.warp, z_mm)


def _share(canvas: Canvas, lesion: Lesion) -> Floats | None:
    """How much of each pixel the lesion fills; None where it lies on other slices."""
    rest = lesion.radius_mm**2 - (canvas.z_mm - lesion.z_mm) ** 2
    if rest <= 0:
        return None
    away = np.hypot(canvas.x_mm - lesion.x_mm, canvas.y_mm - lesion.y_mm)
    inside = (np.sqrt(rest) - away) / canvas.spacing_mm + 0.5
    return np.asarray(np.clip(inside, 0, 1), np.float32)


def _of_rod(rows: int, pixel_mm: float, rod: Rod) -> Floats:
    axis = ((np.arange(rows) - (rows - 1) / 2) * pixel_mm).astype(np.float32)
    away = np.hypot(axis[None, :] - np.float32(rod.x_mm), axis[:, None] - np.float32(rod.y_mm))
    return np.asarray(np.clip((rod.radius_mm - away) / pixel_mm + 0.5, 0, 1), np.float32)


def phantom_of(case: Case, voxels_zyx: NDArray[np.int16]) -> abdomen.Phantom:
    """One of the two series, as the abdomen's writer takes it; nothing is labelled."""
    scan, rows = case.anatomy.scan, voxels_zyx.shape[1]
    pixel_mm = scan.field_of_view_mm / rows
    corner = -(rows - 1) / 2 * pixel_mm
    bed_mm = round(float(np.random.default_rng([case.seed, 31]).uniform(-900, -300)), 1)
    return abdomen.Phantom(
        voxels_zyx=voxels_zyx,
        labels_zyx=np.zeros(voxels_zyx.shape, np.uint8),
        l3_index=0,
        geometry=abdomen.Geometry(pixel_mm, pixel_mm, SPACING_MM, (round(corner, 4), round(corner - 150, 4), bed_mm)),
        patient=case.anatomy.patient,
        scan=replace(scan, tube_ma=max(round(scan.tube_ma * case.dose.share), 10)),
        phase=case.anatomy.attenuation.phase,
        seed=case.seed,
        shifted=case.shifted,
    )


def write_study(
    seed: int,
    folder: Path,
    *,
    slices: int = 40,
    rows: int = _ROWS,
    uid_seed: str | int | None = None,
) -> list[Path]:
    """The series of the low dose, in a folder, from the head down."""
    case = draw_case(seed)
    low = np.stack([case.render(float(z), rows).low for z in case.heights(slices)])
    return write_low(case, low, folder, uid_seed if uid_seed is not None else f"lowdose-{seed}")


def write_low(case: Case, low_zyx: NDArray[np.int16], folder: Path, uid_seed: str | int) -> list[Path]:
    """Slices from the lowest up; the header says of which dose they are."""
    files = write_series(phantom_of(case, low_zyx), folder, uid_seed=uid_seed)
    for file in files:
        image = pydicom.dcmread(file)
        image.SeriesDescription = f"Abdomen low dose {SPACING_MM:g} mm"
        image.CTDIvol = round(_USUAL_MGY * case.dose.share, 2)
        image.save_as(file)
    return files

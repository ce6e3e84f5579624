"""One patient's scan of the heart without contrast: a seed in, any slice of it or the whole series as DICOM out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.phantoms import abdomen, scanner
from export.phantoms.canvas import Canvas, Pose, Warp
from export.phantoms.dicom import write_series
from export.phantoms.heart.anatomy import Anatomy, draw_anatomy
from export.phantoms.heart.calcium import Deposit, draw_deposits
from export.phantoms.heart.paint import Motion, paint_calcium, paint_chest, paint_heart, truth
from export.phantoms.patient import Build, Generator, Patient, draw_patient
from export.phantoms.tissue import Attenuation, draw_attenuation

_ROWS = 512
_ABOVE_MM, _BELOW_MM = 62.0, 62.0


@dataclass(frozen=True, eq=False)
class Slice:
    """`plaques` are 1 to 4, by their artery; `owner` tells all calcium apart, as `paint.OWNERS` from 1."""

    hu: NDArray[np.int16]
    plaques: NDArray[np.uint8]
    owner: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Case:
    """`gated` scans wait for the heart to stand still."""

    seed: int
    shifted: bool
    patient: Patient
    build: Build
    anatomy: Anatomy
    deposits: tuple[Deposit, ...]
    attenuation: Attenuation
    scan: scanner.Scan
    gated: bool
    motion: Motion
    warp: Warp

    def render(self, z_mm: float, rows: int = _ROWS) -> Slice:
        """At a height above the heart's middle, on a rows x rows matrix."""
        canvas = Canvas(rows, self.scan.field_of_view_mm / rows, self.scan.pose, self.warp, z_mm)
        of, hu = self.anatomy, self.attenuation
        paint_chest(canvas, of, hu.muscle, hu.fat_subcutaneous, hu.cortical_bone, hu.spongy_bone)
        paint_heart(canvas, of)
        owner = paint_calcium(canvas, self.deposits, self.scan.slice_thickness_mm, self.motion)
        scanner.paint_surroundings(canvas, self.scan, self.build, hu)
        noise_rng = np.random.default_rng([self.seed, 23, round(z_mm * 100) % 2**31])
        image = scanner.acquire(canvas, self.scan, noise_rng)
        return Slice(image, truth(image, owner), owner)

    def heights(self) -> NDArray[np.float64]:
        """Of all slices above the heart's middle, from the lowest up."""
        first = np.random.default_rng([self.seed, 24]).uniform(-3, 3)
        return np.arange(-_BELOW_MM + first, _ABOVE_MM, self.scan.slice_thickness_mm)

    def slices(self, rows: int = _ROWS) -> list[Slice]:
        """Of the whole series, from the lowest up."""
        return [self.render(float(z), rows) for z in self.heights()]

    def with_deposits(self, deposits: tuple[Deposit, ...]) -> "Case":
        """The same patient with other calcium."""
        return replace(self, deposits=deposits)


def draw_case(seed: int, *, shifted: bool = False, gated: bool | None = None) -> Case:
    generator = Generator.shifted if shifted else Generator.standard
    streams = np.random.default_rng([seed, int(shifted), 20401]).spawn(7)
    patient, build = draw_patient(streams[0], generator)
    anatomy = draw_anatomy(streams[1], generator, build)
    rng = streams[3]
    waits = bool(rng.random() < 0.85) if gated is None else gated
    return Case(
        seed=seed,
        shifted=shifted,
        patient=patient,
        build=build,
        anatomy=anatomy,
        deposits=draw_deposits(streams[2], generator, anatomy, patient.age_years),
        attenuation=_plain(streams[4], generator, patient, build),
        scan=_draw_scan(streams[5], generator, build, anatomy, waits),
        gated=waits,
        motion=Motion(0.0, 0.0) if waits else Motion(float(rng.normal(0, 2.2)), float(rng.normal(0, 2.2))),
        warp=Warp.draw(streams[6], 4.0 if shifted else 2.5),
    )


def _plain(rng: np.random.Generator, generator: Generator, patient: Patient, build: Build) -> Attenuation:
    """Without contrast."""
    while True:
        drawn = draw_attenuation(rng, generator, patient, build)
        if drawn.phase == "none":
            return drawn


def _draw_scan(
    rng: np.random.Generator, generator: Generator, build: Build, anatomy: Anatomy, gated: bool
) -> scanner.Scan:
    shifted = generator is Generator.shifted
    usual = scanner.draw_scan(rng, generator, build, 3.0)
    near = bool(rng.random() < (0.75 if gated else 0.1))
    chest = anatomy.chest
    whole = 2 * (chest.half_width + chest.muscle_mm + chest.fat_mm + 6) * rng.uniform(1.02, 1.15)
    field = float(rng.uniform(190, 260)) if near else float(np.clip(whole, 300, 500))
    middle = anatomy.heart.middle if near else np.array([0.0, *anatomy.chest.middle[1:]])
    return replace(
        usual,
        kernel="soft",
        blur_mm=float(rng.uniform(0.45, 0.75) if shifted else rng.uniform(0.55, 0.85)),
        edge_gain=float(rng.uniform(0, 0.1)),
        noise_hu=float(np.clip(usual.noise_hu * rng.uniform(0.9, 1.3), 11, 34)),
        slice_thickness_mm=3.0 if rng.random() < (0.3 if shifted else 0.7) else 2.5,
        field_of_view_mm=round(field, 1),
        pose=Pose(usual.pose.turn, float(-middle[0] + rng.normal(0, 8)), float(-middle[1] + rng.normal(0, 8))),
        drift_mm=(0.0, 0.0),
        arms=(),
        tube_kv=120,
    )


def phantom(case: Case, *, rows: int = _ROWS) -> abdomen.Phantom:
    return phantom_of(case, case.slices(rows))


def phantom_of(case: Case, slices: Sequence[Slice]) -> abdomen.Phantom:
    """The whole series, as the writer of CT takes it; its labels are the plaques."""
    scan, rows = case.scan, len(slices[0].hu)
    pixel_mm = scan.field_of_view_mm / rows
    corner = -(rows - 1) / 2 * pixel_mm
    bed_mm = round(float(np.random.default_rng([case.seed, 25]).uniform(-300, -100)), 1)
    origin = (round(corner, 4), round(corner - 150, 4), bed_mm)
    return abdomen.Phantom(
        voxels_zyx=np.stack([each.hu for each in slices]),
        labels_zyx=np.stack([each.plaques for each in slices]),
        l3_index=0,
        geometry=abdomen.Geometry(pixel_mm, pixel_mm, scan.slice_thickness_mm, origin),
        patient=case.patient,
        scan=scan,
        phase="ECG" if case.gated else "none",
        seed=case.seed,
        shifted=case.shifted,
    )


def write_study(
    seed: int,
    folder: Path,
    *,
    shifted: bool = False,
    gated: bool | None = None,
    rows: int = _ROWS,
    uid_seed: str | int | None = None,
) -> list[Path]:
    """One series in a folder, from the head down."""
    made = phantom(draw_case(seed, shifted=shifted, gated=gated), rows=rows)
    key = uid_seed if uid_seed is not None else f"heart-{seed}"
    return write_series(made, folder, uid_seed=key, region="Heart")

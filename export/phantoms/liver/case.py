"""One patient's scan of the upper abdomen: a seed in, any slice of it or the whole series as DICOM out."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.phantoms import abdomen, cavity, scanner, spine, trunk
from export.phantoms.canvas import Canvas, Mask
from export.phantoms.dicom import write_series
from export.phantoms.liver.disease import BLOOD_VALUES, Disease, draw_disease
from export.phantoms.liver.paint import paint_liver
from export.phantoms.liver.shape import Liver, draw_liver, without_liver
from export.phantoms.patient import Generator
from export.phantoms.tissue import Attenuation, draw_attenuation

CLINICAL_VALUES = ("age_years", "sex", *BLOOD_VALUES)
HIGHEST_LEVEL, LOWEST_LEVEL = -5.3, 1.6  # T10 to below L4: the scan of a liver, as it is usually ordered
_ROWS = 512
_PHASE_DRAWS = 400


@dataclass(frozen=True, eq=False)
class Slice:
    """`share` is how much of the body on this slice is liver; `signs` are those of disease outside of it."""

    hu: NDArray[np.int16]
    labels: NDArray[np.uint8]
    liver: Mask
    signs: Mask
    share: float


@dataclass(frozen=True)
class Case:
    anatomy: abdomen.Anatomy
    liver: Liver
    disease: Disease
    shifted: bool

    @property
    def seed(self) -> int:
        return self.anatomy.seed

    def clinical(self) -> dict[str, float]:
        """Those of `CLINICAL_VALUES` that are known; sex is 1 for male, 0 for female."""
        patient = self.anatomy.patient
        return {"age_years": float(patient.age_years), "sex": float(patient.sex == "M"), **self.disease.blood}

    def render(self, z_mm: float, rows: int = _ROWS) -> Slice:
        """One slice at a height above mid L3 (towards the head), on a rows x rows matrix."""
        made, build = self.anatomy, self.anatomy.build
        level = build.level(z_mm)
        pose, (drift_x, drift_y) = made.scan.pose, made.scan.drift_mm
        moved = replace(pose, x_mm=pose.x_mm + drift_x * z_mm, y_mm=pose.y_mm + drift_y * z_mm)
        canvas = Canvas(rows, made.scan.field_of_view_mm / rows, moved, made.warp, z_mm)
        here, hu = spine.at_level(made.spine, build, level), made.attenuation
        trunk.paint_trunk(canvas, build, made.trunk, level, hu, made.grain)
        cavity.paint_organs(canvas, made.organs, build, level, hu, made.grain)
        painted = paint_liver(canvas, self.liver, self.disease.signs, build, level, hu, made.grain)
        cavity.paint_great_vessels(canvas, made.organs, here, hu)
        spine.paint_muscles(canvas, made.spine, build, here, hu, made.marbling)
        spine.paint_bones(canvas, made.spine, here, hu)
        scanner.paint_surroundings(canvas, made.scan, build, hu)
        noise_rng = np.random.default_rng([self.seed, 17, round(z_mm * 100) % 2**31])
        image = scanner.acquire(canvas, made.scan, noise_rng)
        share = float(painted.liver.sum() / max(int(canvas.body.sum()), 1))
        return Slice(image, canvas.labels, painted.liver, painted.signs, share)

    def heights(self, spacing_mm: float) -> NDArray[np.float64]:
        """Of all slices of the series above mid L3, from the lowest up; where it begins is left to chance."""
        build, rng = self.anatomy.build, np.random.default_rng([self.seed, 19])
        levels = np.linspace(HIGHEST_LEVEL, LOWEST_LEVEL, 200)
        all_z = np.linspace(-build.vertebra_edges_mm[-1], -build.vertebra_edges_mm[0], 400)
        known = np.array([build.level(float(z)) for z in all_z])
        inside = all_z[(known >= levels[0]) & (known <= levels[-1])]
        lowest = float(inside.min() + rng.uniform(0, 0.25) * np.ptp(inside))
        return np.arange(lowest, float(inside.max()), spacing_mm)


def draw_case(seed: int, *, shifted: bool = False, spacing_mm: float = 5.0) -> Case:
    generator = Generator.shifted if shifted else Generator.standard
    usual = abdomen.draw_anatomy(seed, spacing_z_mm=spacing_mm, shifted=shifted)
    streams = np.random.default_rng([seed, int(shifted), 19943007]).spawn(3)
    disease = draw_disease(streams[0], generator, usual.patient)
    attenuation = _in_phase(streams[1], generator, usual, disease)
    anatomy = replace(usual, organs=without_liver(usual.organs), attenuation=attenuation)
    return Case(anatomy, draw_liver(streams[2], generator, usual.build, disease.signs), disease, shifted)


def _in_phase(rng: np.random.Generator, generator: Generator, usual: abdomen.Anatomy, disease: Disease) -> Attenuation:
    """Drawn until the phase is the wanted one; the fat of the liver is among the signs and so taken out here."""
    for _ in range(_PHASE_DRAWS):
        drawn = draw_attenuation(rng, generator, usual.patient, usual.build)
        if drawn.phase == disease.phase:
            break
    plain = float(rng.normal(58, 6)) + {"none": 0, "arterial": 12, "portal": 46, "excretory": 33}[disease.phase]
    return replace(drawn, liver=plain)


def phantom(case: Case, *, rows: int = _ROWS, spacing_mm: float = 5.0) -> abdomen.Phantom:
    """The whole series, as the abdomen's writer takes it."""
    heights, scan = case.heights(spacing_mm), case.anatomy.scan
    slices = [case.render(float(z), rows) for z in heights]
    pixel_mm = scan.field_of_view_mm / rows
    corner = -(rows - 1) / 2 * pixel_mm
    bed_mm = round(float(np.random.default_rng([case.seed, 6]).uniform(-900, -300)), 1)
    return abdomen.Phantom(
        voxels_zyx=np.stack([each.hu for each in slices]),
        labels_zyx=np.stack([each.labels for each in slices]),
        l3_index=int(np.argmin(np.abs(heights))),
        geometry=abdomen.Geometry(pixel_mm, pixel_mm, spacing_mm, (round(corner, 4), round(corner - 150, 4), bed_mm)),
        patient=case.anatomy.patient,
        scan=scan,
        phase=case.disease.phase,
        seed=case.seed,
        shifted=case.shifted,
    )


def write_study(
    seed: int, folder: Path, *, shifted: bool = False, uid_seed: str | int | None = None, spacing_mm: float = 5.0
) -> list[Path]:
    """One series in a folder, from the head down."""
    made = phantom(draw_case(seed, shifted=shifted, spacing_mm=spacing_mm), spacing_mm=spacing_mm)
    return write_series(made, folder, uid_seed=uid_seed if uid_seed is not None else f"liver-{seed}")

"""The scanner: a painted slice goes in, a noisy reconstruction in whole HU comes out, with table and arms."""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from export.phantoms.canvas import Canvas, Floats, Outline, Pose
from export.phantoms.patient import Build, Generator
from export.phantoms.tissue import Attenuation

_EVERYWHERE = (slice(None), slice(None))


@dataclass(frozen=True)
class Arm:
    """An arm beside the trunk, in the body's plane: its centre, half axes and turn; shares of the half axes inside."""

    x_mm: float
    y_mm: float
    half_x_mm: float
    half_y_mm: float
    turn: float
    muscle_share: float
    bones: int


@dataclass(frozen=True)
class Scan:
    """How one series was acquired and reconstructed. Widths in mm, noise and bias in HU."""

    kernel: str
    blur_mm: float
    edge_gain: float
    noise_hu: float
    noise_slope: float
    noise_cutoff_per_mm: float
    slice_thickness_mm: float
    field_of_view_mm: float
    pose: Pose
    drift_mm: tuple[float, float]
    table_mm: float
    table_curve: float
    arms: tuple[Arm, ...]
    streak_hu: float
    cupping_hu: float
    bias_hu: float
    gain: float
    padding_hu: float | None
    signed: bool
    tube_kv: int
    tube_ma: int


def _draw_arms(rng: np.random.Generator, build: Build) -> tuple[Arm, ...]:
    beside = build.half_width_mm + 1.15 * build.subcutaneous_mm
    return tuple(
        Arm(
            x_mm=float(side * (beside + rng.uniform(22, 62))),
            y_mm=float(rng.normal(0, 32)),
            half_x_mm=float(rng.uniform(24, 44)),
            half_y_mm=float(rng.uniform(28, 46)),
            turn=float(rng.uniform(0, np.pi)),
            muscle_share=float(rng.uniform(0.6, 0.9)),
            bones=int(rng.integers(1, 3)),
        )
        for side in (-1, 1)
        if rng.random() < 0.85
    )


def draw_scan(rng: np.random.Generator, generator: Generator, build: Build, spacing_z_mm: float) -> Scan:
    shifted = generator is Generator.shifted
    (arms_rng,) = rng.spawn(1)
    sharp = bool(rng.random() < 0.35)
    widest = 2 * (build.half_width_mm + build.subcutaneous_mm * 1.15)
    arms = _draw_arms(arms_rng, build) if arms_rng.random() < (0.3 if shifted else 0.22) else ()
    field = float(np.clip(widest * rng.uniform(1.04, 1.3) + (arms_rng.uniform(0, 140) if arms else 0), 320, 500))
    dose = float(rng.lognormal(0, 0.35))
    thickness = float(rng.choice([mm for mm in (1.0, 1.5, 2.0, 2.5, 3.0, 5.0) if mm <= max(spacing_z_mm, 1.0)]))
    size_factor = np.exp((build.half_width_mm + build.subcutaneous_mm - 170) / 160)
    noise = 12 * size_factor / dose * np.sqrt(3 / thickness) * (1.6 if sharp else 1.0)
    cutoff = float(rng.uniform(0.14, 0.28) if shifted else rng.uniform(0.3, 0.6) * (1.4 if sharp else 1))
    turn_degrees = rng.normal(0, 6 if shifted else 3.5)
    return Scan(
        kernel="sharp" if sharp else "soft",
        blur_mm=float(rng.uniform(0.35, 0.5) if sharp else rng.uniform(0.6, 0.95)),
        edge_gain=float(rng.uniform(0.4, 0.9)) if sharp else float(rng.uniform(0, 0.15)),
        noise_hu=float(np.clip(noise, 4, 42 if shifted else 34)),
        noise_slope=float(rng.uniform(0.0, 0.3) if shifted else rng.uniform(0.5, 1.0)),
        noise_cutoff_per_mm=cutoff,
        slice_thickness_mm=thickness,
        field_of_view_mm=round(field, 1),
        pose=Pose(float(np.deg2rad(turn_degrees)), float(rng.normal(0, 9)), float(rng.normal(-6, 9))),
        drift_mm=(float(rng.normal(0, 0.03)), float(rng.normal(0, 0.05))),
        table_mm=float(rng.uniform(2, 14)),
        table_curve=float(rng.uniform(0.0004, 0.0013)) if not shifted else float(rng.uniform(0, 0.0004)),
        arms=arms,
        streak_hu=float(rng.gamma(1.2, 5)),
        cupping_hu=float(rng.normal(0, 6 if shifted else 3)),
        bias_hu=float(rng.choice([-1, 1]) * rng.uniform(3, 12)) if shifted else float(rng.normal(0, 1.5)),
        gain=float(rng.normal(1, 0.02 if shifted else 0.006)),
        padding_hu=-1024.0 if rng.random() < 0.5 else None,
        signed=bool(rng.random() < 0.5),
        tube_kv=int(rng.choice([100, 120, 120, 140])),
        tube_ma=int(np.clip(180 * dose * size_factor, 40, 600)),
    )  # fmt: skip


def paint_surroundings(canvas: Canvas, scan: Scan, build: Build, hu: Attenuation) -> None:
    """The table under the patient and, where they hang down, the arms."""
    outside = ~canvas.body
    back = build.half_depth_mm + build.subcutaneous_mm * 1.1 + scan.table_mm
    surface = canvas.y_mm - back + np.float32(scan.table_curve) * canvas.x_mm**2
    wide = np.abs(canvas.x_mm) < 235
    canvas.paint(_EVERYWHERE, outside & wide & (surface > 0) & (surface < 45), -930.0)
    for top in (0.0, 42.0):
        shell = outside & wide & (surface > top) & (surface < top + 2.2)
        canvas.paint(_EVERYWHERE, shell, 60.0)
    for arm in scan.arms:
        _paint_arm(canvas, arm, hu)


def _paint_arm(canvas: Canvas, arm: Arm, hu: Attenuation) -> None:
    """Skin, fat, muscle and bones, all without a label: only the trunk's tissues are asked for."""
    outside = ~canvas.body
    for share, value in ((1.0, hu.skin), (0.95, hu.fat_subcutaneous), (arm.muscle_share, hu.muscle)):
        outline = Outline(arm.x_mm, arm.y_mm, arm.half_x_mm * share, arm.half_y_mm * share, arm.turn, 2.2)
        depth = outline.inside_mm(canvas)
        if depth is not None:
            window, inside = depth
            canvas.paint(window, (inside > 0) & outside[window], value)
    for place in (-9.0, 10.0) if arm.bones == 2 else (0.0,):
        bone_x, bone_y = arm.x_mm + place * np.cos(arm.turn), arm.y_mm + place * np.sin(arm.turn)
        Outline(float(bone_x), float(bone_y), 7.5, 7.0).paint(canvas, hu.cortical_bone)
        Outline(float(bone_x), float(bone_y), 4.0, 3.5).paint(canvas, -20.0)


def acquire(canvas: Canvas, scan: Scan, rng: np.random.Generator) -> NDArray[np.int16]:
    """The slice as the scanner gives it: blurred, with noise, streaks and bias, in whole HU."""
    metal = canvas.hu > 2000
    image = gaussian_filter(canvas.hu, scan.blur_mm / canvas.spacing_mm)
    image += np.float32(scan.edge_gain) * (image - gaussian_filter(image, 1.1 / canvas.spacing_mm))
    radius = np.hypot(canvas.x_mm, canvas.y_mm)
    size = np.float32(radius[canvas.body].max(initial=100.0))
    local = np.float32(0.55) + np.float32(0.6) * np.exp(-((radius / (0.7 * size)) ** 2))
    image += noise(canvas.rows, canvas.spacing_mm, scan, rng) * local
    image += np.float32(scan.cupping_hu) * np.clip(1 - radius / size, 0, 1) * canvas.body
    image += _streaks(canvas, scan, metal)
    image = image * np.float32(scan.gain) + np.float32(scan.bias_hu)
    if scan.padding_hu is not None:
        axis = np.arange(canvas.rows) - (canvas.rows - 1) / 2
        image[np.hypot(axis[:, None], axis[None, :]) > canvas.rows / 2] = scan.padding_hu
    hounsfield: NDArray[np.int16] = np.clip(np.rint(image), -1024, 3071).astype(np.int16)
    return hounsfield


def noise(rows: int, spacing_mm: float, scan: Scan, rng: np.random.Generator) -> Floats:
    """Noise with a CT's power spectrum: rising with the frequency, then cut by the kernel; coarser grids average it."""
    cutoff, slope = scan.noise_cutoff_per_mm, scan.noise_slope
    white = rng.standard_normal((rows, rows), dtype=np.float32)
    spectrum = scipy.fft.rfft2(white)
    frequency = np.hypot(np.fft.fftfreq(rows, spacing_mm)[:, None], np.fft.rfftfreq(rows, spacing_mm)[None, :])
    response = (frequency + 0.01) ** slope * np.exp(-((frequency / cutoff) ** 2))
    shaped = scipy.fft.irfft2(spectrum * response.astype(np.float32), s=(rows, rows))
    return np.asarray(shaped * (scan.noise_hu / _noise_deviation(cutoff, slope, spacing_mm)), np.float32)


def _noise_deviation(cutoff: float, slope: float, spacing_mm: float) -> float:
    """Deviation of white noise of unit variance on this grid after the response, were the grid infinitely fine."""
    radial = np.linspace(0, 3 * cutoff, 600)
    power = ((radial + 0.01) ** slope * np.exp(-((radial / cutoff) ** 2))) ** 2 * 2 * np.pi * radial
    return float(np.sqrt(np.trapezoid(power, radial))) * spacing_mm


def _streaks(canvas: Canvas, scan: Scan, metal: NDArray[np.bool_]) -> Floats:
    """Dark and bright bands between dense parts: sideways through the hips or arms, and star-shaped from metal."""
    strength = scan.streak_hu * (1 + 1.3 * len(scan.arms))
    band = np.sin(canvas.y_mm / 7 + canvas.z_mm / 9) * np.exp(-((canvas.y_mm / 60) ** 2))
    streaks = np.float32(strength * 0.4) * band * canvas.body
    if metal.any():
        rows, columns = np.nonzero(metal)
        x, y = canvas.x_mm[rows, columns].mean(), canvas.y_mm[rows, columns].mean()
        dx, dy = canvas.x_mm - x, canvas.y_mm - y
        star = np.cos(9 * np.arctan2(dy, dx)) / (1 + np.hypot(dx, dy) / 25)
        streaks = streaks + np.float32(130) * star
    return np.asarray(streaks, np.float32)

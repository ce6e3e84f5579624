"""One image of one patient: a seed and a grade go in, what the probe hears is shown as the machine shows it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from export.phantoms.ultrasound.liver import GRADES, USUAL_ATTENUATION, Steatosis, draw_steatosis, tissue
from export.phantoms.ultrasound.machine import Machine, draw_machine

Floats = NDArray[np.float32]
Random = np.random.Generator
_SAMPLE_MM = 0.16
_BEAMS = 300
_TEXTURE_DB = 1.4
_LOOKED_AT_MM = (45.0, 90.0)
_USUAL_DB = -8.5


@dataclass(frozen=True, eq=False)
class Liver:
    """`grey` holds 0 to 255 (frames, rows, columns), 0 outside of the sector; `liver` is true on its parenchyma."""

    grey: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    liver: NDArray[np.bool_]
    grade: int
    machine: Machine
    seed: int
    shifted: bool


def liver(seed: int, *, shifted: bool = False, grade: int | None = None, frames: int = 1) -> Liver:
    """The same seed always gives the same images; seeds run through the grades. `shifted` is another hospital."""
    grade = seed % len(GRADES) if grade is None else grade
    rng = np.random.default_rng([seed, int(shifted), 97])
    machine, fat = draw_machine(rng, shifted=shifted), draw_steatosis(rng, grade)
    r_mm, angle = _grid(machine)
    x_mm = (r_mm + machine.probe_radius_mm) * np.sin(angle)
    y_mm = (r_mm + machine.probe_radius_mm) * np.cos(angle) - np.float32(machine.probe_radius_mm)
    found = tissue(rng, fat, x_mm, y_mm, machine.depth_mm)
    shadow = _shadows(rng, angle, r_mm)
    places = _places(machine)
    inside = np.isfinite(places[0])
    parenchyma = found.liver & (shadow > -3)
    heard = [_echoes(rng, machine, fat, found.echo_db + shadow, r_mm) for _ in range(frames)]
    # Operators turn the gain until the liver is as bright as they are used to, so that its grey says little.
    looked_at = parenchyma & (r_mm > _LOOKED_AT_MM[0]) & (r_mm < _LOOKED_AT_MM[1])
    turned_down = np.float32(heard[0][looked_at].mean() - _USUAL_DB)
    shown = [_shown(echoes_db - turned_down, machine, places, inside) for echoes_db in heard]
    mask = map_coordinates(parenchyma.astype(np.float32), np.nan_to_num(places), order=0) > 0.5
    return Liver(np.stack(shown), inside, mask & inside, grade, machine, seed, shifted)


def _grid(machine: Machine) -> tuple[Floats, Floats]:
    """Depth along the beams and their angles, (samples, beams)."""
    r_mm = np.arange(0, machine.depth_mm * 1.06, _SAMPLE_MM, dtype=np.float32)
    angle = np.linspace(-machine.half_angle, machine.half_angle, _BEAMS, dtype=np.float32)
    return np.broadcast_to(r_mm[:, None], (len(r_mm), _BEAMS)), np.broadcast_to(angle, (len(r_mm), _BEAMS))


def _places(machine: Machine) -> Floats:
    """(sample, beam) of each pixel of the screen; not a number outside of the sector."""
    column, row = machine.apex_px
    x = (np.arange(machine.columns, dtype=np.float32)[None, :] - np.float32(column)) * np.float32(machine.pixel_mm)
    y = (np.arange(machine.rows, dtype=np.float32)[:, None] - np.float32(row)) * np.float32(machine.pixel_mm)
    y = y + np.float32(machine.probe_radius_mm)
    r = np.hypot(x, y) - np.float32(machine.probe_radius_mm)
    angle = np.arctan2(x, y)
    outside = (r < 0) | (r > machine.depth_mm) | (np.abs(angle) > machine.half_angle)
    beam = (angle + machine.half_angle) / (2 * machine.half_angle) * (_BEAMS - 1)
    return np.where(outside, np.nan, np.stack([r / np.float32(_SAMPLE_MM), beam])).astype(np.float32)


def _shadows(rng: Random, angle: Floats, r_mm: Floats) -> Floats:
    """Behind ribs and gas the beams hear little."""
    shadow = np.zeros(angle.shape, np.float32)
    for _ in range(rng.integers(0, 2)):
        middle, wide = rng.uniform(-0.55, 0.55), rng.uniform(0.02, 0.06)
        begins = rng.uniform(5, 25)
        dark = np.exp(-(((angle - np.float32(middle)) / np.float32(wide)) ** 2)) * (r_mm > begins)
        shadow -= np.float32(rng.uniform(6, 16)) * dark
    return shadow


def _echoes(rng: Random, machine: Machine, fat: Steatosis, echo_db: Floats, r_mm: Floats) -> Floats:
    """Envelope in dB: speckle of sub-resolution scatterers, attenuated, with the sliders' gain and the noise."""
    samples, beams = echo_db.shape
    axial = machine.axial_mm * fat.finer / _SAMPLE_MM
    beam_mm = 2 * machine.half_angle / (beams - 1) * (machine.probe_radius_mm + machine.focus_mm)
    lateral = machine.lateral_mm * fat.finer / beam_mm
    # White noise first made tissue: the pulse smears echoes, so that edges are as blurred as the speckle is coarse.
    strength = np.float32(10) ** ((echo_db + _texture(rng, machine, fat, samples, beams)) / 20)
    heard = _complex(rng, samples, beams) * strength
    sharp, broad = (_smeared(heard, axial, lateral * wide) for wide in (1.0, 1.35))
    away = np.minimum(np.abs(r_mm - np.float32(machine.focus_mm)) / np.float32(110), 1)
    field = sharp * (1 - away) + broad * away
    regular = np.float32(np.sqrt(2) * fat.regular) * gaussian_filter(strength, (axial, lateral))
    field = (field + regular) / np.float32(np.sqrt(1 + fat.regular**2))
    lost_db = 2 * machine.frequency_mhz * fat.attenuation * r_mm / 10
    usual_db = 2 * machine.frequency_mhz * USUAL_ATTENUATION * r_mm / 10
    field = field * np.float32(10) ** ((usual_db * np.float32(machine.depth_gain) - lost_db) / 20)
    noise = _smeared(_complex(rng, samples, beams), 0.8, 0.5) * np.float32(10 ** (machine.noise_db / 20))
    field = field + noise * np.float32(10) ** (usual_db * np.float32(machine.depth_gain) / 20)
    return np.asarray(20 * np.log10(np.abs(field) + 1e-6), np.float32)


def _texture(rng: Random, machine: Machine, fat: Steatosis, samples: int, beams: int) -> Floats:
    """Lobules and portal triads, coarse in a sound liver; fat takes their contrast away."""
    field = gaussian_filter(rng.standard_normal((samples, beams), np.float32), (1.6 / _SAMPLE_MM, 3.0))
    return np.asarray(field / field.std() * np.float32(_TEXTURE_DB * (1 - 0.6 * fat.faded)), np.float32)


def _complex(rng: Random, samples: int, beams: int) -> NDArray[np.complex64]:
    parts = rng.standard_normal((2, samples, beams), np.float32)
    return np.asarray(parts[0] + 1j * parts[1], np.complex64)


def _smeared(field: NDArray[np.complex64], axial: float, lateral: float) -> NDArray[np.complex64]:
    """With the energy that white noise had before."""
    spread = [gaussian_filter(part, (axial, lateral)) for part in (field.real, field.imag)]
    return np.asarray((spread[0] + 1j * spread[1]) * np.float32(2 * np.sqrt(np.pi * axial * lateral)), np.complex64)


def _shown(echoes_db: Floats, machine: Machine, places: Floats, inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    scanned = map_coordinates(echoes_db, np.nan_to_num(places), order=1, prefilter=False)
    scanned = gaussian_filter(scanned, machine.smoothing_px)
    share = (scanned + np.float32(machine.gain_db + machine.dynamic_range_db * 0.62)) / np.float32(
        machine.dynamic_range_db
    )
    grey = np.clip(share, 0, 1) ** np.float32(machine.curve) * 255
    return np.where(inside, np.rint(grey), 0).astype(np.uint8)

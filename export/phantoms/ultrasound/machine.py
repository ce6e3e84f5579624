"""How one machine sees: a seed goes in, its probe, its beam and how it shows echoes come out."""

from dataclasses import dataclass

import numpy as np

Random = np.random.Generator


@dataclass(frozen=True)
class Machine:
    """Lengths in mm; `axial_mm` and `lateral_mm` are the deviations of the pulse and, at the focus, of the beam.

    `smoothing_px` is what the machine's own speckle reduction does; `depth_gain` how much of the usual attenuation the
    operator's sliders make up for.
    """

    rows: int
    columns: int
    depth_mm: float
    probe_radius_mm: float
    half_angle: float
    axial_mm: float
    lateral_mm: float
    focus_mm: float
    frequency_mhz: float
    dynamic_range_db: float
    gain_db: float
    depth_gain: float
    noise_db: float
    smoothing_px: float
    curve: float

    @property
    def pixel_mm(self) -> float:
        return self.depth_mm / (0.88 * self.rows)

    @property
    def apex_px(self) -> tuple[float, float]:
        """(column, row) of the middle of the probe's face."""
        return self.columns / 2, 0.06 * self.rows


def draw_machine(rng: Random, *, shifted: bool) -> Machine:
    """`shifted` is another maker's: coarser beams, other screens, more noise, stronger smoothing."""
    if shifted:
        rows, columns = [(640, 840), (720, 960), (660, 880)][rng.integers(3)]
        depth, axial, lateral = rng.uniform(148, 164), rng.normal(0.335, 0.012), rng.normal(0.88, 0.05)
        noise, smoothing = rng.uniform(-59, -51), rng.uniform(0.42, 0.53)
        dynamic_range = rng.uniform(60, 72)
    else:
        rows, columns = [(600, 800), (640, 860), (660, 880)][rng.integers(3)]
        depth, axial, lateral = rng.uniform(145, 158), rng.normal(0.33, 0.012), rng.normal(0.85, 0.05)
        noise, smoothing = rng.uniform(-62, -51), rng.uniform(0.38, 0.51)
        dynamic_range = rng.uniform(52, 66)
    # The depth is chosen so that a pixel is about as large on every screen: operators keep the liver in the picture.
    depth *= rows / 640
    return Machine(
        rows=rows,
        columns=columns,
        depth_mm=float(depth),
        probe_radius_mm=float(rng.uniform(45, 62)),
        half_angle=float(rng.uniform(0.5, 0.62)),
        axial_mm=float(axial),
        lateral_mm=float(lateral),
        focus_mm=float(rng.uniform(55, 95)),
        frequency_mhz=float(rng.uniform(2.8, 4.0)),
        dynamic_range_db=float(dynamic_range),
        gain_db=float(rng.normal(0, 4.5)),
        depth_gain=float(rng.uniform(0.95, 1.05)),
        noise_db=float(noise),
        smoothing_px=float(smoothing),
        curve=float(np.exp(rng.normal(0, 0.15))),
    )

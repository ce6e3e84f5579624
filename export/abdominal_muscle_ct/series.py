"""A whole series of one phantom patient through the level graph: where the node would measure, also in parts of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.evaluation import shipped
from export.phantoms import abdomen
from orthanc_plugin.measure.level import locate

FOLDER = Path(__file__).parents[2] / "onnx_models" / "abdominal-muscle-ct"
SPACING_MM = 5.0
_ROWS, _SERVED_ROWS = 256, 512
_AT_A_TIME = 8
_ANSWERS = ("offset_mm", "sigma_mm", "strangeness")
PARTS: dict[str, tuple[float, float]] = {
    "from the kidneys down": (-1000, 60),
    "from the diaphragm to L4": (-40, 1000),
    "lumbar spine alone": (-90, 90),
    "five slices at L3": (-12, 12),
}
"""Heights above mid L3 between which a part of a series lies that holds L3."""
WITHOUT_L3: dict[str, tuple[float, float]] = {
    "upper abdomen, from L1 up": (50, 1000),
    "pelvis, from L5 down": (-1000, -50),
    "hips": (-1000, -150),
}


@dataclass(frozen=True, eq=False)
class Judged:
    """Slices of one patient and what the level graph said of them; heights above mid L3, in mm."""

    heights_mm: NDArray[np.float64]
    offsets_mm: NDArray[np.float32]
    sigmas_mm: NDArray[np.float32]
    strangeness: NDArray[np.float32]

    def part(self, lowest_mm: float, highest_mm: float) -> "Judged":
        kept = (self.heights_mm >= lowest_mm) & (self.heights_mm <= highest_mm)
        return Judged(self.heights_mm[kept], self.offsets_mm[kept], self.sigmas_mm[kept], self.strangeness[kept])

    def located(self) -> tuple[float, bool]:
        """The height of the slice that the node would measure, NaN where it finds no L3; whether it would caution."""
        level = locate(self.offsets_mm, self.sigmas_mm, self.heights_mm - self.heights_mm[0])
        height = np.nan if level.slice_index is None else float(self.heights_mm[level.slice_index])
        return height, bool(level.caution)


@dataclass(frozen=True)
class SeriesTrial:
    """`found_mm`: the slice found above mid L3, NaN where none was; `parts` the same of parts of the series."""

    slices: int
    found_mm: float
    cautioned: bool
    strangeness: float
    parts: dict[str, float]


def try_series(anatomy: abdomen.Anatomy, spacing_mm: float = SPACING_MM) -> SeriesTrial:
    judged = judge(anatomy, abdomen.whole_heights(anatomy, spacing_mm))
    found_mm, cautioned = judged.located()
    ranges = PARTS | WITHOUT_L3
    return SeriesTrial(
        slices=len(judged.heights_mm),
        found_mm=found_mm,
        cautioned=cautioned,
        strangeness=float(np.median(judged.strangeness)),
        parts={name: judged.part(*reach).located()[0] for name, reach in ranges.items()},
    )


def judge(anatomy: abdomen.Anatomy, heights_mm: NDArray[np.float64]) -> Judged:
    slices = np.stack([anatomy.render(float(height), _ROWS)[0] for height in heights_mm])
    return Judged(heights_mm, *level_of(slices))


def level_of(slices: NDArray[np.number]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Offsets, deviations and strangeness of slices [N, rows, columns]; the graph makes them smaller anyway."""
    factor = _SERVED_ROWS // slices.shape[1]
    hu = np.repeat(np.repeat(slices.astype(np.float32), factor, axis=1), factor, axis=2)[:, None]
    graph = shipped.session(FOLDER / "level.onnx")
    said = [graph.run(None, {"hu": hu[first : first + _AT_A_TIME]}) for first in range(0, len(hu), _AT_A_TIME)]
    if len(said[0]) != len(_ANSWERS):
        raise SystemExit(f"level.onnx does not answer {', '.join(_ANSWERS)}; train the level network and export it.")
    offsets, sigmas, strangeness = (np.concatenate(values) for values in zip(*said, strict=True))
    return offsets, sigmas, strangeness

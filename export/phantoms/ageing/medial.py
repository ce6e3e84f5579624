"""The medial temporal lobe of one side: its sizes in, painted on a canvas; and where the disease acts in it."""

from collections.abc import Mapping

import numpy as np

from export.phantoms.ageing.ageing import Temporal
from export.phantoms.ageing.canvas import Canvas, Mask, Vector

# Of the left side; tubes from the front to the back with their usual radii, in mm.
_HIPPOCAMPUS = ((22.0, -11.0, -24.0), (26.0, -2.0, -24.0), (29.0, 10.0, -18.0), (28.0, 20.0, -11.0), (23.0, 27.0, -5.0))
_HIPPOCAMPUS_MM = (4.6, 5.6, 4.8, 3.9, 2.4)
_HORN = ((25.0, -17.0, -19.0), (31.5, -7.0, -19.0), (34.0, 7.0, -13.0), (33.0, 20.0, -5.0), (28.0, 31.0, 3.0))
_HORN_FLAT = (0.7, 1.0, 1.0, 1.1, 1.8)
_GYRUS = ((20.0, -18.0, -31.0), (20.0, -7.0, -34.0), (21.0, 8.0, -29.0), (20.0, 20.0, -19.0), (16.0, 30.0, -9.0))
_CORE_MM = (2.6, 3.2, 3.4, 3.2, 2.4)
_ENTORHINAL = (1.0, 1.0, 0.85, 0.75, 0.7)
"""How thick the cortex is along the gyrus; its front half is the entorhinal one."""
_COLLATERAL = ((29.0, -18.0, -38.0), (30.0, -6.0, -39.0), (30.0, 9.0, -33.0), (27.0, 22.0, -23.0))
_STALK = ((37.0, -20.0, -22.0), (38.0, -4.0, -20.0), (38.0, 12.0, -13.0), (36.0, 26.0, -4.0))
_STALK_MM = (4.0, 6.0, 6.5, 6.0)
_AMYGDALA: Vector = (22.0, -17.0, -19.0)
_AMYGDALA_MM: Vector = (7.5, 7.5, 7.0)
_MIDDLE: Vector = (29.0, 5.0, -18.0)
_HALF: Vector = (20.0, 36.0, 28.0)
_ENTORHINAL_MM, _WEAR_MM = 3.3, 0.6


def paint_medial(canvas: Canvas, side: int, sizes: Temporal, bright: Mapping[str, float]) -> None:
    part = canvas.part(canvas.box(_at(_MIDDLE, side), _HALF))
    gyrus, collateral, horn, hippocampus = (
        [_at(point, side) for point in line] for line in (_GYRUS, _COLLATERAL, _HORN, _HIPPOCAMPUS)
    )
    thin_mm = _ENTORHINAL_MM - sizes.entorhinal_mm
    part.paint(bright["white"], part.tube([_at(point, side) for point in _STALK], _STALK_MM))
    part.paint(bright["csf"], part.tube(collateral, [0.7 + 0.7 * max(thin_mm, 0.0)] * len(collateral)))
    part.paint(bright["csf"], part.tube(gyrus, [core + _ENTORHINAL_MM * thick + _WEAR_MM for core, thick in _along()]))
    part.paint(bright["grey"], part.tube(gyrus, [core + sizes.entorhinal_mm * thick for core, thick in _along()]))
    part.paint(bright["white"], part.tube(gyrus, _CORE_MM))
    amygdala = tuple(float(half * np.cbrt(sizes.amygdala)) for half in _AMYGDALA_MM)
    part.paint(bright["csf"], part.tube(horn, [sizes.horn_mm * flat for flat in _HORN_FLAT]))
    part.paint(bright["grey"], part.ball(_at(_AMYGDALA, side), (amygdala[0], amygdala[1], amygdala[2])))
    cavity, own = (np.array(_HIPPOCAMPUS_MM) * np.sqrt(size) for size in (sizes.cavity, sizes.hippocampus))
    part.paint(bright["csf"], part.tube(hippocampus, (cavity - 0.3).tolist()))
    sunk = [
        (x - 0.5 * side * gone, y, z - 0.5 * gone) for (x, y, z), gone in zip(hippocampus, cavity - own, strict=True)
    ]
    share = part.paint(bright["hippocampus"], part.tube(sunk, own.tolist()))
    part.hippocampus += share
    part.put_back()


def acted_on(canvas: Canvas, side: int, sizes: Temporal) -> Mask:
    """The hippocampus as it was, amygdala, temporal horn and the gyrus beside them."""
    part = canvas.part(canvas.box(_at(_MIDDLE, side), _HALF))
    gyrus, horn, hippocampus = ([_at(point, side) for point in line] for line in (_GYRUS, _HORN[:-1], _HIPPOCAMPUS))
    depths = (
        part.tube(hippocampus, (np.array(_HIPPOCAMPUS_MM) * np.sqrt(sizes.cavity)).tolist()),
        part.tube(gyrus, [core + _ENTORHINAL_MM * thick for core, thick in _along()]),
        part.tube(horn, [sizes.horn_mm * flat for flat in _HORN_FLAT[:-1]]),
        part.ball(_at(_AMYGDALA, side), _AMYGDALA_MM),
    )
    found = np.zeros(canvas.x.shape, bool)
    found[part.index] = np.maximum.reduce(depths) > 0
    return found


def _along() -> list[tuple[float, float]]:
    return list(zip(_CORE_MM, _ENTORHINAL, strict=True))


def _at(point: Vector, side: int) -> Vector:
    x, y, z = point
    return side * x, y, z

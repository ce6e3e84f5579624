"""Probabilities of a classifier in, its classes as present or absent out, each with a place on an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import UID

from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.inference.classes import Classification
from orthanc_plugin.measure.findings import ClassFinding, Figure, Findings
from orthanc_plugin.routing.card import Classes

# The peak of a heat map is shown by a square of this part of the image's shorter side.
PEAK_SHARE = 0.15
NO_SLICE = "The network saw the series in another orientation than it was acquired in; the middle image is shown."


def findings(
    classes: Classes, imaged: Imaged, said: Classification, tracking_uids: Sequence[UID], cautions: tuple[str, ...]
) -> Findings:
    """`tracking_uids` are in the order of the card's classes."""
    key_slice = len(imaged) // 2 if said.index is None else said.index
    contour = _around_peak(said.heat_yx) if said.heat_yx is not None else border(imaged.shape_yx(key_slice))
    found = tuple(
        ClassFinding(item.label, item.code.code(), share, item.threshold, present, uid, key_slice, contour)
        for item, share, present, uid in zip(
            classes.items, said.probabilities, _present(classes, said.probabilities), tracking_uids, strict=True
        )
    )
    return Findings(
        segments=(),
        planar=(),
        key_slice=key_slice,
        headline=_headline(found),
        figures=tuple(_figure(each) for each in found),
        cautions=(*cautions, *((NO_SLICE,) if said.index is None else ())),
        classes=found,
        heat_yx=said.heat_yx,
    )


def joined(outlined: Findings, classified: Findings) -> Findings:
    """Of a model that outlines and classifies: the outlines choose the slice that is shown."""
    same_slice = outlined.key_slice == classified.key_slice
    return replace(
        outlined,
        headline=f"{classified.headline}. {outlined.headline}",
        figures=(*classified.figures, *outlined.figures),
        cautions=tuple(dict.fromkeys((*outlined.cautions, *classified.cautions))),
        classes=classified.classes,
        heat_yx=classified.heat_yx if same_slice else None,
    )


def border(shape_yx: tuple[int, int]) -> NDArray[np.float64]:
    rows, columns = shape_yx
    return np.array([(0, 0), (columns, 0), (columns, rows), (0, rows), (0, 0)], np.float64)


def _present(classes: Classes, probabilities: Sequence[float]) -> list[bool]:
    """Above its operating threshold; of classes that exclude one another the likeliest alone."""
    above = [share > item.threshold for item, share in zip(classes.items, probabilities, strict=True)]
    if not classes.exclusive:
        return above
    likeliest = int(np.argmax(probabilities))
    return [number == likeliest and passes for number, passes in enumerate(above)]


def _headline(found: Sequence[ClassFinding]) -> str:
    present = [f"{each.label} ({each.probability:.2f})" for each in found if each.present]
    return f"Present: {', '.join(present)}" if present else "None of the classes is present"


def _figure(found: ClassFinding) -> Figure:
    said = "present" if found.present else "absent"
    return Figure(f"{found.label}: {said}", f"{found.probability:.2f}", f"> {found.threshold:.2f}")


def _around_peak(heat_yx: NDArray[np.float32]) -> NDArray[np.float64]:
    """A square around the largest value, within the image."""
    rows, columns = heat_yx.shape
    row, column = np.unravel_index(int(heat_yx.argmax()), heat_yx.shape)
    half = max(PEAK_SHARE * min(rows, columns) / 2, 0.5)
    left, right = np.clip([column + 0.5 - half, column + 0.5 + half], 0, columns)
    top, bottom = np.clip([row + 0.5 - half, row + 0.5 + half], 0, rows)
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], np.float64)

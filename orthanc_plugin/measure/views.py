"""Probabilities of a network that saw several single images at once in, a verdict on each of its classes out.

Each class lies on that image of its own slots which says most of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from pydicom.sr.codedict import codes

from orthanc_plugin.imaging.image import Images
from orthanc_plugin.inference.slots import View, Views
from orthanc_plugin.measure.classes import (
    QUANTITIES,
    Track,
    around,
    border,
    class_finding,
    figure_of,
    headline_of,
    verdict_of,
)
from orthanc_plugin.measure.findings import ClassFinding, Findings, ValueMap
from orthanc_plugin.measure.heat import Scale, scale_of
from orthanc_plugin.measure.worth import worth_opening
from orthanc_plugin.routing.outputs import Classes, ClassOutput


def findings(classes: Classes, images: Images, views: Views, track: Track) -> Findings:
    """`track` gives the tracking UID of what is found under a name."""
    of_class = [[view for view in views.seen if view.slot in item.slots] for item in classes.items]
    told = [
        (_found(classes, item, share, its, images, track), its)
        for item, share, its in zip(classes.items, views.probabilities, of_class, strict=True)
        if its
    ]
    found = [each for each, _ in told]
    shown = max(found, key=lambda each: each.probability - each.threshold)
    others = [view.index for each, its in told for view in its if each.verdict != "absent"]
    scale = _scale(classes, views.seen)
    key_yx = next(view.heat_yx for view in views.seen if view.index == shown.slice_index)
    return Findings(
        segments=(),
        planar=(),
        key_slice=shown.slice_index,
        headline=headline_of(found),
        figures=tuple(figure_of(each) for each in found),
        cautions=(*images.cautions, *_cautions(classes, of_class, views)),
        classes=tuple(found),
        heat_yx=None if shown.verdict == "absent" or key_yx is None or scale is None else scale.of(key_yx),
        maps=() if scale is None else tuple(_map(classes, each, its, scale) for each, its in told),
        worth_opening=worth_opening((shown.slice_index, *others, *(view.index for view in views.seen))),
    )


def _found(
    classes: Classes, item: ClassOutput, share: float, its: Sequence[View], images: Images, track: Track
) -> ClassFinding:
    view, verdict = max(its, key=lambda view: view.height), verdict_of(item, share)
    shape_yx = images.shape_yx(view.index)
    place = border(shape_yx) if verdict == "absent" or not view.peak_yx else around(view.peak_yx, shape_yx)
    return class_finding(classes, item, share, verdict, track, (view.index, place))


def _scale(classes: Classes, seen: Sequence[View]) -> Scale | None:
    heats = [view.heat_yx for view in seen if view.heat_yx is not None]
    return scale_of(classes.heat_map, heats) if heats and classes.heat_map is not None else None


def _map(classes: Classes, found: ClassFinding, its: Sequence[View], scale: Scale) -> ValueMap:
    """On every image of the class, laid out as a segment's masks are."""
    heats = {view.index: view.heat_yx for view in its if view.heat_yx is not None}
    indices = sorted(heats)
    rows, columns = np.max([heats[index].shape for index in indices], axis=0)
    values = np.zeros((len(indices), rows, columns), np.float32)
    for place, index in enumerate(indices):
        height, width = heats[index].shape
        values[place, :height, :width] = scale.of(heats[index])
    quantity = QUANTITIES[classes.heat_map.quantity if classes.heat_map is not None else "class-activation"]
    return ValueMap(found.map_label, quantity, codes.UCUM.NoUnits, tuple(indices), values)


def _cautions(classes: Classes, of_class: Sequence[Sequence[View]], views: Views) -> Iterator[str]:
    yield from views.missing
    for item, its in zip(classes.items, of_class, strict=True):
        if not its:
            yield f"Nothing is said of {item.label}: none of its images is there."
    if views.left_out:
        many = f"{views.left_out} images were" if views.left_out > 1 else "One image was"
        yield f"{many} not looked at: not of a view that the model takes, or a later one of the same view is there."

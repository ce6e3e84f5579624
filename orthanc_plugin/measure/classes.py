"""Probabilities of a classifier in, a verdict on each of its classes out, with a place on an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.inference.classes import Classification
from orthanc_plugin.measure.findings import (
    ClassFinding,
    Figure,
    Findings,
    Measurement,
    SliceScore,
    ValueMap,
    Verdict,
    map_label,
)
from orthanc_plugin.measure.heat import scale_of
from orthanc_plugin.measure.worth import worth_opening
from orthanc_plugin.routing.outputs import Classes, ClassOutput

Track = Callable[[str], UID]

# The peak of a heat map is shown by a square of this part of the image's shorter side.
PEAK_SHARE = 0.15
QUANTITIES = {
    "class-activation": codes.DCM.ClassActivation,
    "gradient-weighted-class-activation": codes.DCM.GradientWeightedClassActivation,
    "saliency": codes.DCM.Saliency,
    "probability": codes.DCM.Probability,
}
OF_CANCER = codes.DCM.ProbabilityOfCancer
NO_SLICE = "The network saw the series in another orientation than it was acquired in; the middle image is shown."


def findings(
    classes: Classes,
    imaged: Imaged,
    said: Classification,
    track: Track,
    cautions: tuple[str, ...],
    drawn: Sequence[ValueMap] = (),
) -> Findings:
    """`track` gives the tracking UID of what is found under a name.

    A class that has a map of its own among those `drawn` is where that says most; these lie on the source's slices,
    also where the network saw them turned.
    """
    own = {each.label: each for each in drawn if each.values_nyx.max(initial=0) > 0}
    labels = [map_label(item.label) for item in classes.items]
    verdicts = _verdicts(classes, said.probabilities)
    shown = own.get(labels[said.shown])
    index = said.index if shown is None else _peak(shown, verdicts[said.shown])[0]
    key_slice = len(imaged) // 2 if index is None else index
    places = _places(said, verdicts, imaged.shape_yx(key_slice))
    found = tuple(
        class_finding(
            classes,
            item,
            said.probabilities[number],
            verdict,
            track,
            _peak(own[label], verdict) if label in own else (key_slice, place),
            _by_slice(item.label, number, said, track) if len(imaged) > 1 else (),
        )
        for number, (item, label, verdict, place) in enumerate(
            zip(classes.items, labels, verdicts, places, strict=True)
        )
    )
    heat_yx = _heat(classes, said)
    telling = (score.slice_index for each in found[said.shown : said.shown + 1] for score in each.telling)
    return Findings(
        segments=(),
        planar=(),
        key_slice=key_slice,
        headline=headline_of(found),
        figures=tuple(figure_of(each) for each in found),
        cautions=(*cautions, *((NO_SLICE,) if index is None else ())),
        classes=found,
        # Nothing is marked for what is not there; the map itself says all the same where the network looked.
        heat_yx=None if verdicts[said.shown] == "absent" else heat_yx if shown is None else _of_peak(shown),
        maps=_heat_maps(classes, heat_yx, labels[said.shown], key_slice),
        worth_opening=worth_opening((key_slice, *telling)),
    )


def class_finding(
    classes: Classes,
    item: ClassOutput,
    share: float,
    verdict: Verdict,
    track: Track,
    at: tuple[int, NDArray[np.float64]],
    by_slice: tuple[SliceScore, ...] = (),
) -> ClassFinding:
    """`at` is a slice and the contour on it."""
    of_cancer = classes.quantity == "probability-of-cancer"
    return ClassFinding(
        label=item.label,
        code=item.code.code(),
        probability=share,
        threshold=item.threshold,
        verdict=verdict,
        tracking_uid=track(item.label),
        slice_index=at[0],
        contour_xy=at[1],
        undetermined=item.undetermined,
        by_slice=by_slice,
        measured=Measurement(OF_CANCER, 100 * share, codes.UCUM.Percent) if of_cancer else None,
        site=None if item.site is None else item.site.code(),
        laterality=None if item.laterality is None else item.laterality.code(),
    )


def _by_slice(label: str, number: int, said: Classification, track: Track) -> tuple[SliceScore, ...]:
    return tuple(
        SliceScore(index, probabilities[number], track(f"{label} on image {index + 1}"))
        for index, probabilities in said.by_slice
    )


def _peak(drawn: ValueMap, verdict: Verdict) -> tuple[int, NDArray[np.float64]]:
    """The slice that it says most on, and the contour around where; what is absent is so on all of that slice."""
    number, row, column = np.unravel_index(np.argmax(drawn.values_nyx), drawn.values_nyx.shape)
    shape_yx = drawn.values_nyx.shape[1], drawn.values_nyx.shape[2]
    place = border(shape_yx) if verdict == "absent" else around((row + 0.5, column + 0.5), shape_yx)
    return drawn.slices[int(number)], place


def _of_peak(drawn: ValueMap) -> NDArray[np.float32]:
    """Its slice that says most, 1 where that is."""
    number = int(drawn.values_nyx.max(axis=(1, 2)).argmax())
    return np.asarray(np.maximum(drawn.values_nyx[number] / drawn.values_nyx.max(), 0), np.float32)


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
        maps=(*classified.maps, *outlined.maps),
        worth_opening=worth_opening((outlined.key_slice, *classified.worth_opening, *outlined.worth_opening)),
    )


def _heat(classes: Classes, said: Classification) -> NDArray[np.float32] | None:
    if said.heat_yx is None or classes.heat_map is None:
        return None
    return scale_of(classes.heat_map, [said.heat_yx]).of(said.heat_yx)


def _heat_maps(
    classes: Classes, heat_yx: NDArray[np.float32] | None, label: str, slice_index: int
) -> tuple[ValueMap, ...]:
    if heat_yx is None or classes.heat_map is None:
        return ()
    quantity = QUANTITIES[classes.heat_map.quantity]
    return (ValueMap(label, quantity, codes.UCUM.NoUnits, (slice_index,), heat_yx[np.newaxis]),)


def border(shape_yx: tuple[int, int]) -> NDArray[np.float64]:
    rows, columns = shape_yx
    return np.array([(0, 0), (columns, 0), (columns, rows), (0, rows), (0, 0)], np.float64)


def _verdicts(classes: Classes, probabilities: Sequence[float]) -> list[Verdict]:
    """Of classes that exclude one another the likeliest alone is present, and leaves nothing undetermined then."""
    each = [verdict_of(item, share) for item, share in zip(classes.items, probabilities, strict=True)]
    if not classes.exclusive:
        return each
    likeliest = int(np.argmax(probabilities))
    if each[likeliest] == "present":
        return ["present" if number == likeliest else "absent" for number in range(len(each))]
    return ["absent" if verdict == "present" else verdict for verdict in each]


def verdict_of(item: ClassOutput, share: float) -> Verdict:
    if item.holds(share):
        return "undetermined"
    return "present" if share > item.threshold else "absent"


def headline_of(found: Sequence[ClassFinding]) -> str:
    said: tuple[tuple[Verdict, str], ...] = (("present", "Present"), ("undetermined", "Undetermined"))
    parts = []
    for verdict, word in said:
        named = [f"{each.label} ({each.probability:.2f})" for each in found if each.verdict == verdict]
        parts += [f"{word}: {', '.join(named)}"] if named else []
    if not parts and len(found) == 1:
        return f"Absent: {found[0].label} ({found[0].probability:.2f})"
    return "; ".join(parts) or "None of the classes is present"


def figure_of(found: ClassFinding) -> Figure:
    least, most = found.undetermined or (found.threshold, found.threshold)
    bound = f"{least:.2f} to {most:.2f}" if found.verdict == "undetermined" else f"> {most:.2f}"
    return Figure(f"{found.label}: {found.verdict}", f"{found.probability:.2f}", bound)


def _places(
    said: Classification, verdicts: Sequence[Verdict], shape_yx: tuple[int, int]
) -> Iterator[NDArray[np.float64]]:
    """Of a class that is not absent where the network looked most for it; an absent one is so on the whole image."""
    for number, verdict in enumerate(verdicts):
        if verdict == "absent" or not said.peaks_yx:
            yield border(shape_yx)
        else:
            yield around(said.peaks_yx[number], shape_yx)


def around(peak_yx: tuple[float, float], shape_yx: tuple[int, int]) -> NDArray[np.float64]:
    """A square around a point, within the image."""
    (row, column), (rows, columns) = peak_yx, shape_yx
    half = max(PEAK_SHARE * min(rows, columns) / 2, 0.5)
    left, right = np.clip([column - half, column + half], 0, columns)
    top, bottom = np.clip([row - half, row + half], 0, rows)
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], np.float64)

"""Masks on single images in, each structure measured in the plane of every image that shows it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import UID
from scipy.ndimage import find_objects, label

from orthanc_plugin.imaging.image import Images
from orthanc_plugin.inference.regions import Candidate
from orthanc_plugin.measure import calibration
from orthanc_plugin.measure.findings import Absence, Figure, Findings, PlanarFinding, Segment
from orthanc_plugin.measure.planar import Plane
from orthanc_plugin.measure.worth import worth_opening
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.outputs import SegmentOutput

IN_PIXELS = "Images that state no pixel size calibrated for the patient were measured in pixels."
# Of the parts of a structure so many have their numbers on the page; the report has all of them.
MOST_PARTS = 4
Track = Callable[[str], UID]


@dataclass(frozen=True, eq=False)
class Structure:
    """One segment of the card with its masks; `planes` are those of the images that show it, the largest area first.

    Where the card wants each part by itself, an image has a plane for each.
    """

    output: SegmentOutput
    tracking_uid: UID
    mask_nyx: NDArray[np.bool_]
    probability_nyx: NDArray[np.float32] | None
    planes: tuple[tuple[int, Plane], ...]

    def segment(self, number: int) -> Segment:
        """Without numbers of its own: all of them lie in a plane."""
        return Segment(
            number=number,
            label=self.output.label,
            category=self.output.category.code(),
            property=self.output.property.code(),
            rgb=self.output.rgb,
            tracking_uid=self.tracking_uid,
            mask_zyx=self.mask_nyx,
            measurements=(),
            probability_zyx=self.probability_nyx,
        )

    def absence(self) -> Absence:
        return Absence(self.output.label, self.output.property.code(), self.tracking_uid)


def findings(
    card: Card,
    images: Images,
    masks_snyx: NDArray[np.bool_],
    track: Track,
    *,
    measured: bool,
    probabilities_snyx: NDArray[np.float32] | None = None,
    candidates: Sequence[Sequence[Candidate]] = (),
) -> Findings:
    """`track` gives the tracking UID of what is found under a name; masks are laid out as `Segment` says.

    `candidates` are by image the regions that were outlined, where a network found some: a part has their probability.
    """
    soft = probabilities_snyx if probabilities_snyx is not None else [None] * len(card.segments)
    structures = [
        _structure(*each, images, track, candidates) for each in zip(card.segments, masks_snyx, soft, strict=True)
    ]
    found = [structure for structure in structures if structure.planes]
    absent = [structure for structure in structures if not structure.planes]
    shown = sorted(_pixels(found).items(), key=lambda image: (-image[1], image[0]))
    key_slice = shown[0][0] if shown else len(images) // 2
    largest = [each.planes[0][0] for each in found]
    return Findings(
        segments=tuple(each.segment(number) for number, each in enumerate(found, start=1)),
        planar=tuple(_planar(found, track, measured)),
        key_slice=key_slice,
        headline=", ".join(_words(each, len(images)) for each in found) or "Nothing was found",
        figures=tuple(figure for each in found for figure in _figures(each)) if measured else (),
        cautions=(*images.cautions, *_cautions(found, absent, measured)),
        absent=tuple(each.absence() for each in absent),
        worth_opening=worth_opening([key_slice, *largest, *(image for image, _ in shown)]),
    )


def _structure(
    output: SegmentOutput,
    mask_nyx: NDArray[np.bool_],
    probability_nyx: NDArray[np.float32] | None,
    images: Images,
    track: Track,
    candidates: Sequence[Sequence[Candidate]],
) -> Structure:
    headers = {str(header.SOPInstanceUID): header for header in images.headers}
    planes = []
    for index in np.flatnonzero(mask_nyx.any(axis=(1, 2))):
        rows, columns = images.shape_yx(int(index))
        spacing_mm = calibration.pixel_mm(headers[images.sources[index].sop_instance_uid])
        mask_yx = mask_nyx[index, :rows, :columns]
        if output.each_part:
            cut = candidates[int(index)] if candidates else ()
            planes += [
                (int(index), Plane(part, spacing_mm, corner, _probability(part, corner, cut)))
                for part, corner in _parts(mask_yx)
            ]
        else:
            planes.append((int(index), Plane(mask_yx, spacing_mm)))
    planes.sort(key=lambda plane: (-plane[1].pixels, plane[0]))
    return Structure(output, track(output.label), mask_nyx, probability_nyx, tuple(planes))


def _parts(mask_yx: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.bool_], tuple[int, int]]]:
    """Each connected part, cut out, with the corner where it was; pixels that touch at a corner belong together."""
    parts, _ = label(mask_yx, np.ones((3, 3), bool))
    for number, (rows, columns) in enumerate(find_objects(parts), start=1):
        yield parts[rows, columns] == number, (rows.start, columns.start)


def _probability(part_yx: NDArray[np.bool_], corner_yx: tuple[int, int], cut: Sequence[Candidate]) -> float | None:
    """Of the candidates in whose regions some of the part lies, the likeliest's."""
    rows, columns = np.nonzero(part_yx)
    return max((each.probability for each in cut if each.region.holds(rows + corner_yx[0], columns + corner_yx[1])),
               default=None)  # fmt: skip


def _pixels(found: Sequence[Structure]) -> dict[int, int]:
    """By image, of all structures together."""
    pixels: dict[int, int] = {}
    for index, plane in (shown for structure in found for shown in structure.planes):
        pixels[index] = pixels.get(index, 0) + plane.pixels
    return pixels


def _planar(found: Sequence[Structure], track: Track, measured: bool) -> Iterator[PlanarFinding]:
    """At its largest a structure has the tracking UID of its segment, everywhere else one of its own."""
    for number, structure in enumerate(found, start=1):
        for place, (index, plane) in enumerate(structure.planes):
            uid = track(f"{_named(structure, place)} on image {index + 1}") if place else None
            yield plane.finding(number, index, measured=measured, tracking_uid=uid)


def _named(structure: Structure, place: int) -> str:
    """Parts are numbered from the largest on, whichever image they lie on."""
    output = structure.output
    return f"{output.label} {place + 1}" if output.each_part else output.label


def _words(structure: Structure, images: int) -> str:
    name, shown_on = structure.output.label, len({index for index, _ in structure.planes})
    if structure.output.each_part and len(structure.planes) > 1:
        name = f"{name} ({len(structure.planes)} of them)"
    return f"{name} on {shown_on} of {images} images" if images > 1 else name


def _figures(structure: Structure) -> Iterator[Figure]:
    shown_on = len({index for index, _ in structure.planes})
    counted = MOST_PARTS if structure.output.each_part else 1
    for place, (_, plane) in enumerate(structure.planes[:counted]):
        yield from plane.figures(_named(structure, place))
    if len(structure.planes) > counted > 1:
        yield Figure(f"{structure.output.label}, smaller ones", str(len(structure.planes) - counted), "")
    if shown_on > 1:
        yield Figure(f"{structure.output.label}, images that show it", str(shown_on), "")


def _cautions(found: Sequence[Structure], absent: Sequence[Structure], measured: bool) -> Iterator[str]:
    if measured and any(plane.spacing_mm is None for structure in found for _, plane in structure.planes):
        yield IN_PIXELS
    for structure in absent:
        yield f"{structure.output.label} was not found."

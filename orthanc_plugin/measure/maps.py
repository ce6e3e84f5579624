"""Maps and images that networks drew in, the same with their meaning out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.coding import Code
from pydicom.uid import UID

from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.measure.findings import Conclusion, DerivedImage, Figure, Findings, Measurement, ValueMap
from orthanc_plugin.routing.outputs import Faults, Outputs

MADE_BY_A_NETWORK = Code("network-image", "99INODE", "Image made by a neural network")
LOST = Code("lesions-lost", "99INODE", "Lesions lost of a thousand that were planted")
INVENTED = Code("lesions-invented", "99INODE", "Lesions invented in a thousand slices")
PER_THOUSAND = Code("[ppth]", "UCUM", "parts per thousand")
Drawn = Mapping[str, NDArray[np.float32]]


def value_maps(outputs: Outputs, drawn: Drawn) -> tuple[ValueMap, ...]:
    """`drawn` holds them by their labels, on all slices."""
    return tuple(
        ValueMap(
            label=wanted.label,
            quantity=wanted.quantity.code(),
            unit=wanted.unit.code(),
            slices=tuple(range(len(drawn[wanted.label]))),
            values_nyx=drawn[wanted.label],
        )
        for wanted in outputs.maps
    )


def derived_images(outputs: Outputs, drawn: Drawn) -> tuple[DerivedImage, ...]:
    return tuple(
        DerivedImage(
            label=wanted.label,
            derivation=wanted.derivation.code(),
            values_zyx=drawn[wanted.label],
            unit=None if wanted.unit is None else wanted.unit.code(),
            modality=wanted.modality,
            finer=wanted.finer,
        )
        for wanted in outputs.images
    )


def findings(outputs: Outputs, imaged: Imaged) -> Findings:
    """Of a model that gives nothing but pictures: their names, and the middle of what they show."""
    key_slice = len(imaged) // 2
    return Findings(
        segments=(),
        planar=(),
        key_slice=key_slice,
        headline=", ".join(picture.label for picture in outputs.pictures),
        figures=(),
        cautions=imaged.cautions,
        worth_opening=(key_slice,),
    )


def with_warnings(found: Findings, outputs: Outputs, track: Callable[[str], UID]) -> Findings:
    """Says of each image whether it is in a modality in which none was acquired, and what such images hide and make up,
    where that was counted.
    """
    counted = [(wanted.label, wanted.faults) for wanted in outputs.images if wanted.faults is not None]
    return replace(
        found,
        conclusions=(*found.conclusions, *(_conclusion(label, faults, track(label)) for label, faults in counted)),
        figures=(*found.figures, *(figure for label, faults in counted for figure in _figures(label, faults))),
        cautions=(*found.cautions, *_synthetic(outputs), *(_caution(label, faults) for label, faults in counted)),
    )


def _synthetic(outputs: Outputs) -> Iterator[str]:
    for wanted in outputs.images:
        if wanted.modality is not None:
            yield f"The image {wanted.label} is synthetic: no {wanted.modality} was made, a network computed it."


def _conclusion(label: str, faults: Faults, uid: UID) -> Conclusion:
    numbers = ((LOST, faults.lost), (INVENTED, faults.invented))
    measurements = tuple(Measurement(name, value, PER_THOUSAND) for name, value in numbers)
    return Conclusion(f"Image {label}", MADE_BY_A_NETWORK, uid, measurements)


def _figures(label: str, faults: Faults) -> tuple[Figure, ...]:
    return (
        Figure(f"{label}: lesions lost, of 1,000", f"{faults.lost:.0f}", ""),
        Figure(f"{label}: lesions invented in 1,000 slices", f"{faults.invented:.0f}", ""),
    )


def _caution(label: str, faults: Faults) -> str:
    return (
        f"The image {label} was made by a network, which may hide what is there and show what is not: of 1,000 planted "
        f"lesions it lost {faults.lost:.0f}, and in 1,000 slices it invented {faults.invented:.0f} ({faults.data}). "
        "The source is the reference."
    )

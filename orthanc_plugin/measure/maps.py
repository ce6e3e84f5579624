"""Maps and images that networks drew in, the same with their meaning out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.measure.findings import DerivedImage, Findings, ValueMap
from orthanc_plugin.routing.outputs import Outputs

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

"""A volume or images in, one of their frames alone out, in the same place."""

from __future__ import annotations

from dataclasses import replace

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.image import Imaged, Images
from orthanc_plugin.imaging.volume import SourceSlice


def only_frame(imaged: Imaged, number: int) -> Imaged:
    """`number` counts from one, as in the instance; an instance with a single image has that one."""
    index = _index(imaged.sources, number)
    one = slice(index, index + 1)
    if isinstance(imaged, Images):
        return replace(
            imaged, pixels=imaged.pixels[one], spacings_mm=imaged.spacings_mm[one], sources=imaged.sources[one]
        )
    return replace(
        imaged, voxels_zyx=imaged.voxels_zyx[one], geometry=imaged.geometry[one], sources=imaged.sources[one]
    )


def _index(sources: tuple[SourceSlice, ...], number: int) -> int:
    numbers = [source.frame_number or 1 for source in sources]
    if number not in numbers:
        raise Unsuitable(
            f"The instance has no frame {number} that a model could run on; it has {len(numbers)}, counted from 1.",
            stage="decode",
        )
    return numbers.index(number)

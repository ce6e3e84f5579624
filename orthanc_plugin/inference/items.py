"""What a stage takes out of its roles: the items that its network sees one by one, slices or single images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.image import Imaged, Images
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.inference.intensity import scaling
from orthanc_plugin.inference.preprocess import Channel, Placement, Turned, placed, placement
from orthanc_plugin.inference.slices import Fitted
from orthanc_plugin.routing.network import Stage

# ITU-R BT.601, as PS3.3 C.7.6.3.1.2 has it for YBR: how bright a colour looks.
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
Taken = Mapping[str, tuple[int | None, ...]]
"""By role, for each slot of a stage the number of the image that takes it, None where none does."""


def of_slices(stage: Stage, seen: tuple[Channel, ...], turned: Turned) -> Fitted:
    _, rows, columns = turned.voxels_zyx.shape
    _, *pixel_mm = turned.spacing_mm
    place = placement(stage, (rows, columns), (pixel_mm[0], pixel_mm[1]))

    def take(start: int, stop: int) -> NDArray[np.float32]:
        return placed(stage, place, seen, start, stop)

    return Fitted(take, (place,) * len(turned.voxels_zyx))


def of_images(stage: Stage, roles: Mapping[str, Images]) -> Fitted:
    """Every image of the one role, or one image of each of several; zeros for a role that is missing."""
    given = [roles.get(role) for role in stage.roles]
    first = roles[stage.roles[0]]
    if len(given) > 1 and {len(images) for images in given if images is not None} != {1}:
        raise Unsuitable(
            f"The stage {stage.name} takes one image of each of {', '.join(stage.roles)}, and one of them holds more; "
            "send the images as series of their own.",
            stage="infer",
        )

    def take(start: int, stop: int) -> NDArray[np.float32]:
        return np.stack([_one(stage, given, index) for index in range(start, stop)])

    return Fitted(take, tuple(place(stage, first, index) for index in range(len(first))))


def of_slots(stage: Stage, roles: Mapping[str, Images], taken: Taken) -> NDArray[np.float32]:
    """The one item of a stage with slots: role by role the images that took them, zeros where none did."""
    layers = [
        _layers(stage, None if index is None else roles[role], index or 0)
        for role in stage.roles
        for index in taken[role]
    ]
    return np.concatenate(layers)[np.newaxis]


def volumes(stage: Stage, roles: Mapping[str, Imaged]) -> dict[str, Volume]:
    """Those that are there: roles that may be missing are left out."""
    return {role: volume for role in stage.roles if isinstance(volume := roles.get(role), Volume)}


def images(stage: Stage, roles: Mapping[str, Imaged]) -> dict[str, Images]:
    return {role: given for role in stage.roles if isinstance(given := roles.get(role), Images)}


def place(stage: Stage, images: Images, index: int) -> Placement:
    return placement(stage, images.shape_yx(index), images.pixel_mm(index) or (1.0, 1.0))


def _one(stage: Stage, given: list[Images | None], index: int) -> NDArray[np.float32]:
    return np.concatenate([_layers(stage, images, index) for images in given])


def _layers(stage: Stage, images: Images | None, index: int) -> NDArray[np.float32]:
    if images is None:
        return np.zeros((3 if stage.channels == "rgb" else 1, stage.rows, stage.columns), np.float32)
    pixels = fed(stage, images.pixels[index])
    return scaling(stage.intensity, pixels)(place(stage, images, index).place(pixels, float(pixels.min())))


def fed(stage: Stage, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """An image as the stage's intensity sees it: (1, row, column) or (3, row, column)."""
    return _coloured(pixels) if stage.channels == "rgb" else grey(pixels)


def grey(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(1, row, column)."""
    return np.asarray(pixels @ LUMINANCE if pixels.ndim == 3 else pixels)[np.newaxis]


def _coloured(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Channels first; grey is the same in all three."""
    return np.moveaxis(pixels, -1, 0) if pixels.ndim == 3 else np.repeat(pixels[np.newaxis], 3, axis=0)

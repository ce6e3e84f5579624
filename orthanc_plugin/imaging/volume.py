"""A checked series in, voxels with their geometry and sources out."""

from __future__ import annotations

from dataclasses import dataclass

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from orthanc_plugin.imaging.header import text
from orthanc_plugin.imaging.instance import Instance
from orthanc_plugin.imaging.plane import planes
from orthanc_plugin.imaging.rescale import rescaled
from orthanc_plugin.imaging.series import Series
from orthanc_plugin.imaging.stack import Stack, stack


@dataclass(frozen=True)
class SourceSlice:
    """Where a slice of the volume came from; `frame_number` counts from one and is there for multi-frame sources."""

    sop_class_uid: str
    sop_instance_uid: str
    frame_number: int | None


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels in HU with their place in the patient: `geometry` maps (slice, row, column) to LPS millimetres.

    Slices go along the normal of the image plane (row direction x column direction), whatever their numbers say:
    from the feet to the head in axial series. `sources` has one entry a slice; `headers` and `pixel_digests` have one
    an instance, in the order in which the slices first name them (for single-frame sources: one a slice, too).
    """

    voxels_zyx: NDArray[np.float32]
    geometry: hd.VolumeGeometry
    sources: tuple[SourceSlice, ...]
    headers: tuple[Dataset, ...]
    pixel_digests: tuple[str, ...]
    cautions: tuple[str, ...]

    @property
    def spacing_zyx_mm(self) -> tuple[float, float, float]:
        slices, rows, columns = self.geometry.spacing
        return slices, rows, columns

    def __len__(self) -> int:
        return len(self.voxels_zyx)

    def shape_yx(self, _index: int) -> tuple[int, int]:
        _, rows, columns = self.voxels_zyx.shape
        return rows, columns

    def plane(self, index: int) -> NDArray[np.float32]:
        slice_yx: NDArray[np.float32] = self.voxels_zyx[index]
        return slice_yx

    def pixel_mm(self, _index: int) -> tuple[float, float] | None:
        _, rows, columns = self.spacing_zyx_mm
        return rows, columns


def volume(series: Series) -> Volume:
    """Unsuitable, with a sentence, for whatever is no rectangular, evenly filled box."""
    ordered = stack([plane for instance in series.instances for plane in planes(instance)])
    voxels, cautions = rescaled(ordered.planes, series.modality)
    instances = _instances(ordered)
    return Volume(
        voxels,
        _geometry(ordered),
        tuple(
            SourceSlice(
                text(plane.instance.header, "SOPClassUID"),
                text(plane.instance.header, "SOPInstanceUID"),
                plane.frame_number,
            )
            for plane in ordered.planes
        ),
        tuple(instance.header for instance in instances),
        tuple(instance.pixel_digest for instance in instances),
        (*series.cautions, *ordered.cautions, *cautions),
    )


def _instances(ordered: Stack) -> list[Instance]:
    by_uid = {text(plane.instance.header, "SOPInstanceUID"): plane.instance for plane in ordered.planes}
    return list(by_uid.values())


def _geometry(ordered: Stack) -> hd.VolumeGeometry:
    """highdicom stacks against the normal, for a right-handed system: so from the last plane on, then turned round."""
    first, last = ordered.planes[0], ordered.planes[-1]
    rows, columns = first.stored.shape
    downward = hd.VolumeGeometry.from_attributes(
        image_position=last.position_mm.tolist(),
        image_orientation=first.orientation.tolist(),
        rows=rows,
        columns=columns,
        pixel_spacing=first.pixel_spacing_mm,
        spacing_between_slices=ordered.step_mm,
        number_of_frames=len(ordered.planes),
        coordinate_system=hd.CoordinateSystemNames.PATIENT,
        frame_of_reference_uid=text(first.instance.header, "FrameOfReferenceUID"),
    )
    return downward.flip_spatial(0)

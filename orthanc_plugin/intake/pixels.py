"""Stored series in, the region of the body that their middle images show out; each is looked at once."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from orthanc_plugin.errors import Broken, Unsuitable
from orthanc_plugin.imaging.image import images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.intake.orthanc import Orthanc, Series, Slice, Stored
from orthanc_plugin.intake.positions import Plane, dot, plane
from orthanc_plugin.routing.headers import written
from orthanc_plugin.routing.region import Region, RegionOfPixels

IMAGES = 3
REACH = 0.1
"""The images beside the middle one lie so far from it, as a share of the series."""
LARGEST_BYTES = 64_000_000
"""Decoding a larger file would keep what arrives meanwhile waiting."""
REMEMBERED = 1000
MODALITIES = frozenset({"CT", "MR", "CR", "DX", "RG", "MG", "US"})
"""What the classifier has learned; of a PET it would take anything for anything."""

logger = logging.getLogger(__name__)


class Classifier(Protocol):
    def region(self, images: Sequence[NDArray[np.float32]]) -> Region | None: ...


class Pixels:
    """For any number of threads; `None` is remembered as well."""

    def __init__(
        self,
        orthanc: Orthanc,
        classifier: Classifier,
        rejected: Callable[[str], Collection[str]] = lambda _series_uid: (),
    ) -> None:
        """`rejected` are the SOPInstanceUIDs of a series that are not to be looked at."""
        self._orthanc = orthanc
        self._classifier = classifier
        self._rejected = rejected
        self._said: OrderedDict[tuple[str, str], Region | None] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, series: Series) -> RegionOfPixels:
        """Who asks gets Temporary while Orthanc is away: nobody can say then that the pixels tell nothing."""
        return partial(self._region, series)

    def _region(self, series: Series) -> Region | None:
        key = (series.id, series.mark)
        with self._lock:
            if key not in self._said:
                self._said[key] = self._looked(series)
                if len(self._said) > REMEMBERED:
                    self._said.popitem(last=False)
            return self._said[key]

    def _looked(self, series: Series) -> Region | None:
        if series.modality not in MODALITIES:
            return None
        try:
            rejected = frozenset(self._rejected(series.uid))
            stored = self._orthanc.stored(series.id)
            chosen = middle([each for each in stored if each.sop_instance_uid not in rejected])
            files = [self._orthanc.file(each.instance_id) for each in chosen if each.size_bytes <= LARGEST_BYTES]
        except Unsuitable:
            return None
        return looked(files, self._classifier, series.uid)


def of_files(files: Sequence[tuple[Path, Dataset]], classifier: Classifier, series_uid: str) -> RegionOfPixels:
    """The same for a series that lies in files, each with its header."""

    def look() -> Region | None:
        if written(files[0][1], "Modality") not in MODALITIES:
            return None
        chosen = middle([in_file(path, header) for path, header in files])
        small = [Path(each.instance_id) for each in chosen if each.size_bytes <= LARGEST_BYTES]
        return looked([path.read_bytes() for path in small], classifier, series_uid)

    return look


def in_file(path: Path, header: Dataset) -> Stored:
    position, orientation, number = (
        str(written(header, keyword) or "")
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "InstanceNumber")
    )
    found = Slice(plane(position, orientation), 1)
    return Stored(str(path), found, int(number) if number.isdecimal() else 0, path.stat().st_size)


def looked(files: Iterable[bytes], classifier: Classifier, series_uid: str) -> Region | None:
    """None, too, for what can't be decoded: the job that runs on it will say why."""
    try:
        seen = [image for file in files for image in few(images(assemble([decode(file)])).pixels)]
    except (Unsuitable, Broken) as error:
        logger.info("The region of the body can't be seen: %s", error.sentence, extra={"series": series_uid})
        return None
    return classifier.region(seen) if seen else None


def few(frames: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    return [frames[place] for place in places(len(frames))]


def middle(stored: Sequence[Stored]) -> list[Stored]:
    """A few from around the middle; along the normal of the slices where all have a place, else by their numbers."""
    ordered = sorted(stored, key=partial(place, planes=[each.slice.plane for each in stored]))
    return [ordered[each] for each in places(len(ordered))]


def place(one: Stored, planes: Sequence[Plane | None]) -> tuple[float, str]:
    first = planes[0]
    if first is None or one.slice.plane is None or None in planes:
        return float(one.number), one.instance_id
    return dot(one.slice.plane.position_mm, first.normal), one.instance_id


def places(count: int) -> list[int]:
    """Of `count` in a row, those at the middle and a little beside it."""
    steps = range(-(IMAGES // 2), IMAGES // 2 + 1)
    return sorted({int((0.5 + REACH * step) * count) for step in steps} & set(range(count)))

"""What was found, on what, by whom and for which destination in; what all encoders share of it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode.context import source_headers
from orthanc_plugin.encode.identity import Identity, Origin
from orthanc_plugin.encode.unknown import make_known
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.measure.findings import Findings


@dataclass(frozen=True)
class Predecessor:
    """An earlier result, by its UIDs, whose place a new one takes."""

    study_uid: str
    series_uid: str
    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, eq=False)
class Laid:
    """A series that was laid on the main one: its headers, and what takes points of its space to the main one's."""

    headers: tuple[Dataset, ...]
    matrix: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Making:
    """`beside` are headers of images that were used, too, but on which nothing lies.

    `laid` are those of them that lay in other frames of reference, with how they were laid on the first.
    """

    findings: Findings
    imaged: Imaged
    origin: Origin
    profile: Profile = field(default_factory=Profile)
    beside: tuple[Dataset, ...] = ()
    predecessors: tuple[Predecessor, ...] = ()
    laid: tuple[Laid, ...] = ()

    def __post_init__(self) -> None:
        make_known(self.imaged.headers)

    @cached_property
    def identity(self) -> Identity:
        return Identity.of(self.imaged, self.origin)

    @cached_property
    def headers(self) -> tuple[Dataset, ...]:
        """One a slice or image in the source's order, or that of a multi-frame source; the first is the context."""
        return tuple(source_headers(self.imaged, self.texts))

    @property
    def header(self) -> Dataset:
        return self.headers[0]

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notice and the cautions, which every result carries."""
        return tuple(text for text in (self.origin.notice, *self.findings.cautions) if text)

    @property
    def texts(self) -> tuple[str, ...]:
        """All words of ours that may stand beside the patient's in one object."""
        found = self.findings
        outlined = [(each.label, each.property) for each in found.segments]
        outlined += [(each.label, each.property) for each in found.absent]
        outlined += [(each.label, each.finding) for each in found.regions]
        outlined += [(each.label, each.finding) for each in found.conclusions]
        named = [*outlined, *((each.label, each.code) for each in found.classes)]
        shown = [*(each.label for each in found.maps), *(each.label for each in found.images)]
        labels = (label for label, _ in named)
        meanings = (code.meaning for code in (*(code for _, code in named), *(each.name for each in found.given)))
        return (self.origin.title, *self.remarks, *labels, *shown, *meanings)

"""What a result was made from in, its UIDs out: the same making gives the same UIDs, any other making others."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from pydicom.uid import UID

from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.routing.folder import Model

# Goes up whenever the same findings are written differently, so that no old UID comes with new content.
RESULT_SCHEMA = 3

Parameter = str | float | int | bool


@dataclass(frozen=True)
class Origin:
    """Who made a result, how and when; `created_at` is written as it is, so it comes in the hospital's local time.

    `beside` holds the digests of what was used beside the images that the result lies on, `remarks` what routing minded
    about them: written into the result, they are part of what it is. `encoding` says how it is written, since another
    encoding is another object, and so is one that names other `predecessors` (SOPInstanceUIDs).
    `stages` are the model's networks by name; they are part of its digest.
    """

    name: str
    title: str
    version: str
    digest: str
    notice: str
    clinical_use: bool
    parameters: tuple[tuple[str, Parameter], ...]
    provider: str
    created_at: datetime
    software_version: str
    beside: tuple[str, ...] = ()
    encoding: str = ""
    predecessors: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        model: Model,
        *,
        parameters: tuple[tuple[str, Parameter], ...],
        provider: str,
        created_at: datetime,
        software_version: str,
        beside: tuple[str, ...] = (),
        encoding: str = "",
        predecessors: tuple[str, ...] = (),
        remarks: tuple[str, ...] = (),
    ) -> Origin:
        """`provider` is the class of execution provider whose arithmetic is the same, as `cpu` or `cuda`."""
        card = model.card
        return cls(
            name=card.name,
            title=card.title,
            version=card.version,
            digest=model.digest,
            notice=card.notice,
            clinical_use=card.clinical_use,
            parameters=parameters,
            provider=provider,
            created_at=created_at,
            software_version=software_version,
            beside=beside,
            encoding=encoding,
            predecessors=predecessors,
            remarks=remarks,
            stages=tuple(stage.name for stage in card.stages),
        )


@dataclass(frozen=True)
class Identity:
    """The digest over everything that a result was made from; each UID is a hash of it and of what is named."""

    making: str

    @classmethod
    def of(cls, imaged: Imaged, origin: Origin) -> Identity:
        # In the order of the volume, which position decides: two slices that changed places are another series.
        made_from: dict[str, object] = {
            "sources": [(source.sop_instance_uid, source.frame_number) for source in imaged.sources],
            "pixels": imaged.pixel_digests,
            "model": origin.digest,
            "parameters": sorted(origin.parameters),
            "provider": origin.provider,
            "encoding": origin.encoding,
            "schema": RESULT_SCHEMA,
        }
        if origin.beside:
            made_from["beside"] = origin.beside
        if origin.predecessors:
            made_from["predecessors"] = origin.predecessors
        if origin.remarks:
            made_from["remarks"] = origin.remarks
        return cls(hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest())

    def series_uid(self, kind: str) -> UID:
        return self._uid("series", kind)

    def instance_uid(self, kind: str) -> UID:
        return self._uid("instance", kind)

    def dimension_organization_uid(self, kind: str) -> UID:
        return self._uid("dimensions", kind)

    def tracking_uid(self, label: str) -> UID:
        return self._uid("tracking", label)

    def _uid(self, purpose: str, name: str) -> UID:
        return derived_uid(self.making, purpose, name)


def derived_uid(*parts: str) -> UID:
    """A UID under 2.25 (ITU-T X.667) whose integer is 128 bits of SHA-256 over the parts."""
    whole = hashlib.sha256(json.dumps(parts).encode()).digest()
    return UID(f"2.25.{int.from_bytes(whole[:16], 'big')}")


def device_uid(origin: Origin) -> UID:
    """The device that observed: a new one for every change of the model."""
    return derived_uid("device", origin.digest)

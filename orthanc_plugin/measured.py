"""What a model's networks said of its images in, what that means out: the measuring part of a job's story."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import UID

from orthanc_plugin.encode.identity import Identity, Origin
from orthanc_plugin.imaging.image import Imaged, Images
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.inference.model import RawOutput
from orthanc_plugin.measure import (
    body_composition,
    calcium,
    classes,
    infarct,
    maps,
    outlines,
    single_images,
    texture,
    views,
)
from orthanc_plugin.measure.clinical import Clinical
from orthanc_plugin.measure.findings import Findings, ValueMap, map_label
from orthanc_plugin.measure.level import locate
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.outputs import BodyComposition, CalciumScore, Infarct


def measured(card: Card, main: Imaged, raw: RawOutput, origin: Origin, given: Clinical) -> Findings:
    """All of it lies on `main`."""
    drawn = maps.value_maps(card.outputs, raw.drawn.maps)
    measuring = Measuring(card, raw, given, Identity.of(main, origin), drawn)
    found = [*measuring.outlined(main), *measuring.classified(main)] or [maps.findings(card.outputs, main)]
    joined = found[0] if len(found) == 1 else classes.joined(*found)
    findings = maps.with_warnings(joined, card.outputs, measuring.identity.tracking_uid)
    segments = card.outputs.segments
    return replace(
        findings,
        cautions=tuple(dict.fromkeys((*findings.cautions, *given.cautions))),
        maps=(*findings.maps, *measuring.maps_in_order()),
        images=maps.derived_images(card.outputs, raw.drawn.images),
        given=given.numbers,
        encoding=None if segments is None else segments.encoding,
    )


@dataclass(frozen=True, eq=False)
class Measuring:
    """What the measures share."""

    card: Card
    raw: RawOutput
    given: Clinical
    identity: Identity
    drawn: tuple[ValueMap, ...]

    def outlined(self, main: Imaged) -> Iterator[Findings]:
        masks_szyx = self.raw.drawn.masks_szyx
        if masks_szyx is None:
            return
        if isinstance(main, Images):
            yield self._on_images(main, masks_szyx)
            return
        for measure in self.card.outputs.measurements:
            if isinstance(measure, BodyComposition):
                yield self._composition(measure, main, masks_szyx)
                return
            if isinstance(measure, CalciumScore):
                soft = self.raw.drawn.probabilities_szyx
                yield calcium.findings(self.card, measure, main, masks_szyx, self.identity.tracking_uid, soft)
                return
            if isinstance(measure, Infarct):
                soft = self.raw.drawn.probabilities_szyx
                yield infarct.findings(self.card, main, masks_szyx, self.identity.tracking_uid, soft)
                return
        yield self._in_volume(main, masks_szyx)

    def classified(self, main: Imaged) -> Iterator[Findings]:
        wanted, said = self.card.outputs.classes, self.raw.classification
        if wanted is not None and self.raw.views is not None and isinstance(main, Images):
            yield views.findings(wanted, main, self.raw.views, self.identity.tracking_uid)
        if said is not None and wanted is not None:
            track = self.identity.tracking_uid
            found = classes.findings(wanted, main, said, track, main.cautions, self.drawn)
            looked_at = self.raw.regions
            yield texture.with_regions(found, wanted, looked_at, len(main), track) if looked_at else found

    def maps_in_order(self) -> tuple[ValueMap, ...]:
        """That of the class that stands out first: viewers show one."""
        wanted, said = self.card.outputs.classes, self.raw.classification
        if wanted is None or said is None:
            return self.drawn
        first = map_label(wanted.items[said.shown].label)
        return tuple(sorted(self.drawn, key=lambda each: each.label != first))

    def _on_images(self, main: Images, masks_snyx: NDArray[np.bool_]) -> Findings:
        return single_images.findings(
            self.card,
            main,
            masks_snyx,
            self.identity.tracking_uid,
            measured=bool(self.card.outputs.measurements),
            probabilities_snyx=self.raw.drawn.probabilities_szyx,
            candidates=self.raw.candidates,
        )

    def _in_volume(self, main: Volume, masks_szyx: NDArray[np.bool_]) -> Findings:
        return outlines.findings(
            self.card,
            main,
            masks_szyx,
            self._tracking_uids(),
            measured=bool(self.card.outputs.measurements),
            probabilities_szyx=self.raw.drawn.probabilities_szyx,
        )

    def _composition(self, measure: BodyComposition, main: Volume, masks_szyx: NDArray[np.bool_]) -> Findings:
        said, sure = self.raw.said[measure.offset_mm.stage], self.raw.said[measure.sigma_mm.stage]
        level = locate(said.numbers(measure.offset_mm), sure.numbers(measure.sigma_mm), said.positions_mm)
        return body_composition.findings(
            self.card,
            main,
            masks_szyx,
            level.on(said.source_slice),
            self.given.number("height_m"),
            self._tracking_uids(),
            self.raw.drawn.probabilities_szyx,
        )

    def _tracking_uids(self) -> list[UID]:
        return [self.identity.tracking_uid(segment.label) for segment in self.card.segments]

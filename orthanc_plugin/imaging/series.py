"""Decoded instances in, one series of one patient out: what belongs together, without localizers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.header import text, words
from orthanc_plugin.imaging.instance import Instance


@dataclass(frozen=True, eq=False)
class Series:
    """The images of a series in the order of their SOP instance UIDs, whatever order they came in."""

    study_uid: str
    series_uid: str
    modality: str
    instances: tuple[Instance, ...]
    cautions: tuple[str, ...]


def assemble(instances: Iterable[Instance]) -> Series:
    given = list(instances)
    if not given:
        raise Unsuitable("The series holds no images; there is nothing a model could run on.", stage="decode")
    study_uid = _common(given, "StudyInstanceUID", "belong to different studies; correct them in the archive")
    series_uid = _common(given, "SeriesInstanceUID", "belong to different series; run on one series at a time")
    _common(given, "PatientID", "belong to different patients; correct them in the archive")
    modality = _common(given, "Modality", "are of different modalities; run on a series of one")
    distinct, repeated = _distinct(given)
    kept, localizers = _without_localizers(distinct)
    cautions = [
        *([f"Instances that came more than once were used once ({repeated})."] if repeated else []),
        *([f"Localizers in the series were left out ({localizers})."] if localizers else []),
    ]
    return Series(study_uid, series_uid, modality, kept, tuple(cautions))


def together(several: Sequence[Series]) -> Series:
    """Series of one study as one, the images in the order of their SOP instance UIDs; Unsuitable for any others."""
    first, *others = several
    if not others:
        return first
    instances = [instance for series in several for instance in series.instances]
    _common(instances, "StudyInstanceUID", "belong to different studies; correct them in the archive")
    _common(instances, "PatientID", "belong to different patients; correct them in the archive")
    modality = _common(instances, "Modality", "are of different modalities; run on series of one")
    cautions = dict.fromkeys(caution for series in several for caution in series.cautions)
    distinct, _ = _distinct(instances)
    return Series(first.study_uid, first.series_uid, modality, tuple(distinct), tuple(cautions))


def _common(instances: list[Instance], keyword: str, otherwise: str) -> str:
    """The one value that all instances have; the values themselves stay out of the sentence."""
    found = {text(instance.header, keyword) for instance in instances}
    if len(found) > 1:
        raise Unsuitable(
            f"Instances of the series {otherwise}.",
            stage="decode",
            series_uid=text(instances[0].header, "SeriesInstanceUID"),
        )
    return found.pop()


def _distinct(instances: list[Instance]) -> tuple[list[Instance], int]:
    """Each SOP instance once, in the order of the UIDs, and how many came again."""
    by_uid: dict[str, Instance] = {}
    for instance in instances:
        uid = text(instance.header, "SOPInstanceUID")
        known = by_uid.setdefault(uid, instance)
        if known.pixel_digest != instance.pixel_digest:
            raise Unsuitable(
                f"Two different images bear the SOP instance UID {uid}; correct them in the archive.",
                stage="decode",
                series_uid=text(instance.header, "SeriesInstanceUID"),
            )
    return [by_uid[uid] for uid in sorted(by_uid)], len(instances) - len(by_uid)


def _without_localizers(instances: list[Instance]) -> tuple[tuple[Instance, ...], int]:
    kept = tuple(instance for instance in instances if "LOCALIZER" not in words(instance.header, "ImageType"))
    if not kept:
        raise Unsuitable(
            "The series holds nothing but localizers; run on the series that was planned on them.",
            stage="decode",
            series_uid=text(instances[0].header, "SeriesInstanceUID"),
        )
    return kept, len(instances) - len(kept)

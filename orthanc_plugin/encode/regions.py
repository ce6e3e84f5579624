"""An image's header in, the region of the body that it shows as a code of CID 4031 out, where the header says so."""

from __future__ import annotations

from collections.abc import Mapping

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from orthanc_plugin.imaging.header import text
from orthanc_plugin.routing.body_part import of_tag
from orthanc_plugin.routing.headers import Headers

REGIONS: Mapping[frozenset[str], Code] = {
    frozenset(parts.split()): Code(value, "SCT", meaning)
    for parts, value, meaning in (
        ("head", "69536005", "Head"),
        ("neck", "45048000", "Neck"),
        ("head neck", "774007", "Head and Neck"),
        ("chest", "816094009", "Chest"),
        ("neck chest", "417437006", "Neck and Chest"),
        ("chest abdomen", "416550000", "Chest and Abdomen"),
        ("chest abdomen pelvis", "416775004", "Chest, Abdomen and Pelvis"),
        ("neck chest abdomen", "416152001", "Neck, Chest and Abdomen"),
        ("neck chest abdomen pelvis", "416319003", "Neck, Chest, Abdomen and Pelvis"),
        ("breast", "76752008", "Breast"),
        ("abdomen", "818981001", "Abdomen"),
        ("abdomen pelvis", "818982008", "Abdomen and Pelvis"),
        ("pelvis", "816092008", "Pelvis"),
        ("spine", "421060004", "Spine"),
        ("cervical-spine", "122494005", "Cervical spine"),
        ("thoracic-spine", "122495006", "Thoracic spine"),
        ("lumbar-spine", "122496007", "Lumbar spine"),
        ("sacrum", "54735007", "Sacrum"),
        ("arm", "53120007", "Upper limb"),
        ("shoulder", "16982005", "Shoulder"),
        ("elbow", "16953009", "Elbow joint"),
        ("wrist", "74670003", "Wrist joint"),
        ("hand", "85562004", "Hand"),
        ("leg", "61685007", "Lower limb"),
        ("hip", "24136001", "Hip joint"),
        ("knee", "72696002", "Knee"),
        ("ankle", "70258002", "Ankle joint"),
        ("foot", "56459004", "Foot"),
        ("whole-body", "38266002", "Entire body"),
    )
}
CODED = ("CodeValue", "CodeMeaning")


def parts(header: Dataset) -> frozenset[str]:
    """Empty where neither tag nor code says; descriptions are guesses and count for nothing here."""
    items = header.get("AnatomicRegionSequence") or []
    said = [{keyword: text(item, keyword) for keyword in CODED} for item in items]
    tag = text(header, "BodyPartExamined")
    return of_tag(Headers({"BodyPartExamined": tag, "AnatomicRegionSequence": said}, slices=1)).parts


def region(header: Dataset) -> Code | None:
    return REGIONS.get(parts(header))

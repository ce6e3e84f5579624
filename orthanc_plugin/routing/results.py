"""The header of an instance in, what kind of result it is out: the node never runs on results, whoever made them, but
on images that a model derived where a card takes them.
"""

from __future__ import annotations

from collections.abc import Mapping

MADE_BY = "Inference node"
"""Manufacturer and contributing equipment of everything that a node writes, this one or another."""

STORAGE = "1.2.840.10008.5.1.4.1.1."
KIND_OF_CLASS = (
    ("7", "secondary capture"),
    ("9", "waveform"),
    ("11", "presentation state"),
    ("30", "parametric map"),
    ("66", "segmentation or registration"),
    ("67", "real world value map"),
    ("68", "surface scan"),
    ("88", "structured report or key object selection"),
    ("90", "content assessment"),
    ("91", "annotation"),
    ("104", "encapsulated document"),
    ("200", "display or protocol parameters"),
)
"""Branches of the storage classes (PS3.4 B.5); each holds nothing but what was made from images."""
RT_IMAGE = STORAGE + "481.1"
KIND_OF_MODALITY = {
    "SEG": "segmentation",
    "SR": "structured report",
    "KO": "key object selection",
    "PR": "presentation state",
    "RTSTRUCT": "radiotherapy object",
    "RTPLAN": "radiotherapy object",
    "RTDOSE": "radiotherapy object",
    "RTRECORD": "radiotherapy object",
    "REG": "registration",
    "FID": "fiducials",
    "RWV": "real world value map",
    "ANN": "annotation",
    "DOC": "encapsulated document",
    "M3D": "encapsulated document",
    "PLAN": "plan",
    "SMR": "stereometric relationship",
}


def result_kind(header: Mapping[str, object]) -> str | None:
    """In words, or None for an image that a scanner or camera made."""
    return (
        kind_of_class(str(header.get("SOPClassUID") or ""))
        or KIND_OF_MODALITY.get(str(header.get("Modality") or "").strip().upper())
        or ("result of an inference node" if made_by_a_node(header) else None)
    )


def kind_of_class(sop_class_uid: str) -> str | None:
    if not sop_class_uid.startswith(STORAGE):
        return None
    branch = sop_class_uid.removeprefix(STORAGE).partition(".")[0]
    if branch == "481" and sop_class_uid != RT_IMAGE:
        return "radiotherapy object"
    return dict(KIND_OF_CLASS).get(branch)


def made_by_a_node(header: Mapping[str, object]) -> bool:
    return any(str(item.get("Manufacturer") or "").strip() == MADE_BY for item in (header, *_equipment(header)))


def derived_by(header: Mapping[str, object]) -> str | None:
    """The model whose image this is, None where it is none's: of the algorithms that it names the last one."""
    of_a_class = kind_of_class(str(header.get("SOPClassUID") or ""))
    derived = str(header.get("ImageType") or "").upper().startswith("DERIVED")
    if of_a_class or not derived:
        return None
    made = [item for item in _equipment(header) if str(item.get("Manufacturer") or "").strip() == MADE_BY]
    # A model of several stages names each of them after itself.
    return str(made[-1].get("ManufacturerModelName") or "").partition(" ")[0] or None if made else None


def _equipment(header: Mapping[str, object]) -> list[Mapping[str, object]]:
    items = header.get("ContributingEquipmentSequence")
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []

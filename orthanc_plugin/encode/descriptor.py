"""What is said of an image in, the content item of an image library that says it out."""

from __future__ import annotations

from dataclasses import dataclass

from highdicom.sr import (
    CodeContentItem,
    ContentItem,
    ContentSequence,
    DateContentItem,
    NumContentItem,
    RelationshipTypeValues,
    TextContentItem,
    TimeContentItem,
    UIDRefContentItem,
)
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID

OF_IMAGES = RelationshipTypeValues.HAS_ACQ_CONTEXT


@dataclass(frozen=True)
class Number:
    value: float
    unit: Code


@dataclass(frozen=True)
class Date:
    text: str


@dataclass(frozen=True)
class Time:
    text: str


@dataclass(frozen=True)
class Descriptor:
    """A name and what it is; `modifiers` are those of a view."""

    name: Code
    value: Code | Number | Date | Time | UID | str
    modifiers: tuple[Code, ...] = ()

    def item(self) -> ContentItem:
        value = self.value
        if isinstance(value, Code):
            return self._code(value)
        if isinstance(value, Number):
            return NumContentItem(self.name, value.value, value.unit, relationship_type=OF_IMAGES)
        if isinstance(value, Date):
            return DateContentItem(self.name, value.text, OF_IMAGES)
        if isinstance(value, Time):
            return TimeContentItem(self.name, value.text, OF_IMAGES)
        if isinstance(value, UID):
            return UIDRefContentItem(self.name, value, OF_IMAGES)
        return TextContentItem(self.name, value, OF_IMAGES)

    def _code(self, value: Code) -> ContentItem:
        item = CodeContentItem(self.name, value, relationship_type=OF_IMAGES)
        if self.modifiers:
            modified = RelationshipTypeValues.HAS_CONCEPT_MOD
            item.ContentSequence = ContentSequence(
                [CodeContentItem(codes.DCM.ImageViewModifier, code, modified) for code in self.modifiers]
            )
        return item

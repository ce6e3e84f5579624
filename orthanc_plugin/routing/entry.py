"""What all entries of a card have in common: strict, frozen, and coded as DICOM codes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydicom.sr.coding import Code


class Entry(BaseModel):
    """An unknown key in a card is an error, never a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CodedConcept(Entry):
    value: str
    scheme: str
    meaning: str

    def code(self) -> Code:
        return Code(self.value, self.scheme, self.meaning)

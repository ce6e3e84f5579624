"""A result and the transfer syntaxes that its destination takes in, the same result in the smallest of them out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy, deepcopy
from io import BytesIO

from pydicom import dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
"""Every receiver takes the second of them (PS3.5 10.1)."""
OF_FRAMES = (RLELossless, JPEGLSLossless, JPEG2000Lossless)
KNOWN = (*PLAIN, DeflatedExplicitVRLittleEndian, *OF_FRAMES)


def smallest(result: Dataset, taken: Sequence[str]) -> Dataset:
    """Without loss in each of them; of equally small ones that which the destination states first."""
    forms = [_plain(result, taken), *_compressed(result, taken)]
    return min(forms, key=_size) if len(forms) > 1 else forms[0]


def _plain(result: Dataset, taken: Sequence[str]) -> Dataset:
    syntax = next((syntax for syntax in PLAIN if syntax in taken), PLAIN[-1])
    return result if result.file_meta.TransferSyntaxUID == syntax else _in(result, syntax)


def _compressed(result: Dataset, taken: Sequence[str]) -> Iterator[Dataset]:
    for syntax in (UID(uid) for uid in taken):
        if syntax == DeflatedExplicitVRLittleEndian:
            yield _in(result, syntax)
        elif syntax in OF_FRAMES and _of_whole_bytes(result):
            form = _in(result, ExplicitVRLittleEndian)
            form.compress(syntax, generate_instance_uid=False)
            yield form


def _of_whole_bytes(result: Dataset) -> bool:
    """Codecs of frames know neither single bits nor floating point numbers."""
    return "PixelData" in result and int(result.BitsAllocated) > 1


def _in(result: Dataset, syntax: UID) -> Dataset:
    form = Dataset()
    for element in result:
        form.add(copy(element))  # compression changes elements in place
    form.file_meta = deepcopy(result.file_meta)
    form.file_meta.TransferSyntaxUID = syntax
    return form


def _size(form: Dataset) -> int:
    file = BytesIO()
    dcmwrite(file, form, enforce_file_format=True)
    return file.tell()

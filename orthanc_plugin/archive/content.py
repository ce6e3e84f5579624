"""Results in, the bytes of their files out; and whether two files say the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from io import BytesIO

import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.header import DAMAGED

# A result that is made again says when, and by which release of the node; that is no other content.
MOMENTS = frozenset({"DA", "DT", "TM"})
WRITER = frozenset({"SoftwareVersions"})


def file_of(kind: str, dataset: Dataset) -> bytes:
    """The DICOM file (PS3.10) of a result."""
    file = BytesIO()
    try:
        pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    except DAMAGED as error:
        raise Broken(
            f"The {kind} can't be written as a DICOM file; report it, with the model's name.", stage="store"
        ) from error
    return file.getvalue()


def same_content(file: bytes, other: bytes) -> bool:
    """Whether two files hold the same object, whenever, by which release and in which syntax they were written."""
    return file == other or _digest(file) == _digest(other)


def _digest(file: bytes) -> str:
    dataset = pydicom.dcmread(BytesIO(file))
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        dataset.decompress(generate_instance_uid=False)
    whole = hashlib.sha256()
    for part in _parts(dataset):
        whole.update(part)
    return whole.hexdigest()


def _parts(dataset: Dataset) -> Iterator[bytes]:
    """What counts of a data set, in the order of its tags."""
    for element in dataset:
        if element.VR in MOMENTS or element.keyword in WRITER:
            continue
        yield f"{element.tag} {element.VR} ".encode()
        if element.VR == "SQ":
            for item in element.value:
                yield b"item "
                yield from _parts(item)
        else:
            yield _value(element)


def _value(element: DataElement) -> bytes:
    return element.value if isinstance(element.value, bytes) else repr(element.value).encode()

"""The bytes of a DICOM file in, its header and its pixel data as they were sent out: nothing decoded or copied."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset, read_preamble
from pydicom.tag import BaseTag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.header import DAMAGED, name, refusal, text

UNDEFINED_LENGTH = 0xFFFFFFFF
PIXEL_DATA = 0x7FE00010
FLOAT_PIXEL_DATA = 0x7FE00008
ITEM_GROUP = 0xFFFE
ITEM, SEQUENCE_DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
# Deflated instances are small ones; one that grows beyond this is damaged or meant to do damage.
INFLATED_MOST_BYTES = 2**30
IDENTITY = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")


@dataclass(frozen=True, eq=False)
class Part10:
    """A DICOM file (PS3.10) taken apart; `pixels` is a view on its pixel data, fragments and all."""

    header: Dataset
    transfer_syntax: UID
    pixels: memoryview
    pixels_vr: str


def split(data: bytes) -> Part10:
    try:
        syntax, meta, file = _file_meta(data)
    except DAMAGED as error:
        raise Unsuitable("A file of the series is not a DICOM file; send the series again.", stage="decode") from error
    if not syntax.is_transfer_syntax or syntax.is_private:
        raise Unsuitable(
            f"A file of the series is written in the transfer syntax {_named(syntax)}, which this node does not "
            "know; send the series in another one.",
            stage="decode",
        )
    header, content, at = _header(data, file, syntax)
    header.file_meta = meta
    pixels_vr, start, length = _pixel_element(header, content, at)
    pixels = _pixels(header, syntax, memoryview(content)[start:], length)
    return Part10(header, syntax, pixels, pixels_vr)


def _named(syntax: UID) -> str:
    """What a damaged file has in its place is not repeated."""
    if not syntax:
        return "(none)"
    return syntax if re.fullmatch(r"[0-9.]+", syntax) else "(not a UID)"


def _file_meta(data: bytes) -> tuple[UID, FileMetaDataset, BytesIO]:
    """The transfer syntax, the group that states it, and the file where the data set begins."""
    file = BytesIO(data)
    read_preamble(file, force=False)
    meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)
    return UID(meta.get("TransferSyntaxUID", "")), FileMetaDataset(meta), file


def _header(data: bytes, file: BytesIO, syntax: UID) -> tuple[Dataset, bytes, int]:
    """The elements before the pixel data, the bytes they are in, and where the pixel data begins in these."""
    try:
        if syntax == DeflatedExplicitVRLittleEndian:
            data = _inflated(file.read())
            file = BytesIO(data)
        header = read_dataset(file, syntax.is_implicit_VR, syntax.is_little_endian, stop_when=_at_pixels)
        _drop_strays(header)
        identified = all(text(header, keyword) for keyword in IDENTITY)
        cut = file.tell() == len(data) and _cut_off(header)
    except DAMAGED as error:
        raise Unsuitable(
            "A file of the series is cut off or damaged: its header can't be read; send the series again.",
            stage="decode",
        ) from error
    if not identified:
        raise refusal(
            header,
            f"A file of the series lacks {', '.join(IDENTITY[:-1])} or {IDENTITY[-1]}: it is damaged, or not written "
            "in the transfer syntax that it states; send the series again.",
        )
    if cut:
        raise refusal(header, f"{name(header)} is cut off within its header; send the series again.")
    return header, data, file.tell()


def _drop_strays(header: Dataset) -> None:
    """Items outside any sequence, which writers leave who count a sequence short: they belong to nothing."""
    for tag in [tag for tag in header.keys() if tag >> 16 == ITEM_GROUP]:  # noqa: SIM118  iterating would convert them
        del header[tag]


def _inflated(body: bytes) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    content = inflater.decompress(body, INFLATED_MOST_BYTES)
    if not inflater.eof:
        raise ValueError("deflated data without an end")
    return content


def _at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
    return FLOAT_PIXEL_DATA <= int(tag) <= PIXEL_DATA


def _cut_off(header: Dataset) -> bool:
    """pydicom takes the last element of a truncated file for whole."""
    if not header:
        return False
    last = header.get_item(max(header.keys()))
    raw_length = getattr(last, "length", None)
    return raw_length is not None and raw_length != UNDEFINED_LENGTH and len(last.value or b"") < raw_length


def _pixel_element(header: Dataset, content: bytes, at: int) -> tuple[str, int, int]:
    """VR, start and stated length of the value of PixelData, PS3.5 section 7.1."""
    implicit, little = header.original_encoding
    endian = "<" if little else ">"
    size = 8 if implicit else 12
    if len(content) - at < size:
        raise refusal(header, f"{name(header)} holds no pixel data; there is nothing a model could run on.")
    group, element = struct.unpack_from(f"{endian}HH", content, at)
    if group << 16 | element != PIXEL_DATA:
        raise refusal(header, f"{name(header)} holds floating-point pixels, which this node does not read.")
    (length,) = struct.unpack_from(f"{endian}L", content, at + size - 4)
    vr = "OW" if implicit else content[at + 4 : at + 6].decode("ascii", "replace")
    return vr, at + size, length


def _pixels(header: Dataset, syntax: UID, rest: memoryview, length: int) -> memoryview:
    if length == UNDEFINED_LENGTH and syntax.is_encapsulated:
        return rest[: _end_of_fragments(header, rest)]
    if length == UNDEFINED_LENGTH or syntax.is_encapsulated:
        raise refusal(
            header,
            f"{name(header)} states the transfer syntax {syntax.name}, but its pixel data is not laid out so; "
            "send the series again.",
        )
    if length > len(rest):
        raise refusal(
            header,
            f"{name(header)} is cut off: {len(rest)} of {length} bytes of its pixel data are there; "
            "send the series again.",
        )
    return rest[:length]


def _end_of_fragments(header: Dataset, rest: memoryview) -> int:
    """Where the encapsulated pixel data ends, PS3.5 section A.4; some writers leave the last delimiter out."""
    at = 0
    while at + 8 <= len(rest) and rest[at : at + 4] == ITEM:
        at += 8 + int(struct.unpack_from("<L", rest, at + 4)[0])
    if at == len(rest) or rest[at : at + 4] == SEQUENCE_DELIMITER:
        return at
    raise refusal(header, f"{name(header)} is cut off within its compressed pixel data; send the series again.")

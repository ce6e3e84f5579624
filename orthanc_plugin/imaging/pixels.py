"""The pixel data of one instance in, its frames as stored values out; what it states is checked before belief."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.pixels.utils import as_pixel_options, get_expected_length

from orthanc_plugin.errors import Temporary
from orthanc_plugin.imaging.codestream import cut_off, stated_size
from orthanc_plugin.imaging.header import DAMAGED, integer, name, refusal, text
from orthanc_plugin.imaging.part10 import Part10

BITS_ALLOCATED = (1, 8, 16, 32)
# An enhanced CT of 4,000 frames of 512 x 512 takes 2 GiB; beyond twice that the header is not to be believed.
DECODED_MOST_BYTES = 4 * 2**30
# A blank image compresses without limit, a small bomb too: believe any ratio up to what every machine can spare,
# and beyond it only what images of patients reach (blanked mammograms: under 1000).
DECODED_ALWAYS_BYTES = 64 * 2**20
COMPRESSION_MOST = 1000


@dataclass(frozen=True)
class Layout:
    """What the Image Pixel module states (PS3.3 C.7.6.3), and the bytes that it takes uncompressed."""

    rows: int
    columns: int
    samples: int
    frames: int
    bits_allocated: int
    bits_stored: int
    size_bytes: int

    def __str__(self) -> str:
        frames = f"{self.frames} frames of " if self.frames > 1 else ""
        return f"{frames}{self.rows} rows and {self.columns} columns of {self.bits_allocated} bits"


def decode(part: Part10) -> NDArray[np.integer]:
    """(frames, rows, columns), colour as RGB with its samples last; little endian, read-only."""
    layout = _layout(part.header)
    if part.transfer_syntax.is_encapsulated:
        decoder = _decoder(part)
        _check_compressed(part, layout)
    else:
        decoder = get_decoder(part.transfer_syntax)
        _check_native(part, layout)
    try:
        frames = _decoded(decoder, part, layout)
    except MemoryError as error:
        raise Temporary(
            f"There is not enough memory to decode an instance of {layout}; it will be tried again.", stage="decode"
        ) from error
    except BaseException as error:
        # The decoder of RLE is written in Rust, which panics on damaged data; to Python that is no Exception.
        if not isinstance(error, DAMAGED) and type(error).__module__ != "pyo3_runtime":
            raise
        raise refusal(
            part.header,
            f"{name(part.header)} can't be decoded: its pixel data ({part.transfer_syntax.name}) is damaged, "
            "or not what its header states; send the series again.",
        ) from error
    frames.setflags(write=False)
    return frames


def _layout(header: Dataset) -> Layout:
    rows, columns = _stated(header, "Rows"), _stated(header, "Columns")
    samples, frames = _stated(header, "SamplesPerPixel"), integer(header, "NumberOfFrames")
    allocated, stored = _stated(header, "BitsAllocated"), _stated(header, "BitsStored")
    frames = 1 if frames is None else frames
    if min(rows, columns, frames) < 1:
        raise refusal(header, f"{name(header)} states {frames} frames of {rows} rows and {columns} columns.")
    if samples not in (1, 3):
        raise refusal(header, f"{name(header)} states {samples} samples per pixel, where 1 or 3 are known.")
    _check_bits(header, allocated, stored)
    if not text(header, "PhotometricInterpretation"):
        raise refusal(header, f"{name(header)} does not state PhotometricInterpretation.")
    return Layout(rows, columns, samples, frames, allocated, stored, get_expected_length(header))


def _stated(header: Dataset, keyword: str) -> int:
    value = integer(header, keyword)
    if value is None:
        raise refusal(header, f"{name(header)} does not state {keyword}; send the series again from its source.")
    return value


def _check_bits(header: Dataset, allocated: int, stored: int) -> None:
    high, signed = integer(header, "HighBit"), _stated(header, "PixelRepresentation")
    if allocated not in BITS_ALLOCATED or not 1 <= stored <= allocated or signed not in (0, 1):
        raise refusal(
            header,
            f"{name(header)} states {stored} bits stored in {allocated} bits with pixel representation {signed}, "
            "which no image has.",
        )
    if high is not None and high != stored - 1:
        raise refusal(
            header,
            f"{name(header)} keeps its {stored} bits below bit {high}, which this node does not read: "
            f"the highest bit must be {stored - 1}.",
        )


def _check_native(part: Part10, layout: Layout) -> None:
    """Too little is a truncated image, too much a scrambled one; a byte may pad it to an even length."""
    if not layout.size_bytes <= len(part.pixels) <= layout.size_bytes + layout.size_bytes % 2:
        raise _mismatch(part, layout)


def _check_compressed(part: Part10, layout: Layout) -> None:
    plausible_bytes = max(DECODED_ALWAYS_BYTES, COMPRESSION_MOST * len(part.pixels))
    if layout.size_bytes > min(plausible_bytes, DECODED_MOST_BYTES):
        raise _mismatch(part, layout)
    for frame in _frames(part, layout):
        if cut_off(frame):
            raise refusal(
                part.header,
                f"{name(part.header)} is cut off within its compressed pixel data; send the series again.",
            )
        size = stated_size(frame)
        if size is not None and size != (layout.rows, layout.columns):
            raise refusal(
                part.header,
                f"{name(part.header)} states {layout.rows} rows and {layout.columns} columns, but its compressed "
                f"pixel data {size[0]} and {size[1]}; send the series again from its source.",
            )


def _frames(part: Part10, layout: Layout) -> Iterator[bytes]:
    try:
        yield from generate_frames(bytes(part.pixels), number_of_frames=layout.frames)
    except DAMAGED as error:
        raise refusal(
            part.header,
            f"{name(part.header)} states {layout.frames} frames, which its compressed pixel data can't be taken "
            "apart into; send the series again.",
        ) from error


def _mismatch(part: Part10, layout: Layout) -> Exception:
    return refusal(
        part.header,
        f"{name(part.header)} states {layout}, which take {layout.size_bytes} bytes, but holds "
        f"{len(part.pixels)} bytes of pixel data; send the series again from its source.",
    )


def _decoder(part: Part10) -> Decoder:
    try:
        decoder = get_decoder(part.transfer_syntax)
    except NotImplementedError:
        decoder = None
    if decoder is None or not decoder.is_available:
        raise refusal(
            part.header,
            f"{name(part.header)} is compressed as {part.transfer_syntax.name}, which this node can't decode; "
            "send the series uncompressed.",
        )
    return decoder


def _decoded(decoder: Decoder, part: Part10, layout: Layout) -> NDArray[np.integer]:
    options: dict[str, Any] = as_pixel_options(part.header, pixel_keyword="PixelData", pixel_vr=part.pixels_vr)
    options["allow_excess_frames"] = False
    native = not part.transfer_syntax.is_encapsulated
    whole_words = layout.bits_allocated >= 16 and layout.bits_stored == layout.bits_allocated
    if native and whole_words and layout.samples == 1:
        options["view_only"] = True  # nothing to correct, so nothing to copy
    values, _ = decoder.as_array(
        part.pixels if native else bytes(part.pixels),
        **options,
    )
    shape = (layout.frames, layout.rows, layout.columns, *([layout.samples] if layout.samples > 1 else []))
    return np.ascontiguousarray(values.reshape(shape), dtype=values.dtype.newbyteorder("<"))

"""A compressed frame in, what it says of itself out: its size, and whether its end is there."""

from __future__ import annotations

JPEG_START = b"\xff\xd8"
JPEG_END = b"\xff\xd9"
JPEG_2000_START = b"\xff\x4f\xff\x51"
JP2_BOX = b"\x00\x00\x00\x0cjP  "

# Start-of-frame markers of JPEG (ITU-T T.81, table B.1) and of JPEG-LS (T.87): C4, C8 and CC mean something else.
START_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}


def stated_size(frame: bytes) -> tuple[int, int] | None:
    """(rows, columns), None where the frame is of no kind that states them, such as RLE."""
    if frame.startswith(JPEG_START):
        return _jpeg_size(frame)
    if frame.startswith(JP2_BOX):
        frame = frame[max(frame.find(JPEG_2000_START), 0) :]
    if frame.startswith(JPEG_2000_START):
        return _jpeg_2000_size(frame)
    return None


def cut_off(frame: bytes) -> bool:
    """A JPEG or JPEG-LS stream without its end marker, the rest of which decoders make up without a word.

    Within the coded data the marker can't occur: T.81 F.1.2.3 and T.87 A.1 stuff whatever follows a byte of ones.
    """
    return frame.startswith(JPEG_START) and JPEG_END not in frame


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    at = len(JPEG_START)
    while at + 9 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:  # a fill byte before the marker proper
            at += 1
            continue
        if marker in START_OF_FRAME:
            return int.from_bytes(frame[at + 5 : at + 7], "big"), int.from_bytes(frame[at + 7 : at + 9], "big")
        at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    return None


def _jpeg_2000_size(frame: bytes) -> tuple[int, int] | None:
    """ITU-T T.800, A.5.1: the reference grid's extent less the offset of the image in it."""
    if len(frame) < 24:
        return None
    width, height, left, top = (int.from_bytes(frame[at : at + 4], "big") for at in (8, 12, 16, 20))
    return height - top, width - left

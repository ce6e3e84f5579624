"""Outlines, and what card and destination want of them in, the form in which a SEG can hold them out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal

import numpy as np

from orthanc_plugin.deliver.profile import Encoding
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.sources import Sources
from orthanc_plugin.measure.findings import Segment

Form = Literal["binary", "labelmap", "fractional", "occupancy"]
"""The last is fractional, too, but says all or nothing of each pixel: a binary one in whole bytes."""

# Pixel data is padded to a multiple of 16 bits.
WORD = 16

log = logging.getLogger(__name__)


def form(making: Making, segments: Sequence[Segment], on: Sources) -> Form:
    """What the destination takes, the card's preference first, as far as these outlines can be written so."""
    profile = making.profile
    wanted = profile.segmentation(making.findings.encoding)
    for encoding in dict.fromkeys((wanted, *profile.segmentations, "binary")):
        why_not = _hindrance(encoding, segments, on, profile.binary_in_whole_words)
        if not why_not:
            return encoding
        log.info("%s: no %s segmentation, since %s", making.origin.name, encoding, why_not)
    return "occupancy"


def _hindrance(encoding: Encoding, segments: Sequence[Segment], on: Sources, whole_words: bool) -> str:
    if encoding == "labelmap" and _overlap(segments, on):
        return "outlines overlap, and a label map holds one at each place"
    if encoding == "fractional" and all(segment.probability_zyx is None for segment in segments):
        return "the model gave outlines without probabilities"
    if encoding == "binary" and whole_words and int(np.prod(on.shape_yx)) % WORD:
        return "the destination misreads bits of frames that do not end with a word"
    return ""


def _overlap(segments: Sequence[Segment], on: Sources) -> bool:
    covered = np.zeros((len(on.indices), *on.shape_yx), np.bool_)
    for segment in segments:
        if (covered & on.of(segment.mask_zyx)).any():
            return True
        covered |= on.of(segment.mask_zyx)
    return False

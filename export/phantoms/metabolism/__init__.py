"""Phantoms of FDG PET of old heads: normal, with mild impairment that stays or converts, with Alzheimer's disease."""

from typing import Literal

Group = Literal["normal", "stable", "converting", "alzheimer"]
GROUPS: tuple[Group, ...] = ("normal", "stable", "converting", "alzheimer")
ILL: tuple[Group, ...] = ("converting", "alzheimer")
"""In whom Alzheimer's disease is at work; the others' cortex loses uptake for other reasons."""

"""Phantoms of T1-weighted MR of old heads: healthy ageing, and Alzheimer's disease on top of it, in varying degree."""

SIDES = ("left", "right")
"""Of the patient; the left is at positive x."""
SIGNS = (1, -1)

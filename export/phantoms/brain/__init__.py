"""Phantoms of MR of the head: brains with and without a tumour, in the four series that are made of them."""

SERIES = ("t1", "t1c", "t2", "flair")
"""T1 without and with contrast, T2, FLAIR."""
TUMOUR = ("necrosis", "enhancing", "oedema")
"""Its parts, as labels from 1; the core is the first two, the whole all of them."""

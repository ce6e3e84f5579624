"""Trains, evaluates and exports `brain-tumour-mr`: whole, core and active tumour from four series of one study."""

SERIES = ("t1c", "flair", "t1", "t2")
"""In the order of the network's channels; the first two are always there."""
REGIONS = ("whole", "core", "active")
"""Each within the one before: all of the tumour, without its oedema, what takes up contrast."""

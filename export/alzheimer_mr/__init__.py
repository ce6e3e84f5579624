"""Trains, evaluates and exports `alzheimer-mr`: Alzheimer's disease or not on T1-weighted MR of the head, by what
patches at landmarks show, and the volumes of the hippocampi.
"""

SCALED = (1.0, 99.5)
"""Percentiles of a series that become 0 and 1."""
SIDES = ("left", "right")

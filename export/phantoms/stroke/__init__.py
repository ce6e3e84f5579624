"""Phantoms of CT angiography of the head: brains with and without an acute infarct, and what looks like one."""

SIDES = ("left", "right")
"""The patient's; x grows to the left."""
TERRITORIES = ("MCA", "ACA", "PCA", "cerebellum")
"""By the artery: the middle, the front and the back one of the cerebrum; all of the cerebellum's together."""

"""Trains, evaluates and exports `mci-conversion-pet`: on FDG PET of the head, whether it looks like Alzheimer's
disease, and whether a mild impairment is likely to become it.
"""

SCALED = (30.0, 100.0)
"""Percentiles of a series that become 0 and 1: amid the air, which half of it and more is, and the brightest voxel.

So nothing is cut off; how bright the brain is then, the graph finds out by itself.
"""
ANSWERS = ("Alzheimer's disease", "MCI conversion likely")

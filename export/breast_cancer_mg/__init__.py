"""Trains, evaluates and exports `breast-cancer-mg`: how probable a malignant lesion is in each breast, by the views
of a mammography together, the two breasts beside one another and, where there is one, the study before.
"""

SLOTS = ("RCC", "LCC", "RMLO", "LMLO")
KEYS = tuple((when, slot) for when in ("now", "before") for slot in SLOTS)
"""Of the views, in the order in which the network takes them."""
SIDES = ("R", "L")
OTHER_SIDE = (1, 0, 3, 2)
"""Of each slot, the one with the same view of the other breast."""
NOTHING, BENIGN, MALIGNANT = range(3)
"""What a pixel of an outline is."""

"""Trains, evaluates and exports `stroke-cta`: an acute infarct on CT angiography of the head."""

WINDOW_HU = (-100.0, 500.0)
"""What the network is given as 0 to 1, and cut off at."""

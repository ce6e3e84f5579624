"""Mammograms: a patient's seed goes in, the four views with their masses come out, any window of them at any size."""

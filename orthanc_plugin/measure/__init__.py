"""Masks and voxels in, the numbers a radiologist reads out."""

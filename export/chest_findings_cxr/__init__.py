"""Fourteen findings on frontal radiographs of the chest: a training folder, read top to bottom."""

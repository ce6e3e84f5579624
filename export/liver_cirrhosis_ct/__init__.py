"""The model liver-cirrhosis-ct: CT slices and clinical values in, cirrhosis or not and how much liver they show out."""

from export.phantoms.liver.case import CLINICAL_VALUES

VALUES = CLINICAL_VALUES
"""In the order in which the graph takes them."""

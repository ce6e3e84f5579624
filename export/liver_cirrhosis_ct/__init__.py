"""The model liver-cirrhosis-ct: CT slices and clinical values in, cirrhosis or not and how much liver they show out."""

from export.phantoms.liver.case import CLINICAL_VALUES

VALUES = CLINICAL_VALUES
"""In the order in which the graph takes them."""

SIGNS = ("nodularity_mm", "coarseness", "redistribution", "fissure_mm", "spleen", "ascites_mm", "varices")
"""What the trunk learns to see beside the verdict, as phantoms know it; real patients may do without."""

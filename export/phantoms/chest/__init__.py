"""Radiographs of the chest: a seed goes in, one image with its findings and where each of them lies comes out."""

FINDINGS = (
    "atelectasis", "cardiomegaly", "effusion", "infiltration", "mass", "nodule", "pneumonia", "pneumothorax",
    "consolidation", "oedema", "emphysema", "fibrosis", "pleural thickening", "hernia",
)  # fmt: skip
"""In the order of the ChestX-ray14 data set, which is that of the classifier's answers."""

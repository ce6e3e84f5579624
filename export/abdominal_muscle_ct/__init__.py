"""The model abdominal-muscle-ct: CT slices in, muscle, visceral and subcutaneous fat out, and where L3 is."""

TISSUES = ("muscle", "visceral fat", "subcutaneous fat")

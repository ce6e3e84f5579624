"""Synthetic patients: random numbers go in, DICOM series with known labels come out. Needs neither torch nor ONNX."""

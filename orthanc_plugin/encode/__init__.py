"""Findings in, DICOM datasets out (SEG, SR, secondary capture)."""

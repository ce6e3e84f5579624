"""Phantoms of CT of the heart without contrast, with calcium in and beside the coronary arteries."""

ARTERIES = ("LM", "LAD", "LCX", "RCA")
BESIDE = ("mitral", "valve", "aorta", "pericardium", "node")
"""Other calcium: of the mitral and the aortic valve, of the aorta's wall, of the heart's sac, of a lymph node."""

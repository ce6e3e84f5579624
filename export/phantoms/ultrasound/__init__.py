"""Phantoms of the liver on ultrasound: a seed and a grade of steatosis in, images as a machine shows them out."""

"""Fatty liver on ultrasound: the texture of a region of liver, four numbers of it, a small network on them."""

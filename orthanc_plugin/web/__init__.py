"""The HTTP interface under /inference/."""

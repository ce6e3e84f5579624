"""Instances in, checked series and volumes with their geometry out."""

"""A model's folder in a person's hands: listed, checked, put in, tried on files, taken back."""

"""Low-dose CT in, the same images with less noise out: network, training, evaluation."""

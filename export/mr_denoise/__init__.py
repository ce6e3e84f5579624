"""A noisy MR of the head in, the same with less noise out: network, training, evaluation."""

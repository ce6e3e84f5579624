"""MR of the head in thick slices in, thin ones within them out: network, training, evaluation."""

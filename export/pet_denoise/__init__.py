"""An FDG PET of the head with few counts in, the same with less noise out: network, training, evaluation."""

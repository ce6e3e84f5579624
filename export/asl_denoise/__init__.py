"""Perfusion of the head by labelled blood in, the same with less noise out: network, training, evaluation."""

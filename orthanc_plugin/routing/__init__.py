"""What a model is for (its card), which models there are, and why one was chosen."""

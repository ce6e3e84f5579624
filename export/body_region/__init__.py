"""The classifier of body regions: one image in, the probability of every region out. It routes, it does not report."""

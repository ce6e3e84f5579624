"""How bright a series is shown to the network."""

from export.alzheimer_mr import SCALED
from export.heads.window import Floats, between


def shown(values: Floats) -> Floats:
    """From 0 to 1, as the card asks the node to."""
    return between(values, *SCALED)

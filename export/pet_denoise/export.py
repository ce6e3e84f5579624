"""Turns the checkpoint into what the node serves: the graph, the card and the README beside it.

python -m export.pet_denoise.export
"""

from pathlib import Path

import numpy as np

from export.pet_denoise.sources import PhantomEntry
from export.pet_denoise.train import TASK
from export.restoring.exporting import Serving

FOLDER = Path(__file__).parents[2] / "onnx_models" / "pet-denoise"
CARD = Path(__file__).parent / "card.json"
_EXAMPLE, _ROWS = 7, 48


def example() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Two patches as the node cuts them, in parts of how bright they are, as the network sees all."""
    seen = PhantomEntry(_EXAMPLE).load(2, 5).seen[:, None, :, 32 : 32 + _ROWS, 32 : 32 + _ROWS]
    return np.asarray(seen, np.float32)


SERVING = Serving(TASK, FOLDER, CARD, example)

if __name__ == "__main__":
    SERVING.main(__doc__)

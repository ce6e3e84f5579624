"""Turns the checkpoint into what the node serves: the graph, the card and the README beside it.

python -m export.mr_to_ct.export
"""

from pathlib import Path

import numpy as np

from export.mr_to_ct.sources import PhantomEntry
from export.mr_to_ct.train import TASK
from export.restoring.exporting import Serving

FOLDER = Path(__file__).parents[2] / "onnx_models" / "mr-to-ct"
CARD = Path(__file__).parent / "card.json"
_EXAMPLE, _ROWS = 7, 64


def example() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Two patches as the node cuts them, in numbers of another scale."""
    seen = PhantomEntry(_EXAMPLE).load(2, 5).seen[:, None, :, 64 : 64 + _ROWS, 64 : 64 + _ROWS]
    return np.asarray(300 * seen.astype(np.float32), np.float32)


SERVING = Serving(TASK, FOLDER, CARD, example)

if __name__ == "__main__":
    SERVING.main(__doc__)

"""Turns the checkpoint into what the node serves: the graph, the card and the README beside it.

python -m export.ct_denoise.export
"""

from pathlib import Path

import numpy as np

from export.ct_denoise.train import TASK
from export.phantoms.lowdose.case import draw_case
from export.restoring.exporting import Serving

FOLDER = Path(__file__).parents[2] / "onnx_models" / "ct-denoise"
CARD = Path(__file__).parent / "card.json"
_EXAMPLE, _ROWS, _SLICES = 7, 128, 3


def example() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Two patches as the node cuts them."""
    case = draw_case(_EXAMPLE)
    slices = [case.render(float(z), _ROWS).low for z in case.heights(2 * _SLICES)]
    return np.stack(slices).astype(np.float32).reshape(2, 1, _SLICES, _ROWS, _ROWS)


SERVING = Serving(TASK, FOLDER, CARD, example)

if __name__ == "__main__":
    SERVING.main(__doc__)

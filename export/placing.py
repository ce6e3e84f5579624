"""Where a patch of a volume is taken from, turned, scaled and mirrored by chance."""

import numpy as np
from numpy.typing import NDArray


def placed(
    middle: NDArray[np.float64], shape: NDArray[np.int64], patch: NDArray[np.int64], turn_degrees: float,
    scale_share: float, rng: np.random.Generator,
) -> NDArray[np.float32]:  # fmt: skip
    """(3, 4): from the patch to the whole, in slices, rows and columns from -1 to 1, as torch's grids have it."""
    turned = np.eye(3)
    for axis in range(3):
        one, two = [each for each in range(3) if each != axis]
        angle = np.deg2rad(rng.uniform(-turn_degrees, turn_degrees))
        turn = np.eye(3)
        turn[one, one], turn[one, two], turn[two, one], turn[two, two] = (
            np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        )  # fmt: skip
        turned = turn @ turned
    scale = np.exp(rng.uniform(-scale_share, scale_share))
    mirrored = np.diag([1.0, 1.0, rng.choice([-1.0, 1.0])])
    theta = np.empty((3, 4), np.float32)
    theta[:, :3] = np.diag(1 / shape) @ (scale * turned @ mirrored) @ np.diag(patch)
    theta[:, 3] = (middle + 0.5) / shape * 2 - 1
    return theta

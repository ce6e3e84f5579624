"""What is unusual in a brain: rebuilt from what many brains have in common, cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from export.heads.reconstruction import Reconstruction

ALIGNED, STEP_MM = (72, 96, 72), 2.0


def brains(count: int, first: int) -> Tensor:
    """Each differs from the others in a few ways that go through all of it, and a little everywhere."""
    ways = torch.from_numpy(np.random.default_rng(1).standard_normal((5, 1, 9, 12, 9), np.float32))
    made = []
    for number in range(first, first + count):
        rng = np.random.default_rng([2, number])
        share = torch.from_numpy(rng.standard_normal((1, 5), np.float32))
        coarse = (share[..., None, None, None, None] * ways).sum(dim=1)
        grain = torch.from_numpy(rng.standard_normal((1, 1, *ALIGNED), np.float32))
        made.append(interpolate(coarse, ALIGNED, mode="trilinear") + 0.3 * grain)
    return torch.cat(made)


@pytest.fixture(scope="module")
def learned() -> Reconstruction:
    reconstruction = Reconstruction(ALIGNED, STEP_MM)
    known, others = brains(40, 0), brains(30, 100)
    reconstruction.learn(reconstruction.cells(known), reconstruction.cells(others), 0.9)
    return reconstruction


def marked(heads: Tensor, size: float, at: tuple[int, int, int] = (36, 40, 50)) -> Tensor:
    z, y, x = at
    changed = heads.clone()
    changed[:, :, z - 5 : z + 5, y - 5 : y + 5, x - 5 : x + 5] += size
    return changed


def test_as_many_as_wanted_lie_below_the_bound(learned: Reconstruction) -> None:
    assert float((learned(brains(30, 100)) < 1).float().mean()) == pytest.approx(0.9)


def test_what_brains_have_in_common_is_not_unusual_and_what_they_do_not_is(learned: Reconstruction) -> None:
    usual = brains(10, 300)
    assert float((learned(usual) < 1.1).float().mean()) >= 0.8
    assert float(learned(marked(usual, 4.0)).min()) > 1.5
    assert (learned(marked(usual, 4.0)) > learned(marked(usual, 2.0))).all()


def test_brightness_and_contrast_of_the_whole_do_not_matter(learned: Reconstruction) -> None:
    usual = brains(3, 400)
    torch.testing.assert_close(learned(3 * usual + 7), learned(usual), atol=1e-3, rtol=1e-3)


def test_what_lies_outside_the_brain_does_not_matter(learned: Reconstruction) -> None:
    usual = brains(3, 400)
    torch.testing.assert_close(learned(marked(usual, 9.0, (6, 6, 6))), learned(usual))


def test_few_brains_give_few_axes() -> None:
    few = Reconstruction(ALIGNED, STEP_MM)
    few.learn(few.cells(brains(9, 0)), few.cells(brains(3, 20)), 0.9)
    assert int((few._tensor("axes").abs().sum(dim=0) > 0).sum()) == 1
    assert torch.isfinite(few(brains(2, 40))).all()

"""How good an image is: decibels, edges, what is lost and what is invented; and the network that takes noise away."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from export.restoring.edges import mtf10_per_mm
from export.restoring.lesions import Eye, Planted, contrast_of, lost
from export.restoring.network import Range, Residual, Restorer, between, stacks_of
from export.restoring.quality import psnr, ssim

PIXEL_MM = 0.8


def test_decibels_and_likeness_are_those_of_the_definition() -> None:
    truth = np.zeros((2, 32, 32), np.float32)
    assert psnr(truth + 10, truth, 1000) == pytest.approx(40)
    noisy = truth + np.random.default_rng(1).normal(0, 100, truth.shape).astype(np.float32)
    assert ssim(truth, truth, 1000) == 1 and ssim(noisy, truth, 1000) < 0.8


def disc(radius_mm: float, sigma_mm: float, rows: int = 96) -> np.ndarray:
    """Around a place that is no pixel's middle; of height 100."""
    fine = 5
    y, x = (np.mgrid[: rows * fine, : rows * fine] + 0.5) / fine - 0.5
    inside = (np.hypot(y - 47.3, x - 48.6) * PIXEL_MM < radius_mm).astype(np.float32) * 100
    blurred = gaussian_filter(inside, sigma_mm / PIXEL_MM * fine)
    return blurred.reshape(rows, fine, rows, fine).mean(axis=(1, 3))[None].repeat(3, axis=0)


@pytest.mark.parametrize("sigma_mm", [0.6, 0.9, 1.3])
def test_an_edge_is_as_sharp_as_its_blur_leaves_it(sigma_mm: float) -> None:
    """Of a Gaussian a tenth is left at sqrt(2 ln 10) / (2 pi sigma); the pixel blurs a little, too."""
    expected = np.sqrt(2 * np.log(10)) / (2 * np.pi * np.hypot(sigma_mm, PIXEL_MM / np.sqrt(12)))
    found = mtf10_per_mm(disc(8.0, sigma_mm).astype(np.float32), (47.3, 48.6), 8.0, PIXEL_MM)
    assert found == pytest.approx(expected, rel=0.06)


def test_noise_changes_the_edge_little_and_smoothing_much() -> None:
    clean = disc(8.0, 0.7).astype(np.float32)
    noisy = clean + np.random.default_rng(2).normal(0, 3, clean.shape).astype(np.float32)
    sharp = mtf10_per_mm(clean, (47.3, 48.6), 8.0, PIXEL_MM)
    assert mtf10_per_mm(noisy, (47.3, 48.6), 8.0, PIXEL_MM) == pytest.approx(sharp, rel=0.1)
    assert mtf10_per_mm(gaussian_filter(clean, (0, 1.5, 1.5)), (47.3, 48.6), 8.0, PIXEL_MM) < 0.7 * sharp


def planted(contrast: float) -> tuple[np.ndarray, Planted]:
    image = np.full((64, 64), 100.0, np.float32)
    y, x = np.mgrid[:64, :64]
    mask = np.hypot(y - 30, x - 30) < 5
    image[mask] += contrast
    return image, Planted(mask, contrast)


@pytest.mark.parametrize("contrast", [-40.0, 40.0])
def test_a_lesion_is_lost_where_less_than_half_of_it_is_left(contrast: float) -> None:
    image, lesion = planted(contrast)
    free = ~lesion.mask
    assert contrast_of(image, lesion, PIXEL_MM, free) == pytest.approx(contrast)
    assert not lost(image, lesion, PIXEL_MM, free)
    assert lost(100 + 0.4 * (image - 100), lesion, PIXEL_MM, free)
    assert not lost(100 + 0.6 * (image - 100), lesion, PIXEL_MM, free)
    assert lost(200 - image, lesion, PIXEL_MM, free), "turned round it is another lesion"


def test_what_should_not_be_there_is_counted_where_it_is_large_and_strong_enough() -> None:
    image, lesion = planted(30.0)
    truth, within = np.full_like(image, 100.0), np.ones(image.shape, bool)
    eye = Eye(size_mm=5.0, contrast=15.0)
    assert eye.invented(image, truth, within, PIXEL_MM) == 1
    assert eye.invented(100 - 0.3 * (image - 100), truth, within, PIXEL_MM) == 0
    assert eye.invented(200 - image, truth, within, PIXEL_MM) == 1, "dark ones count, too"
    assert eye.invented(image, truth, within & ~lesion.mask, PIXEL_MM) == 0
    speck = truth.copy()
    speck[10, 10] += 200
    assert eye.invented(speck, truth, within, PIXEL_MM) == 0


def test_thinner_slices_begin_on_the_straight_line_to_the_neighbours() -> None:
    heights = torch.tensor([10.0, 20.0, 40.0]).reshape(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert between(heights, 1)[0, :, 0, 0].tolist() == [20.0]
    assert between(heights, 4)[0, :, 0, 0].tolist() == [16.25, 18.75, 22.5, 27.5]
    made = Restorer(4, (1,), Range(0, 100, 10), beside=1, finer=4)(heights)
    assert torch.equal(made, between(heights, 4)), "a network that has not learned takes nothing away"


def test_a_network_that_has_not_learned_takes_nothing_away_and_slices_know_their_neighbours() -> None:
    volumes = torch.arange(2 * 4 * 8 * 8, dtype=torch.float32).reshape(2, 4, 8, 8)
    stacks = stacks_of(volumes, 1)
    assert stacks.shape == (8, 3, 8, 8)
    assert torch.equal(stacks[1], volumes[0, :3]) and torch.equal(stacks[0, 0], volumes[0, 0])
    assert torch.equal(stacks_of(volumes, 2)[1], volumes[0, [0, 0, 1, 2, 3]]), "at the ends they are their own"
    assert torch.equal(stacks[4, 0], volumes[1, 0]), "no slice is a neighbour of another volume's"
    assert torch.equal(Residual(4, (1, 2), 3)(stacks), torch.zeros(8, 1, 8, 8))

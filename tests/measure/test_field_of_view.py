import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.measure.field_of_view import cut


def body(centre_x: int, radius: int, size: int = 128) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Noisy air with a round body of soft tissue in it, and the tissue that the model would outline inside."""
    y, x = np.mgrid[:size, :size]
    away = np.hypot(y - size / 2, x - centre_x)
    air = np.random.default_rng(1).normal(-1000, 12, (size, size))
    return np.where(away < radius, 40, air).astype(np.float32), away < radius * 0.8


def test_a_body_with_air_all_around_is_whole() -> None:
    assert not cut(*body(centre_x=64, radius=50))


def test_a_body_that_runs_out_of_the_image_is_cut() -> None:
    assert cut(*body(centre_x=100, radius=50))


def test_a_body_that_runs_out_of_the_reconstructed_circle_is_cut() -> None:
    y, x = np.mgrid[:128, :128]
    reconstructed = np.hypot(y - 63.5, x - 63.5) <= 64
    whole, cut_off = (body(centre_x=64, radius=radius) for radius in (55, 70))

    assert not cut(np.where(reconstructed, whole[0], -1024).astype(np.float32), whole[1])
    assert cut(np.where(reconstructed, cut_off[0], -1024).astype(np.float32), cut_off[1])


def test_a_table_at_the_edge_is_not_the_body() -> None:
    slice_hu, tissue = body(centre_x=64, radius=50)
    slice_hu[118:122, :] = 200

    assert not cut(slice_hu, tissue)


def test_a_table_that_touches_the_body_and_the_edge_is_not_a_cut() -> None:
    slice_hu, tissue = body(centre_x=64, radius=50)
    slice_hu[113:117, :] = 200
    slice_hu[120:123, :] = 200
    slice_hu[110:123, 60:68] = 200

    assert not cut(slice_hu, tissue)


def test_without_tissue_nothing_is_cut() -> None:
    slice_hu, tissue = body(centre_x=100, radius=50)

    assert not cut(slice_hu, np.zeros_like(tissue))

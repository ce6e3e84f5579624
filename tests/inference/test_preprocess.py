"""Whatever way a volume was acquired, the networks see axial slices, and masks come back to the source grid."""

import highdicom as hd
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.volume import SourceSlice, Volume
from orthanc_plugin.inference.intensity import UNTOUCHED
from orthanc_plugin.inference.preprocess import AIR_HU, Channel, placed, placement, turn
from orthanc_plugin.routing.network import Stage

STAGE = Stage.model_validate(
    {
        "name": "tissue",
        "files": ["model.onnx"],
        "kind": "slices",
        "input": "hu",
        "outputs": ["probability"],
        "rows": 64,
        "columns": 64,
        "batch": 3,
    }
)
# A rotation of 12 degrees about no axis of the patient.
OBLIQUE = Rotation.from_rotvec([0.1, 0.15, 0.1]).as_matrix()[:, ::-1]


def volume(orientation: str | None, shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Volume:
    place = {"patient_orientation": orientation} if orientation else {"direction": OBLIQUE}
    geometry = hd.VolumeGeometry.from_components(
        shape, spacing=spacing, coordinate_system="PATIENT", position=[-100.0, -90.0, 30.0], **place
    )
    voxels = np.random.default_rng(5).normal(0, 100, shape).astype(np.float32)
    sources = tuple(SourceSlice("1.2.840.10008.5.1.4.1.1.2", f"1.2.{k}", None) for k in range(shape[0]))
    return Volume(voxels, geometry, sources, (), ("",) * shape[0], ())


@pytest.mark.parametrize("orientation", ["HPL", "FPL", "HAR", "LHP", "PFR"])
def test_slices_run_to_the_head_with_the_back_below(orientation: str) -> None:
    source = volume(orientation, (5, 6, 7), (2.0, 1.0, 1.5))
    slices = turn(source)
    step_lps = slices.turned.direction[:, 0], slices.turned.direction[:, 1], slices.turned.direction[:, 2]
    np.testing.assert_allclose(step_lps, [(0, 0, 1), (0, 1, 0), (1, 0, 0)], atol=1e-9)


@pytest.mark.parametrize("orientation", ["HPL", "FPL", "HAR", "LHP", "PFR", None])
def test_a_mask_comes_back_to_the_voxels_it_was_drawn_on(orientation: str | None) -> None:
    source = volume(orientation, (5, 6, 7), (2.0, 1.0, 1.5))
    slices = turn(source)
    np.testing.assert_array_equal(slices.to_source(slices.voxels_zyx > 50), source.voxels_zyx > 50)
    np.testing.assert_array_equal(slices.to_source(slices.voxels_zyx), source.voxels_zyx)


@pytest.mark.parametrize("orientation", ["HPL", "LHP", None])
def test_as_acquired_nothing_is_turned(orientation: str | None) -> None:
    source = volume(orientation, (5, 6, 7), (2.0, 1.0, 1.5))
    slices = turn(source, "as-acquired")
    np.testing.assert_array_equal(slices.voxels_zyx, source.voxels_zyx)
    np.testing.assert_array_equal(slices.to_source(slices.voxels_zyx > 50), source.voxels_zyx > 50)
    assert [slices.source_slice(k) for k in range(5)] == [0, 1, 2, 3, 4]


def test_each_axial_slice_knows_the_source_slice_it_is() -> None:
    assert [turn(volume("FPL", (4, 6, 7), (2.0, 1.0, 1.0))).source_slice(k) for k in range(4)] == [3, 2, 1, 0]
    assert turn(volume("PFR", (4, 6, 7), (2.0, 1.0, 1.0))).source_slice(0) is None


@pytest.mark.parametrize(
    ("shape", "pixel_mm"), [((64, 64), (0.7, 0.7)), ((40, 64), (1.0, 1.0)), ((101, 122), (1.5, 1.0))]
)
def test_placing_and_taking_back_keeps_every_structure_in_its_place(
    shape: tuple[int, int], pixel_mm: tuple[float, float]
) -> None:
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    smooth = np.stack([rows / shape[0], columns / shape[1]])
    place = placement(STAGE, shape, pixel_mm)
    inside = place.place(smooth, 0.0)
    assert inside.shape == (2, 64, 64)
    np.testing.assert_allclose(place.take_back(inside), smooth, atol=0.03)


def test_pixels_are_square_and_the_rest_is_air() -> None:
    place = placement(STAGE, (32, 32), (2.0, 1.0))
    assert place.scaled == (64, 32)
    inside = place.place(np.zeros((1, 32, 32), np.float32), AIR_HU)
    assert (inside[0, :, :16] == AIR_HU).all() and (inside[0, :, 16:48] == 0).all()


def test_a_slice_in_the_stages_own_matrix_is_not_touched() -> None:
    slices = np.random.default_rng(1).normal(size=(7, 64, 64)).astype(np.float32)
    place = placement(STAGE, (64, 64), (0.8, 0.8))
    seen = (Channel(slices, UNTOUCHED, AIR_HU),)
    np.testing.assert_array_equal(placed(STAGE, place, seen, 2, 5)[:, 0], slices[2:5])


def test_a_stack_holds_each_slice_between_its_neighbours_and_repeats_the_ends() -> None:
    slices = np.arange(5, dtype=np.float32)[:, None, None] * np.ones((1, 64, 64), np.float32)
    stage = STAGE.model_copy(update={"kind": "stack", "depth": 3, "roles": ("a", "b")})
    seen = (Channel(slices, UNTOUCHED, 0.0), Channel(slices * 10, UNTOUCHED, 0.0))
    place = placement(stage, (64, 64), (0.8, 0.8))
    both = np.concatenate([placed(stage, place, seen, start, min(start + 2, 5)) for start in (0, 2, 4)])
    assert both[:, :, 0, 0].tolist() == [
        [0, 0, 1, 0, 0, 10],
        [0, 1, 2, 0, 10, 20],
        [1, 2, 3, 10, 20, 30],
        [2, 3, 4, 20, 30, 40],
        [3, 4, 4, 30, 40, 40],
    ]


def test_a_line_is_refused() -> None:
    with pytest.raises(Unsuitable) as refusal:
        placement(STAGE, (1, 4000), (0.5, 1.0))
    assert refusal.value.sentence == (
        "The slices measure 0 x 4000 mm, too narrow for the stage tissue; the model needs whole slices."
    )

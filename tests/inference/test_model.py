"""Any kind of network that a card names, on volumes and images whose answers are known by hand."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from numpy.typing import NDArray

from orthanc_plugin.errors import Broken, Unsuitable
from orthanc_plugin.imaging.image import Imaged, Images
from orthanc_plugin.imaging.volume import SourceSlice, Volume
from orthanc_plugin.inference import slices
from orthanc_plugin.inference.check import disagreements
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.model import RawOutput, infer
from orthanc_plugin.routing.folder import Model
from tests.inference import graphs

BRIGHT = [{"step": "threshold"}]


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    device = Device("cpu")
    yield device
    device.close()


def volume(
    shape: tuple[int, int, int] = (6, 16, 16),
    orientation: str = "HPL",
    spacing: tuple[float, float, float] = (2.0, 1.0, 1.0),
    frame_of_reference: str = "1.2.3",
    seed: int = 4,
) -> Volume:
    """A bright box off the middle in noise that stays below it."""
    geometry = hd.VolumeGeometry.from_components(
        shape,
        spacing=spacing,
        coordinate_system="PATIENT",
        position=[-10.0, -9.0, 30.0],
        patient_orientation=orientation,
        frame_of_reference_uid=frame_of_reference,
    )
    voxels = np.random.default_rng(seed).uniform(0, 0.2, shape).astype(np.float32)
    voxels[box(shape)] = 1.0
    sources = tuple(SourceSlice("1.2.840.10008.5.1.4.1.1.4", f"1.2.{k}", None) for k in range(shape[0]))
    return Volume(voxels, geometry, sources, (), ("",) * shape[0], ())


def box(shape: tuple[int, int, int]) -> tuple[slice, ...]:
    return tuple(slice(length // 6, length // 2) for length in shape)


def boxed(shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    mask[box(shape)] = True
    return mask


def images(*pixels: NDArray[np.float32]) -> Images:
    sources = tuple(SourceSlice("1.2.840.10008.5.1.4.1.1.1.1", f"1.2.{k}", None) for k in range(len(pixels)))
    return Images(pixels, (None,) * len(pixels), sources, (), ("",) * len(pixels), ())


def outliner(folder: Path, factors: list[float] | None = None, **stage: Any) -> Model:
    dimensions = 3 if stage.get("kind") == "volume" else 2
    graphs.write_channels(folder / "model.onnx", factors or [1.0], kind=dimensions)
    roles = {role: {} for role in stage.get("roles", ["series"])}
    return graphs.model(
        folder, [graphs.stage(**stage)], graphs.segments(graphs.segment("Box"), steps=BRIGHT), inputs=roles
    )


def run(device: Device, model: Model, **inputs: Imaged) -> RawOutput:
    return infer(device, model, inputs, 10, lambda: None)


def masks(device: Device, model: Model, **inputs: Imaged) -> NDArray[np.bool_]:
    found = run(device, model, **inputs).drawn.masks_szyx
    assert found is not None
    return found


KINDS: dict[str, dict[str, Any]] = {
    "slices": {},
    "slices at a spacing": {"spacing_mm": [None, 0.5, 0.5], "rows": 20, "columns": 24},
    "patches": {"kind": "volume", "depth": 4, "rows": 8, "columns": 8},
    "patches without overlap": {"kind": "volume", "depth": 4, "rows": 8, "columns": 8, "overlap": 0},
    "a patch larger than the series": {"kind": "volume", "depth": 12, "rows": 32, "columns": 20},
    "finer patches": {"kind": "volume", "depth": 8, "rows": 16, "columns": 12, "spacing_mm": [1.0, 0.5, 0.5]},
    "sagittal slices": {"orientation": "LFP"},
    "sagittal patches": {"kind": "volume", "depth": 4, "rows": 4, "columns": 8, "orientation": "RFA"},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", ["HPL", "FAR", "LHP"])
def test_masks_come_back_to_the_voxels_that_the_network_meant(
    kind: str, orientation: str, device: Device, tmp_path: Path
) -> None:
    shape = (6, 16, 16)
    model = outliner(tmp_path / "box", **KINDS[kind])
    found = masks(device, model, series=volume(shape, orientation))
    np.testing.assert_array_equal(found[0], boxed(shape))


def test_a_grid_of_another_spacing_keeps_structures_in_their_place(device: Device, tmp_path: Path) -> None:
    shape = (24, 40, 40)
    model = outliner(tmp_path / "box", kind="volume", depth=8, rows=12, columns=12, spacing_mm=[3.0, 1.7, 1.7])
    found = masks(device, model, series=volume(shape, spacing=(1.0, 1.0, 1.0)))[0]
    overlap = 2 * (found & boxed(shape)).sum() / (found.sum() + boxed(shape).sum())
    assert overlap > 0.9
    centre = [np.mean(np.nonzero(mask), axis=1) for mask in (found, boxed(shape))]
    np.testing.assert_allclose(*centre, atol=0.5)


def test_a_stack_sees_its_neighbours(device: Device, tmp_path: Path) -> None:
    """The graph answers the mean of three slices: half of it is reached one slice within the box and no further."""
    shape = (12, 16, 16)
    model = outliner(tmp_path / "box", kind="stack", depth=3)
    assert masks(device, model, series=volume(shape))[0].any(axis=(1, 2)).nonzero()[0].tolist() == [2, 3, 4, 5]


def test_folds_are_averaged(device: Device, tmp_path: Path) -> None:
    folder = tmp_path / "box"
    graphs.write_channels(folder / "a.onnx", [1.2])
    graphs.write_channels(folder / "b.onnx", [0.0])
    outputs = graphs.segments(graphs.segment("Box", threshold=0.55), steps=BRIGHT)
    model = graphs.model(folder, [graphs.stage(files=["a.onnx", "b.onnx"])], outputs)
    assert masks(device, model, series=volume())[0].sum() == boxed((6, 16, 16)).sum()
    outputs = graphs.segments(graphs.segment("Box", threshold=0.65), steps=BRIGHT)
    model = graphs.model(folder, [graphs.stage(files=["a.onnx", "b.onnx"])], outputs)
    assert not masks(device, model, series=volume()).any()


def test_roles_are_laid_on_the_grid_of_the_first(device: Device, tmp_path: Path) -> None:
    """The mean of two channels passes 0.5 only where both are bright in the same place of the patient."""
    shape = (6, 16, 16)
    model = outliner(tmp_path / "box", roles=["first", "second"])
    first, second = volume(shape), volume(shape, orientation="LHP", seed=5)
    upside_down = second.geometry.with_array(first.voxels_zyx).get_geometry()
    laid = first.geometry.with_array(first.voxels_zyx).to_patient_orientation(("L", "H", "P"))
    second = replace(second, voxels_zyx=laid.array, geometry=laid.get_geometry())
    assert upside_down.spatial_shape == shape
    np.testing.assert_array_equal(masks(device, model, first=first, second=second)[0], boxed(shape))


OPTIONAL = {"required": False, "meaning_of_missing": "Nothing was compared."}


@pytest.mark.parametrize("kind", ["slices", "patches", "finer patches", "sagittal slices"])
def test_of_a_role_that_is_missing_the_network_sees_zeros(kind: str, device: Device, tmp_path: Path) -> None:
    folder, known = tmp_path / "box", volume()
    stage = graphs.stage(roles=["first", "second"], **KINDS[kind])
    graphs.write_channels(folder / "model.onnx", [1.0], kind=3 if stage["kind"] == "volume" else 2)
    outputs = graphs.segments(graphs.segment("Box", threshold=0.4), steps=BRIGHT)
    model = graphs.model(folder, [stage], outputs, inputs={"first": {}, "second": OPTIONAL})
    nothing = replace(known, voxels_zyx=np.zeros_like(known.voxels_zyx))
    alone = masks(device, model, first=known)[0]
    np.testing.assert_array_equal(alone, masks(device, model, first=known, second=nothing)[0])
    assert alone.any()


@pytest.mark.parametrize("channels", ["grey", "rgb"])
def test_of_an_image_that_is_missing_the_network_sees_zeros(channels: str, device: Device, tmp_path: Path) -> None:
    inputs = {"now": {}, "before": OPTIONAL}
    model = classifier(tmp_path / "kinds", inputs=inputs, kind="image", roles=list(inputs), channels=channels)
    found = run(device, model, now=images(np.full((9, 9), 0.8, np.float32))).classification
    assert found is not None and found.probabilities[0] == pytest.approx(0.4)


def test_a_map_of_another_shape_than_the_card_says_is_broken(device: Device, tmp_path: Path) -> None:
    model = outliner(tmp_path / "box", factors=[1.0, 2.0])
    with pytest.raises(Broken) as failure:
        run(device, model, series=volume())
    assert failure.value.sentence == (
        "The network model.onnx of box answered maps of the shape (2, 16, 16) in probability instead of (1, 16, 16); "
        "its card and its graph must agree."
    )


def test_answers_that_are_no_numbers_are_broken(device: Device, tmp_path: Path) -> None:
    model = outliner(tmp_path / "box", factors=[float("inf")])
    with pytest.raises(Broken) as failure:
        run(device, model, series=volume())
    assert failure.value.sentence == (
        "The network model.onnx of box answered values that are not numbers in probability; nothing of it was stored."
    )


def test_the_same_comes_out_twice(device: Device, tmp_path: Path) -> None:
    model = outliner(tmp_path / "box", kind="volume", depth=4, rows=8, columns=8, spacing_mm=[1.1, 0.7, 0.7])
    once, again = (masks(device, model, series=volume((9, 17, 21))) for _ in range(2))
    assert once.tobytes() == again.tobytes()


def classifier(
    folder: Path, classes: dict[str, Any] | None = None, inputs: dict[str, Any] | None = None, **stage: Any
) -> Model:
    graphs.write_classifier(folder / "model.onnx", [0.0, 0.1])
    items = [{"label": name, "code": graphs.concept(name, name), "threshold": 0.5} for name in ("One", "Two")]
    source = {"from": {"stage": "only", "output": "logits"}, "activation": "none", "exclusive": False, "items": items}
    stages = [graphs.stage(outputs=["logits", "heat"], **stage)]
    return graphs.model(folder, stages, {"classes": source | (classes or {})}, **({"inputs": inputs} if inputs else {}))


def test_each_image_has_probabilities_and_the_plainest_is_shown(device: Device, tmp_path: Path) -> None:
    model = classifier(tmp_path / "kinds", {"series": "largest"}, kind="image")
    found = run(device, model, series=images(*(np.full((9, 9), v, np.float32) for v in (0.3, 0.8, 0.4)))).classification
    assert found is not None
    assert found.probabilities == pytest.approx((0.8, 0.9))
    assert (found.index, found.heat_yx) == (1, None)


def test_over_slices_the_mean_counts_where_the_card_says_so(device: Device, tmp_path: Path) -> None:
    model = classifier(tmp_path / "kinds")
    voxels = np.linspace(0.2, 0.7, 6, dtype=np.float32)[:, None, None] * np.ones((1, 16, 16), np.float32)
    on = replace(volume(orientation="FPL"), voxels_zyx=voxels)
    found = run(device, model, series=on).classification
    assert found is not None
    assert found.probabilities == pytest.approx((0.45, 0.55))
    assert found.index == 5


def test_a_heat_map_lies_on_the_image_that_is_shown(device: Device, tmp_path: Path) -> None:
    model = classifier(tmp_path / "kinds", {"heat_map": {"stage": "only", "output": "heat"}}, kind="image")
    picture = np.zeros((32, 20), np.float32)
    picture[24:28, 4:8] = 1.0
    found = run(device, model, series=images(picture)).classification
    assert found is not None and found.heat_yx is not None
    assert found.heat_yx.shape == (32, 20)
    row, column = np.unravel_index(found.heat_yx.argmax(), (32, 20))
    assert 24 <= row < 28 and 4 <= column < 8
    for row, column in found.peaks_yx:
        assert 24 <= row < 28 and 4 <= column < 8


def test_a_heat_map_is_turned_as_its_slice_is(device: Device, tmp_path: Path) -> None:
    model = classifier(tmp_path / "kinds", {"heat_map": {"stage": "only", "output": "heat"}})
    on = volume(orientation="HAR")
    found = run(device, model, series=on).classification
    assert found is not None and found.heat_yx is not None and found.index is not None
    np.testing.assert_allclose(found.heat_yx, on.voxels_zyx[found.index], atol=1e-6)
    for row, column in found.peaks_yx:
        assert found.heat_yx[int(row), int(column)] == found.heat_yx.max()


def test_the_network_is_asked_once_about_each_image_and_again_where_the_maps_are_many(
    device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = classifier(tmp_path / "kinds", {"heat_map": {"stage": "only", "output": "heat"}}, kind="image")
    asked: list[int] = []
    infer = Device.infer

    def counted(self: Device, graph: Any, digest: str, inputs: Any, *more: Any) -> Any:
        asked.append(len(inputs["hu"]))
        return infer(self, graph, digest, inputs, *more)

    monkeypatch.setattr(Device, "infer", counted)
    pictures = [np.full((9, 9), value, np.float32) for value in (0.3, 0.8)]
    kept = run(device, model, series=images(*pictures)).classification
    once = len(asked)
    monkeypatch.setattr(slices, "KEPT_MOST_BYTES", 0)
    again = run(device, model, series=images(*pictures)).classification
    assert len(asked) == 2 * once + 1
    assert kept is not None and again is not None and kept.peaks_yx == again.peaks_yx
    np.testing.assert_array_equal(kept.heat_yx, again.heat_yx)


def choosing(folder: Path, least: float, **more: Any) -> Model:
    """The probability is the mean of a slice, and so is what it is chosen by."""
    graphs.write_classifier(folder / "model.onnx", [0.0])
    where = {"stage": "only", "output": "logits", "least": least, "says": "No slice is bright enough."}
    items = [{"label": "One", "code": graphs.concept("One", "One"), "threshold": 0.5}]
    classes = {"from": {"stage": "only", "output": "logits"}, "activation": "none", "exclusive": False, "items": items}
    stages = [graphs.stage(outputs=["logits", "heat"])]
    return graphs.model(folder, stages, {"classes": classes | {"where": where} | more})


def ramp(orientation: str = "HPL") -> Volume:
    """Slices that are even, 0.2 to 0.7 bright."""
    voxels = np.linspace(0.2, 0.7, 6, dtype=np.float32)[:, None, None] * np.ones((1, 16, 16), np.float32)
    return replace(volume(orientation=orientation), voxels_zyx=voxels)


def test_only_the_slices_that_the_card_chooses_count(device: Device, tmp_path: Path) -> None:
    model = choosing(tmp_path / "bright", 0.45, heat_map={"stage": "only", "output": "heat"})
    said = run(device, model, series=ramp(orientation="FPL"))
    found = said.classification
    assert found is not None and found.heat_yx is not None
    assert found.probabilities == pytest.approx((0.6,))
    assert [index for index, _ in found.by_slice] == [3, 4, 5]
    assert [share for _, (share,) in found.by_slice] == pytest.approx([0.5, 0.6, 0.7])
    assert found.index == 5
    assert found.heat_yx.mean() == pytest.approx(0.7)
    assert said.said["only"].answers["logits"].shape == (3, 1)


def test_without_a_slice_that_counts_there_is_no_result(device: Device, tmp_path: Path) -> None:
    with pytest.raises(Unsuitable) as refusal:
        run(device, choosing(tmp_path / "bright", 0.9), series=ramp())
    assert refusal.value.sentence == "No slice is bright enough."


def test_slices_are_chosen_by_one_number_each(device: Device, tmp_path: Path) -> None:
    where = {"stage": "only", "output": "heat", "least": 0.5, "says": "None."}
    model = choosing(tmp_path / "bright", 0.5, where=where)
    with pytest.raises(Broken) as failure:
        run(device, model, series=ramp())
    assert failure.value.sentence == (
        "The network model.onnx of bright answered the shape (4, 1, 16, 16) in heat, where each has one row; "
        "its card and its graph must agree."
    )


def test_clinical_values_go_in_beside_each_slice_and_missing_ones_are_no_numbers(
    device: Device, tmp_path: Path
) -> None:
    graphs.write_fed(tmp_path / "fed" / "model.onnx", 3)
    items = [{"label": "One", "code": graphs.concept("One", "One"), "threshold": 0.5}]
    classes = {"from": {"stage": "only", "output": "logits"}, "activation": "none", "exclusive": False, "items": items}
    names = ["a", "b", "c"]
    given = [
        {
            "name": name,
            "code": graphs.concept(name, name),
            "unit": "1",
            "missing": "leave-out",
            "meaning_of_missing": "",
        }
        for name in names
    ]
    stages = [graphs.stage(outputs=["logits"], batch=4, clinical={"input": "values", "names": ["c", "a", "b"]})]
    model = graphs.model(tmp_path / "fed", stages, {"classes": classes}, clinical_inputs=given)
    assert disagreements(device, model) == ()
    found = infer(device, model, {"series": ramp()}, 10, lambda: None, clinical={"a": 0.05, "c": 0.1}).classification
    assert found is not None
    assert found.probabilities == pytest.approx((0.45 + 0.15,))
    alone = run(device, model, series=ramp()).classification
    assert alone is not None and alone.probabilities == pytest.approx((0.45,))


def test_colours_and_greys_become_what_the_network_takes(device: Device, tmp_path: Path) -> None:
    red = np.zeros((8, 8, 3), np.float32)
    red[..., 0] = 0.9
    grey = classifier(tmp_path / "grey", kind="image")
    coloured = classifier(tmp_path / "coloured", kind="image", channels="rgb")
    for model, picture, mean in ((grey, red, 0.2691), (coloured, red, 0.3), (coloured, red[..., 0], 0.9)):
        found = run(device, model, series=images(picture)).classification
        assert found is not None and found.probabilities[0] == pytest.approx(mean, abs=1e-5)


def test_numbers_outside_0_to_1_need_an_activation(device: Device, tmp_path: Path) -> None:
    model = classifier(tmp_path / "kinds", kind="image")
    with pytest.raises(Broken) as failure:
        run(device, model, series=images(np.full((8, 8), 3.0, np.float32)))
    assert failure.value.sentence == (
        "The network model.onnx of kinds answers logits outside 0 to 1 where the card names no activation; "
        "its card and its graph must agree."
    )

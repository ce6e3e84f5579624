"""What networks draw beside masks, and on single images: each pixel of it is known by hand."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.image import Imaged, Images
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.drawn import Drawn
from orthanc_plugin.inference.model import infer
from orthanc_plugin.routing.folder import Model
from tests.inference import graphs
from tests.inference.test_model import images, volume

SHAPE = (6, 40, 40)
BOX = (slice(1, 3), slice(6, 20), slice(6, 20))
KINDS: dict[str, dict[str, Any]] = {
    "slices": {"rows": 40, "columns": 40},
    "patches": {"kind": "volume", "depth": 4, "rows": 16, "columns": 16},
    "sagittal patches": {"kind": "volume", "depth": 16, "rows": 4, "columns": 8, "orientation": "RFA"},
}


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    device = Device("cpu")
    yield device
    device.close()


def network(folder: Path, outputs: dict[str, Any], factors: list[float] | None = None, **stage: Any) -> Model:
    """Answers the mean of what it is given times each factor, a channel a factor."""
    dimensions = 3 if stage.get("kind") == "volume" else 2
    graphs.write_channels(folder / "net" / "model.onnx", factors or [1.0], kind=dimensions)
    return graphs.model(folder / "net", [graphs.stage(**stage)], outputs)


def drawn(device: Device, model: Model, on: Imaged, soft: bool = False) -> Drawn:
    return infer(device, model, {"series": on}, 10, lambda: None, soft=soft).drawn


def seen(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.float32]:
    """A box that the network is sure of, and everywhere else what it would not bet on."""
    voxels = np.full(shape, 0.2, np.float32)
    voxels[BOX] = 0.9
    return voxels


def outlining(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return graphs.segments(graphs.segment("Box"), steps=[{"step": "threshold"}, *steps]) | more


def output_map(**more: Any) -> dict[str, Any]:
    of_output = {"label": "Sure", "quantity": graphs.concept("q", "Sure"), "unit": graphs.concept("1", "no units")}
    return of_output | more


SOURCE = {"stage": "only", "output": "probability"}


class TestSoft:
    @pytest.mark.parametrize("kind", KINDS)
    def test_around_a_mask_the_probability_is_the_network_s(self, kind: str, device: Device, tmp_path: Path) -> None:
        on = replace(volume(SHAPE, spacing=(2.0, 1.0, 1.0)), voxels_zyx=seen())
        found = drawn(device, network(tmp_path, outlining(), **KINDS[kind]), on, soft=True)
        around = np.zeros(SHAPE, bool)
        around[0:6, 1:25, 1:25] = True  # 5 mm: three slices, five pixels
        assert found.probabilities_szyx is not None and found.masks_szyx is not None
        np.testing.assert_allclose(found.probabilities_szyx[0], np.where(around, seen(), 0), atol=1e-6)
        assert found.masks_szyx[0].sum() == 2 * 14 * 14

    def test_nobody_carries_it_who_did_not_ask(self, device: Device, tmp_path: Path) -> None:
        on = replace(volume(SHAPE), voxels_zyx=seen())
        assert drawn(device, network(tmp_path, outlining(), **KINDS["slices"]), on).probabilities_szyx is None

    def test_what_a_step_took_away_is_nought_and_what_one_gave_is_one(self, device: Device, tmp_path: Path) -> None:
        voxels = seen()
        voxels[1:3, 10:12, 10:12] = 0.3
        voxels[1:3, 22, 22] = 0.8
        steps = ({"step": "fill", "segment": "Box"}, {"step": "largest-component", "segment": "Box"})
        model = network(tmp_path, outlining(*steps), **KINDS["slices"])
        soft = drawn(device, model, replace(volume(SHAPE), voxels_zyx=voxels), soft=True).probabilities_szyx
        assert soft is not None
        assert (soft[0, 1:3, 10:12, 10:12] == 1).all()
        assert (soft[0, 1:3, 22, 22] == 0).all() and soft[0, 1, 22, 21] == pytest.approx(0.2)

    def test_outside_a_range_of_values_there_is_none(self, device: Device, tmp_path: Path) -> None:
        step = {"step": "hounsfield", "segment": "Box", "range": {"least": 0.25}}
        on = replace(volume(SHAPE), voxels_zyx=seen())
        soft = drawn(device, network(tmp_path, outlining(step), **KINDS["slices"]), on, soft=True).probabilities_szyx
        assert soft is not None
        np.testing.assert_allclose(soft[0], np.where(seen() > 0.5, 0.9, 0), atol=1e-6)

    def test_what_a_later_step_gave_back_is_the_mask_s(self, device: Device, tmp_path: Path) -> None:
        """A vessel that is too bright for the organ, and lies within it."""
        voxels = seen()
        voxels[1:3, 10:12, 10:12] = 1.0
        steps = ({"step": "hounsfield", "segment": "Box", "range": {"most": 0.95}}, {"step": "fill", "segment": "Box"})
        on = replace(volume(SHAPE), voxels_zyx=voxels)
        found = drawn(device, network(tmp_path, outlining(*steps), **KINDS["slices"]), on, soft=True)
        assert found.masks_szyx is not None and found.probabilities_szyx is not None
        assert found.masks_szyx[0, 1:3, 10:12, 10:12].all()
        np.testing.assert_array_equal(found.probabilities_szyx > 0.5, found.masks_szyx)

    def test_answers_that_are_no_probabilities_are_refused(self, device: Device, tmp_path: Path) -> None:
        model = network(tmp_path, outlining(), [2.0], **KINDS["slices"])
        with pytest.raises(Broken) as refusal:
            drawn(device, model, replace(volume(SHAPE), voxels_zyx=seen()), soft=True)
        assert refusal.value.sentence == (
            "The network model.onnx of net answers probability outside 0 to 1 after all activations of the card; "
            "its card and its graph must agree."
        )


class TestMapsAndImages:
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_map_is_a_channel_after_its_activation(self, kind: str, device: Device, tmp_path: Path) -> None:
        wanted = output_map(**{"from": SOURCE}, channels=2, channel=1, activation="softmax", factor=100, shift=-1)
        on = replace(volume(SHAPE), voxels_zyx=seen())
        found = drawn(device, network(tmp_path, {"maps": [wanted]}, [1.0, 3.0], **KINDS[kind]), on)
        assert found.masks_szyx is None
        np.testing.assert_allclose(found.maps["Sure"], 100 / (1 + np.exp(-2 * seen())) - 1, rtol=1e-5)

    def test_a_segment_s_map_is_what_the_network_said_everywhere(self, device: Device, tmp_path: Path) -> None:
        outputs = outlining({"step": "largest-component", "segment": "Box"}, maps=[output_map(segment="Box")])
        on = replace(volume(SHAPE), voxels_zyx=seen())
        found = drawn(device, network(tmp_path, outputs, **KINDS["slices"]), on)
        assert found.probabilities_szyx is None
        np.testing.assert_allclose(found.maps["Sure"], seen(), atol=1e-6)

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(
        "intensity",
        [
            {"kind": "window", "lowest": -1000, "highest": 1000},
            {"kind": "z-score"},
            {"kind": "percentile", "lowest": 0, "highest": 100},
            {"kind": "scale", "factor": 0.01, "shift": 3},
            {"kind": "untouched"},
        ],
    )
    def test_an_image_in_the_numbers_of_the_input_is_one_in_those_of_the_source(
        self, kind: str, intensity: dict[str, Any], device: Device, tmp_path: Path
    ) -> None:
        wanted = {"label": "Quiet", "derivation": graphs.concept("q", "Quiet"), "values": "as-input", "from": SOURCE}
        values = np.random.default_rng(3).uniform(-900, 900, SHAPE).astype(np.float32)
        on = replace(volume(SHAPE), voxels_zyx=values)
        found = drawn(device, network(tmp_path, {"images": [wanted]}, intensity=intensity, **KINDS[kind]), on)
        np.testing.assert_allclose(found.images["Quiet"], values, atol=0.01)

    def test_an_image_as_it_was_answered(self, device: Device, tmp_path: Path) -> None:
        wanted = {"label": "Water", "derivation": graphs.concept("w", "Water"), "from": SOURCE}
        wanted |= {"values": "as-answered", "factor": 1000}
        on = replace(volume(SHAPE), voxels_zyx=seen())
        found = drawn(device, network(tmp_path, {"images": [wanted]}, **KINDS["slices"]), on)
        np.testing.assert_allclose(found.images["Water"], 1000 * seen(), rtol=1e-5)

    @pytest.mark.parametrize("kind", ["slices", "patches"])
    def test_finer_slices_are_channels_one_behind_the_other(self, kind: str, device: Device, tmp_path: Path) -> None:
        wanted = {"label": "Finer", "derivation": graphs.concept("f", "Finer"), "values": "as-answered", "from": SOURCE}
        wanted |= {"channels": 4, "channel": 1, "finer": 3}
        values = np.random.default_rng(4).uniform(0, 9, SHAPE).astype(np.float32)
        on = replace(volume(SHAPE), voxels_zyx=values)
        model = network(tmp_path, {"images": [wanted]}, [9.0, 1.0, 2.0, 3.0], orientation="as-acquired", **KINDS[kind])
        found = drawn(device, model, on).images["Finer"]
        expected = np.stack([factor * plane for plane in values for factor in (1, 2, 3)])
        np.testing.assert_allclose(found, expected, rtol=1e-5)


class TestSingleImages:
    @staticmethod
    def sizes() -> Images:
        """Two that the network sees scaled and padded, with their boxes in corners of their own."""
        wide, tall = np.full((20, 40), 0.1, np.float32), np.full((60, 30), 0.1, np.float32)
        wide[2:10, 20:36] = 0.9
        tall[40:56, 4:12] = 0.8
        return images(wide, tall)

    def test_each_comes_back_to_its_own_matrix(self, device: Device, tmp_path: Path) -> None:
        on = self.sizes()
        model = network(tmp_path, outlining(), kind="image", rows=60, columns=60, batch=2)
        found = drawn(device, model, on, soft=True)
        assert found.masks_szyx is not None and found.probabilities_szyx is not None
        assert found.masks_szyx.shape == (1, 2, 60, 40)
        for mask, soft, pixels in zip(found.masks_szyx[0], found.probabilities_szyx[0], on.pixels, strict=True):
            rows, columns = pixels.shape
            np.testing.assert_array_equal(mask[:rows, :columns], pixels > 0.5)
            assert not mask[rows:].any() and not mask[:, columns:].any()
            assert soft[:rows, :columns][pixels > 0.5].mean() == pytest.approx(pixels.max(), abs=0.1)

    def test_components_are_those_of_one_image(self, device: Device, tmp_path: Path) -> None:
        """Of each image the largest part stays, whatever lies at its place on the next."""
        pixels = np.zeros((2, 30, 30), np.float32)
        pixels[0, 2:4, 2:4] = pixels[0, 10:20, 10:20] = pixels[1, 2:8, 2:8] = 0.9
        step = {"step": "largest-component", "segment": "Box"}
        model = network(tmp_path, outlining(step), kind="image", rows=30, columns=30)
        found = drawn(device, model, images(*pixels)).masks_szyx
        assert found is not None
        assert found[0].sum(axis=(1, 2)).tolist() == [100, 36]

    @pytest.mark.parametrize(("spacing_mm", "left"), [((0.5, 0.5), 100), (None, 104)])
    def test_small_is_what_is_small_on_the_image(
        self, spacing_mm: tuple[float, float] | None, left: int, device: Device, tmp_path: Path
    ) -> None:
        """Where no one knows how large a pixel is nothing is too small."""
        pixels = np.zeros((30, 30), np.float32)
        pixels[2:4, 2:4] = pixels[10:20, 10:20] = 0.9
        step = {"step": "remove-small", "segment": "Box", "least_mm2": 2}
        model = network(tmp_path, outlining(step), kind="image", rows=30, columns=30)
        found = drawn(device, model, replace(images(pixels), spacings_mm=(spacing_mm,))).masks_szyx
        assert found is not None and found.sum() == left

    def test_maps_and_images_lie_beside_their_sources(self, device: Device, tmp_path: Path) -> None:
        quiet = {"label": "Quiet", "derivation": graphs.concept("q", "Quiet"), "values": "as-input", "from": SOURCE}
        outputs = {"maps": [output_map(**{"from": SOURCE})], "images": [quiet]}
        intensity = {"kind": "percentile", "lowest": 0, "highest": 100}
        on = images(*(np.random.default_rng(n).uniform(-9, 9, (20, 20)).astype(np.float32) for n in range(3)))
        model = network(tmp_path, outputs, kind="image", rows=20, columns=20, intensity=intensity)
        found = drawn(device, model, on)
        for number, pixels in enumerate(on.pixels):
            np.testing.assert_allclose(found.images["Quiet"][number], pixels, atol=1e-4)
            assert (found.maps["Sure"][number].min(), found.maps["Sure"][number].max()) == pytest.approx((0, 1))

    def test_colours_become_how_bright_they_look(self, device: Device, tmp_path: Path) -> None:
        """A step on values sees what a reader without colours would."""
        pixels = np.zeros((20, 20, 3), np.float32)
        pixels[2:8, 2:8] = (0, 1, 0)
        pixels[10:18, 10:18] = (0, 0, 1)
        step = {"step": "hounsfield", "segment": "Box", "range": {"least": 0.2}}
        outputs = graphs.segments(graphs.segment("Box", threshold=0.3), steps=[{"step": "threshold"}, step])
        model = network(tmp_path, outputs, kind="image", rows=20, columns=20, channels="rgb")
        found = drawn(device, model, images(pixels)).masks_szyx
        assert found is not None
        np.testing.assert_array_equal(found[0, 0], pixels[..., 1] > 0)

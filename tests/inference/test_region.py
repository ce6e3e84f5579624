"""The region that images show: what is brought to the network, and when its answer counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from export.phantoms.regions.region import REGIONS, phantom
from orthanc_plugin.errors import Temporary
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.region import FOLDER, RegionNetwork, square
from orthanc_plugin.routing.region import Region

HELD_OUT = range(5000, 5008)


@pytest.fixture(scope="module")
def network() -> Iterator[RegionNetwork]:
    made = RegionNetwork.on_cpu()
    yield made
    made.close()


class Says(Device):
    """Answers as told, in the order of the regions."""

    def __init__(self, *answers: dict[str, float]) -> None:
        self.fed: list[NDArray[np.generic]] = []
        rows = [[answer.get(region, 0.0) for region in REGIONS] for answer in answers]
        self._answer = np.array(rows, np.float32)

    def infer(
        self, graph: Path, digest: str, feeds: dict[str, NDArray[np.generic]], priority: int = 0,
        limit_s: float | None = None,
    ) -> dict[str, NDArray[np.generic]]:  # fmt: skip
        self.fed.append(feeds["image"])
        if not len(self._answer):
            raise Temporary("The device process did not start; its log says why.")
        return {"probability": self._answer}


IMAGE = np.arange(12, dtype=np.float32).reshape(3, 4)


class TestAnswer:
    def test_what_all_images_show_together_counts(self) -> None:
        said = Says({"knee": 1.0}, {"knee": 0.98, "leg": 0.02})
        assert RegionNetwork(said).region([IMAGE, IMAGE]) == Region(frozenset({"knee"}), "PixelData")
        assert said.fed[0].shape == (2, 1, 128, 128)

    def test_below_the_threshold_nobody_can_tell(self) -> None:
        assert RegionNetwork(Says({"knee": 0.45, "leg": 0.4})).region([IMAGE]) is None

    def test_images_that_say_different_things_say_nothing(self) -> None:
        assert RegionNetwork(Says({"knee": 1.0}, {"head": 1.0})).region([IMAGE, IMAGE]) is None

    def test_what_shows_no_body_has_no_region(self) -> None:
        assert RegionNetwork(Says({"none": 1.0})).region([IMAGE]) is None

    def test_a_device_that_is_away_is_told_and_nothing_is_said(self, caplog: pytest.LogCaptureFixture) -> None:
        assert RegionNetwork(Says()).region([IMAGE]) is None
        assert caplog.messages == [
            "Nobody can tell the region of the body from the pixels: "
            "The device process did not start; its log says why."
        ]

    def test_a_folder_that_is_not_whole(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        assert RegionNetwork(Says(), tmp_path).region([IMAGE]) is None
        assert caplog.messages == [
            "Nobody can tell the region of the body from the pixels: "
            f"The classifier of body regions in {tmp_path} is not whole; install the node again."
        ]


class TestSquare:
    def test_a_large_image_is_averaged(self) -> None:
        image = np.random.default_rng(1).normal(0, 100, (512, 512)).astype(np.float32)
        means = image.reshape(128, 4, 128, 4).mean(axis=(1, 3))
        np.testing.assert_allclose(square(image, 128), means, atol=1e-3)

    def test_a_small_one_is_enlarged_and_keeps_its_values(self) -> None:
        np.testing.assert_allclose(square(np.array([[1, 2], [3, 4]], np.float32), 4)[::2, ::2], [[1, 2], [3, 4]])

    def test_a_narrow_one_lies_in_the_middle_of_the_dark(self) -> None:
        made = square(np.array([[-5, 7, 7, -5]], np.float32).T @ np.ones((1, 2), np.float32), 4)
        np.testing.assert_allclose(made[1], [-5, 7, 7, -5], atol=1e-5)
        np.testing.assert_allclose(made[:, 0], [-5, -5, -5, -5], atol=1e-5)

    def test_a_size_that_divides_nothing_keeps_the_mean(self) -> None:
        image = np.random.default_rng(2).normal(50, 10, (301, 301)).astype(np.float32)
        assert square(image, 128).mean() == pytest.approx(image.mean(), rel=1e-4)

    def test_colours_count_as_bright_as_they_look(self) -> None:
        colours = np.zeros((4, 4, 3), np.float32)
        colours[:2, :, 1] = 100
        np.testing.assert_allclose(square(colours, 4)[:, 0], [58.7, 58.7, 0, 0], atol=1e-3)


class TestShipped:
    def test_it_is_small_and_says_what_it_is_made_of(self) -> None:
        described = json.loads((FOLDER / "region.json").read_text())
        assert described["trained_on"] == "synthetic phantoms; no patient data"
        assert described["regions"] == [None if region == "none" else region for region in REGIONS]
        assert (FOLDER / "region.onnx").stat().st_size < 1_500_000

    def test_it_tells_the_regions_of_phantoms_it_never_saw(self, network: RegionNetwork) -> None:
        wrong, unknown = [], 0
        for region in REGIONS[:-1]:
            for seed in HELD_OUT:
                said = network.region([phantom(seed, region).image])
                unknown += said is None
                if said is not None and said.parts != {region}:
                    wrong.append((region, seed, str(said)))
        asked = len(HELD_OUT) * (len(REGIONS) - 1)
        assert len(wrong) <= 0.03 * asked, wrong
        assert unknown <= 0.35 * asked

    def test_noise_has_no_region(self, network: RegionNetwork) -> None:
        noise = np.random.default_rng(4).normal(0, 100, (3, 256, 256)).astype(np.float32)
        assert network.region(list(noise)) is None

    def test_no_unit_and_no_size_matters(self, network: RegionNetwork) -> None:
        image = phantom(HELD_OUT[0], "hand").image
        large = np.kron(image, np.ones((3, 3), np.float32)) * 40 - 1000
        one, other = network.probabilities([image]), network.probabilities([large])
        np.testing.assert_allclose(one, other, atol=2e-3)

"""A network that takes the texture of a region: where it looks, what it is fed, what becomes of images without any."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from pydicom.dataset import Dataset

from orthanc_plugin.errors import ConfigurationError, Unsuitable
from orthanc_plugin.imaging.image import Images, images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.parenchyma import Box
from orthanc_plugin.imaging.roi import GivenRegion, given_region
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.inference.check import disagreements, dry_run
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.model import RawOutput, infer
from orthanc_plugin.inference.texture import Canvas
from orthanc_plugin.routing.folder import Model, read_card
from orthanc_plugin.routing.network import Texture
from tests.builders import series, ultrasound
from tests.inference import graphs

NUMBERS = ["autocorrelation", "sum-average", "mean-grey"]
TEXTURE = {"features": NUMBERS, "range_filter": 3}
CLASSES: dict[str, Any] = {
    "from": {"stage": "grade", "output": "logits"},
    "activation": "softmax",
    "exclusive": True,
    "items": [
        {"label": name, "code": graphs.concept(name, name), "threshold": 0.3} for name in ("Coarse", "Middle", "Fine")
    ],
    "heat_map": {"stage": "grade", "output": "logits", "quantity": "probability"},
}


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    device = Device("cpu")
    yield device
    device.close()


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The numbers themselves are its logits."""
    return grading(tmp_path_factory.mktemp("grader"))


def grading(folder: Path, **changes: Any) -> Model:
    folder = folder / "grader"
    folder.mkdir(exist_ok=True)
    path = folder / "model.onnx"
    graphs.write(path, [helper.make_node("Identity", ["hu"], ["logits"])], ["n", "k"], outputs={"logits": ["n", "k"]})
    stage = graphs.stage(name="grade", kind="texture", outputs=["logits"], rows=40, columns=40, texture=TEXTURE)
    return graphs.model(folder, [stage | changes], {"classes": CLASSES})


def of(*datasets: Dataset) -> Images:
    return images(assemble([decode(series.part10(dataset)) for dataset in datasets]))


def run(device: Device, model: Model, on: Images, given: GivenRegion | None = None) -> RawOutput:
    return infer(device, model, {"series": on}, 10, lambda: None, given=given)


def test_the_network_gets_the_numbers_of_the_region(device: Device, grader: Model) -> None:
    on = of(ultrasound.dataset())

    raw = run(device, grader, on)

    (region,) = raw.regions
    assert (region.box.width, region.box.height) == (40, 40)
    assert ultrasound.fan()[region.box.window].all()
    fed = [region.numbers[name] for name in NUMBERS]
    np.testing.assert_allclose(raw.said["grade"].answers["logits"], [fed], rtol=1e-6)
    canvas = Canvas.of(Texture.model_validate(TEXTURE), on.plane(0))
    np.testing.assert_allclose(canvas.fed([region.box]), [fed], rtol=1e-6)


def test_of_several_regions_an_image_has_the_mean(device: Device, tmp_path: Path) -> None:
    model = grading(tmp_path, texture={**TEXTURE, "windows": 3})

    raw = run(device, model, of(ultrasound.dataset(frames=2)))

    assert [region.index for region in raw.regions] == [0, 0, 0, 1, 1, 1]
    of_first = [region.box for region in raw.regions[:3]]
    assert not any(one.covers(other) for one, other in itertools.combinations(of_first, 2))
    for index, said in enumerate(raw.said["grade"].answers["logits"]):
        fed = [[r.numbers[name] for name in NUMBERS] for r in raw.regions if r.index == index]
        np.testing.assert_allclose(said, np.mean(fed, axis=0), rtol=1e-6)


def test_finer_speckle_has_larger_numbers() -> None:
    """The grain that stands beside a region is rank for rank the same."""
    box = Box(120, 120, 40, 40)
    texture = Texture.model_validate(TEXTURE)

    fine, coarse = (Canvas.of(texture, ultrasound.speckle(3, grain)).numbers(box) for grain in (0.6, 2.0))

    assert fine["autocorrelation"] > 1.5 * coarse["autocorrelation"]
    assert fine["grain-down"] < coarse["grain-down"]
    assert abs(fine["mean-grey"] - coarse["mean-grey"]) < 0.1


def test_a_region_that_is_given_is_looked_at(device: Device, grader: Model) -> None:
    raw = run(device, grader, of(ultrasound.dataset()), given_region({"roi": "130,150,30,20"}))

    assert [region.box for region in raw.regions] == [Box(130, 150, 30, 20)]


def test_a_region_on_one_frame_leaves_the_others_out(device: Device, grader: Model) -> None:
    clip = of(ultrasound.dataset(frames=3))

    raw = run(device, grader, clip, given_region({"roi": "130,150,40,40", "roi_frame": 2}))

    assert [region.index for region in raw.regions] == [1]
    assert raw.classification is not None and raw.classification.index == 1
    assert len(raw.said["grade"].answers["logits"]) == 1


def test_a_region_that_lies_nowhere_is_refused(device: Device, grader: Model) -> None:
    with pytest.raises(Unsuitable) as caught:
        run(device, grader, of(ultrasound.dataset()), given_region({"roi": "130,150,40,40", "roi_instance": "1.2.3"}))
    assert caught.value.sentence == (
        "The region that was given lies on no image of the job; correct roi_instance or roi_frame."
    )


def test_images_without_even_tissue_are_left_out(device: Device, grader: Model) -> None:
    clip = ultrasound.dataset(frames=2)
    frame = ultrasound.ROWS * ultrasound.COLUMNS
    clip.PixelData = clip.PixelData[:frame] + bytes(frame)

    assert [region.index for region in run(device, grader, of(clip)).regions] == [0]


def test_without_any_even_tissue_the_job_ends_with_a_sentence(device: Device, grader: Model) -> None:
    blank = ultrasound.dataset()
    blank.PixelData = bytes(len(blank.PixelData))

    with pytest.raises(Unsuitable) as caught:
        run(device, grader, of(blank))
    assert caught.value.sentence == (
        "No even tissue of 40 x 40 pixels was found on any image; name a region by the parameter roi, or draw one in "
        "the viewer."
    )


def test_the_heat_map_is_what_the_network_says_elsewhere(device: Device, grader: Model) -> None:
    """Of the likeliest class, which is the largest number; on the image, and nowhere else."""
    raw = run(device, grader, of(ultrasound.dataset()))

    assert raw.classification is not None and raw.classification.heat_yx is not None
    heat = raw.classification.heat_yx
    assert heat.shape == (ultrasound.ROWS, ultrasound.COLUMNS)
    assert not heat[~ultrasound.fan()].any()
    (region,) = raw.regions
    middle = heat[region.box.top + 20, region.box.left + 20]
    np.testing.assert_allclose(middle, region.numbers["autocorrelation"], rtol=0.15)


def test_the_graph_takes_as_many_numbers_as_the_card_names(device: Device, grader: Model, tmp_path: Path) -> None:
    assert disagreements(device, grader) == ()
    dry_run(device, grader)

    narrow = tmp_path / "narrow"
    narrow.mkdir()
    graphs.write(
        narrow / "model.onnx",
        [helper.make_node("Identity", ["hu"], ["logits"])],
        ["n", 2],
        outputs={"logits": ["n", 2]},
    )
    stage = graphs.stage(name="grade", kind="texture", outputs=["logits"], rows=40, columns=40, texture=TEXTURE)
    wrong = graphs.model(narrow, [stage], {"classes": CLASSES})
    assert disagreements(device, wrong) == (
        "The graph model.onnx of narrow takes ? x 2 in hu, where its card says 4 x 3.",
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"texture": None}, "the stage grade has texture without being of that kind, or the other way round"),
        ({"kind": "image"}, "the stage grade has texture without being of that kind, or the other way round"),
        ({"roles": ["series", "other"]}, "the stage grade looks at texture, which is that of the images of one role"),
        ({"depth": 3}, "the stage grade has a depth, which only stacks and volumes have"),
        (
            {"spacing_mm": [None, 1, 1]},
            "the stage grade takes single images, which have no spacing in three directions",
        ),
    ],
)
def test_a_stage_that_looks_at_texture_is_checked(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        grading(tmp_path, **changes)
    assert says in caught.value.sentence


def test_texture_draws_nothing(tmp_path: Path) -> None:
    grading(tmp_path)
    wanted = {"label": "Sure", "from": {"stage": "grade", "output": "logits"}}
    coded = {"quantity": graphs.concept("q", "Quantity"), "unit": graphs.concept("1", "no units")}
    stage = graphs.stage(name="grade", kind="texture", outputs=["logits"], rows=40, columns=40, texture=TEXTURE)

    with pytest.raises(ConfigurationError) as caught:
        graphs.model(tmp_path / "grader", [stage], {"maps": [wanted | coded]})
    assert "the stage grade looks at texture and draws a heat map of classes alone" in caught.value.sentence


def test_the_region_s_side_is_known_to_routing(grader: Model) -> None:
    assert grader.card.region_px == 40
    assert read_card(Path("onnx_models/abdominal-muscle-ct")).region_px is None

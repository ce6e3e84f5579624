"""Networks, training and data of breast-mass-mg, so small that they are over in seconds."""

from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
import torch
from PIL import Image
from pydicom.sr.codedict import codes

from export.breast_mass_mg.data import centred, parts_of, roughened, samples, training_batches
from export.breast_mass_mg.export import export_network
from export.breast_mass_mg.model import BreastLevels, DeconvolutionNet, Levels, Unpool, build_network
from export.breast_mass_mg.settings import Augmentation, Settings, Split, read_settings
from export.breast_mass_mg.sources import DicomPair, mammograms
from export.breast_mass_mg.train import train
from export.checkpoints import SettingsError
from export.phantoms.mammography.dicom import write_study
from orthanc_plugin.inference.regions import squared

CONFIGS = Path(__file__).parents[2] / "export" / "breast_mass_mg" / "configs"
CPU = torch.device("cpu")


def tiny(network: str, **changes: object) -> Settings:
    """A patient for each part."""
    settings = read_settings(CONFIGS / f"{network}.json")
    rows, columns = (64, 48) if network == "find" else (48, 48)
    small = {
        "name": "tiny", "rows": rows, "columns": columns, "channels": (4, 4, 8), "batch": 2, "iterations": 3,
        "every": 2, "split": Split(train=2, validation=2, test=2),
    }  # fmt: skip
    return settings.model_copy(update=small | changes)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_unpooling_puts_values_where_the_largest_were() -> None:
    seen = torch.rand(3, 5, 12, 16)
    values, places = torch.nn.functional.max_pool2d(seen, 2, return_indices=True)
    torch.testing.assert_close(Unpool(12, 16)(values, places), torch.nn.functional.max_unpool2d(values, places, 2))


@pytest.mark.parametrize(("rows", "columns"), [(150, 150), (160, 160), (33, 47)])
def test_the_deconvolution_network_answers_on_the_matrix_that_it_is_given(rows: int, columns: int) -> None:
    network = DeconvolutionNet((2, 2, 4), rows, columns).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 1, rows, columns)).shape == (1, 1, rows, columns)


def test_levels_are_the_same_whatever_curve_a_detector_bends_grey_values_by() -> None:
    finished = torch.rand(1, 1, 40, 40) * 0.8 + 0.1
    raw = 16383 - 12000 * torch.exp(-2.0 * finished)
    levels = Levels(1600)
    assert (levels(finished) - levels(raw)).abs().max() < 0.03


def test_levels_of_a_breast_do_not_hang_on_how_much_air_is_beside_it() -> None:
    narrow, wide = torch.zeros(1, 1, 40, 40), torch.zeros(1, 1, 40, 40)
    breast = torch.rand(40, 10) * 1000 + 2000
    narrow[0, 0, :, :10] = breast
    wide[0, 0, :, :20] = torch.cat([breast, breast], dim=1)
    levels = BreastLevels(1600)
    assert (levels(narrow)[..., :10] - levels(wide)[..., :10]).abs().max() < 0.02
    assert levels(narrow)[..., 10:].max() == 0


@pytest.mark.parametrize("network", ["find", "deconvolution", "unet"])
def test_a_training_that_was_interrupted_ends_as_one_that_was_not(network: str, cache: Path, tmp_path: Path) -> None:
    whole = train(tiny(network), "phantoms", tmp_path / "whole", cache, CPU)
    stopped = tmp_path / "stopped"
    state = torch.load(train(tiny(network, iterations=3, every=1), "phantoms", stopped, cache, CPU), weights_only=True)
    assert state["iterations"] == 3 and state["seed"] == tiny(network).seed
    first = torch.load(whole, weights_only=True)["network"]
    for name, weights in state["network"].items():
        torch.testing.assert_close(weights, first[name])


def test_a_checkpoint_of_another_configuration_is_not_gone_on_with(cache: Path, tmp_path: Path) -> None:
    path = train(tiny("unet", iterations=1), "phantoms", tmp_path, cache, CPU)
    with pytest.raises(SettingsError) as failure:
        train(tiny("unet", iterations=2), "phantoms", tmp_path, cache, CPU)
    assert str(failure.value) == (f"{path} was trained with another configuration; give another --out or remove it.")


@pytest.mark.parametrize("network", ["find", "deconvolution", "unet"])
def test_the_graph_says_what_the_network_says(network: str, cache: Path, tmp_path: Path) -> None:
    """For one item and for several."""
    checkpoint = train(tiny(network), "phantoms", tmp_path, cache, CPU)
    assert export_network(checkpoint, tmp_path / "served.onnx", cache) < 1e-2


def test_no_patient_is_in_two_parts_and_all_networks_share_them() -> None:
    parts = [parts_of("phantoms", Split(train=8, validation=4, test=4)) for _ in range(2)]
    patients = [{image.patient for image in part} for part in (parts[0].train, parts[0].validation, parts[0].test)]
    assert [len(each) for each in patients] == [4, 2, 2]
    assert not (patients[0] & patients[1] or patients[0] & patients[2] or patients[1] & patients[2])
    assert [image.name for image in parts[0].test] == [image.name for image in parts[1].test]
    of_paper = {"train": 456, "validation": 60, "test": 80}
    splits = [read_settings(CONFIGS / f"{name}.json").split for name in ("find", "deconvolution", "unet")]
    assert [split.model_dump(exclude={"more"}) for split in splits] == [of_paper] * 3


def test_further_phantoms_are_of_patients_of_no_other_part() -> None:
    usual, wider = (parts_of("phantoms", Split(train=8, validation=4, test=4, more=more)) for more in (0, 6))
    assert (usual.validation, usual.test) == (wider.validation, wider.test)
    assert wider.train[: len(usual.train)] == usual.train
    further = {image.patient for image in wider.train} - {image.patient for image in usual.train}
    assert len(further) == 3
    assert not further & {image.patient for image in (*usual.validation, *usual.test)}


def test_images_are_made_rougher_where_something_is_seen_and_alike_from_one_seed() -> None:
    images = torch.full((64, 1, 32, 32), 0.5)
    images[..., :8] = 0
    once, again = (roughened(np.random.default_rng(3), images, 0.1) for _ in range(2))
    assert torch.equal(once, again)
    assert torch.equal(once[..., :8], images[..., :8])
    spread = once[..., 10:].std(dim=(1, 2, 3))
    assert once.min() >= 0 and once.max() <= 1
    assert 0 < spread.min() < 0.03 < 0.07 < spread.max() < 0.11
    assert roughened(np.random.default_rng(3), images, 0) is images


def test_what_is_trained_on_turns_with_its_truth(cache: Path) -> None:
    settings = tiny("unet")
    seen = samples(parts_of("phantoms", settings.split).train, settings, "phantoms", cache)
    doubled = type(seen)(seen.truth * 1000, seen.truth)
    images, truth = next(training_batches(doubled, settings, 0))
    torch.testing.assert_close(images, truth * 1000, atol=1.0, rtol=1e-3)


def test_unmoved_a_region_is_what_the_node_would_be_given(cache: Path) -> None:
    still = Augmentation(turn_degrees=0, scale_share=0, shift_share=0)
    settings = tiny("unet", augmentation=still, batch=40, rows=160, columns=160)
    held = samples(parts_of("phantoms", settings.split).validation, settings, "phantoms", cache)
    given = torch.from_numpy(centred(held, settings).images)
    turned = [each for turns in range(4) for each in torch.rot90(given, turns, (1, 2))]
    wanted = torch.stack([*turned, *(each.flip(0) for each in turned)])
    images, _ = next(training_batches(held, settings, 0))
    for image in images[:, 0]:
        apart = (wanted - image).abs().mean(dim=(1, 2)).min()
        assert apart < 0.02 * image.std()


def test_parts_of_whole_images_hold_masses_more_often_than_not(cache: Path) -> None:
    """As large beside the image as the image is: half of the images of each patient here show one."""
    settings = tiny("find", rows=640, columns=480, batch=24)
    seen = samples(parts_of("phantoms", settings.split).train, settings, "phantoms", cache)
    images, truth = next(training_batches(seen, settings, 0))
    assert images.shape == truth.shape == (24, 1, 128, 128)
    ill = (seen.truth.max(axis=(1, 2)) > 0.5).mean()
    assert (truth.amax(dim=(1, 2, 3)) > 0.3).float().mean() > 0.5 * ill


def pairs(folder: Path) -> list[Path]:
    paths = write_study(21, folder, pixel_mm=1.0, intent="FOR PRESENTATION", with_mass=True)
    return [path.rename(path.with_name(f"{path.stem}.dcm")) for path in paths]


def test_real_data_comes_with_masks_as_pictures(tmp_path: Path) -> None:
    path = pairs(tmp_path)[0]
    mask = np.zeros(pydicom.dcmread(path).pixel_array.shape, np.uint8)
    mask[100:120, 30:60] = 255
    mask[200:210, 10:20] = 255
    Image.fromarray(mask).save(path.with_name(f"{path.stem}_mask.png"))
    found = mammograms(f"dicom:{tmp_path}", 0)
    assert len(found) == 4
    [labelled] = [each for each in found if each.masses]
    assert [box.shape for box in labelled.masses] == [(20, 30), (10, 10)]
    pixels, truth = labelled.part(squared(labelled.masses[0], 0.1, labelled.shape))
    assert pixels.shape == truth.shape == (36, 36) and int(truth.sum()) == 600


def test_real_data_comes_with_segmentations(tmp_path: Path) -> None:
    path = pairs(tmp_path)[1]
    source = pydicom.dcmread(path)
    mask = np.zeros((1, *source.pixel_array.shape), np.uint8)
    mask[0, 50:80, 20:40] = 1
    described = hd.seg.SegmentDescription(
        1, "Mass", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Mass, hd.seg.SegmentAlgorithmTypeValues.MANUAL
    )
    outlined = hd.seg.Segmentation(
        [source], mask, "BINARY", [described], hd.UID(), 9, hd.UID(), 1, "Tests", "Tests", "1", "1"
    )
    outlined.save_as(tmp_path / "outlines.dcm")
    [labelled] = [each for each in mammograms(f"dicom:{tmp_path}", 0) if each.masses]
    assert isinstance(labelled, DicomPair) and labelled.path == path
    assert [box.shape for box in labelled.masses] == [(30, 20)]


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    path = pairs(tmp_path)[0]
    Image.fromarray(np.ones((5, 5), np.uint8)).save(path.with_name(f"{path.stem}_mask.png"))
    with pytest.raises(SettingsError) as failure:
        mammograms(f"dicom:{tmp_path}", 0)
    assert str(failure.value) == (
        f"{path.stem}_mask.png has 5 x 5 pixels, its mammogram 280 x 210; give a mask of the mammogram's own size."
    )


def test_data_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^The data is 'nifti:x'; it must be phantoms or dicom:FOLDER\.$"):
        mammograms("nifti:x", 4)


def test_an_unknown_key_of_a_configuration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text((CONFIGS / "unet.json").read_text().replace('"margin"', '"margn"', 1).replace(
        '"seed"', '"sead"'))  # fmt: skip
    with pytest.raises(ValueError, match="sead"):
        read_settings(tmp_path / "odd.json")


def test_each_configuration_makes_its_network() -> None:
    for name in ("find", "deconvolution", "unet"):
        settings = read_settings(CONFIGS / f"{name}.json")
        assert sum(weights.numel() for weights in build_network(settings).parameters()) < 1_000_000

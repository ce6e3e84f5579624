"""The training of the model of fatty liver in small, its phantoms as DICOM, and that the shipped graph is its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from pydicom import dcmread

from export.checkpoints import SettingsError
from export.liver_steatosis_us.data import Cases, DataError, cases_of, folder_cases
from export.liver_steatosis_us.export import FOLDER, INPUT, OUTPUTS, PARITY, export_network, load_trained
from export.liver_steatosis_us.model import GradedStrangeness, by_factors
from export.liver_steatosis_us.settings import USED, Settings, read_settings
from export.liver_steatosis_us.train import train
from export.phantoms.ultrasound.dicom import KINDS, Kind, write_study
from export.phantoms.ultrasound.image import liver
from orthanc_plugin.imaging.image import images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.check import check
from orthanc_plugin.routing.folder import read
from tests import judges
from tests.builders import ultrasound


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real data in small: speckle that is the finer the higher its grade, ten pictures of as many patients each."""
    from PIL import Image

    out = tmp_path_factory.mktemp("livers")
    for grade, (name, coarse) in enumerate((("normal", 2.2), ("mild", 1.5), ("moderate", 1.0), ("severe", 0.6))):
        (out / name).mkdir()
        for patient in range(10):
            grey = ultrasound.speckle(100 * grade + patient, coarse).astype(np.uint8)
            Image.fromarray(grey).save(out / name / f"P{grade}{patient}_1.png")
    return out


@pytest.fixture(scope="module")
def small() -> Settings:
    settings = read_settings()
    texture = settings.texture.model_copy(update={"windows": 2})
    return settings.model_copy(update={"epochs": 150, "region_px": 40, "texture": texture})


@pytest.fixture(scope="module")
def checkpoint(folder: Path, small: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    return train(small, str(folder), out, out, 1)


def test_a_training_learns_and_its_graph_says_the_same(
    checkpoint: Path, folder: Path, small: Settings, tmp_path: Path
) -> None:
    trained = load_trained(checkpoint)
    cases = folder_cases(small, folder)

    probability, strangeness = trained.served(torch.from_numpy(cases.numbers))
    assert (probability.argmax(dim=1).numpy() == cases.grades).mean() > 0.9
    assert (strangeness.detach().numpy() > 1).mean() < 0.2
    assert export_network(trained, tmp_path / "model.onnx") < PARITY
    kept = {each.key: each.value for each in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert Settings.model_validate_json(kept["settings"]) == small
    assert kept["trained_on"].endswith("no patient data")


def test_a_training_goes_on_where_it_ended(checkpoint: Path, folder: Path, small: Settings, tmp_path: Path) -> None:
    """To the same network as in one go."""
    train(small.model_copy(update={"epochs": 100}), str(folder), tmp_path, tmp_path, 1)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    torch.save(state | {"settings": small.model_dump_json()}, tmp_path / "checkpoint.pt")

    again = load_trained(train(small, str(folder), tmp_path, tmp_path, 1)).network

    for name, value in load_trained(checkpoint).network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value)


def test_a_checkpoint_of_another_configuration_is_refused(checkpoint: Path, folder: Path, small: Settings) -> None:
    with pytest.raises(SettingsError) as caught:
        train(small.model_copy(update={"hidden": 3}), str(folder), checkpoint.parent, checkpoint.parent, 1)
    assert str(caught.value) == (
        f"{checkpoint} was trained with another configuration; give another --out or remove it."
    )


def test_a_folder_without_a_grade_is_refused(tmp_path: Path, small: Settings) -> None:
    (tmp_path / "normal").mkdir()
    with pytest.raises(DataError) as caught:
        folder_cases(small, tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} has no images in normal; it needs folders named normal, mild, moderate, severe."
    )


def test_the_network_takes_the_four_numbers_alone(checkpoint: Path) -> None:
    network = load_trained(checkpoint).network
    numbers = torch.rand(5, 12)
    other = torch.cat([numbers[:, :USED], torch.rand(5, 12 - USED)], dim=1)

    torch.testing.assert_close(network(numbers), network(other))


def test_what_is_unlike_every_grade_is_strange() -> None:
    """Each number of the two grades is common, but not these together."""
    torch.manual_seed(3)
    numbers = torch.rand(400, 6) * 0.1 + 1
    grades = torch.arange(400) % 4
    numbers[:, USED:] += grades[:, None]
    numbers[:, :USED] *= (1 + grades[:, None]) ** 2
    strangeness = GradedStrangeness.fitted(numbers, grades, numbers, 0.95)

    mixed = torch.cat([numbers[grades == 0][:50, :USED], numbers[grades == 3][:50, USED:]], dim=1)
    assert 0.05 <= float((strangeness(numbers) > 1).float().mean()) <= 0.1, "a twentieth by each of the two bounds"
    assert bool((strangeness(mixed) > 3).all())
    one_off = numbers.clone()
    one_off[:, -1] += 0.4
    assert bool((strangeness(one_off) > 1).all())
    torch.testing.assert_close(by_factors(numbers)[:, USED:], numbers[:, USED:])


class TestShipped:
    def test_it_is_what_the_configuration_makes(self) -> None:
        settings = read_settings()
        kept = {each.key: each.value for each in onnx.load(FOLDER / "model.onnx").metadata_props}
        stage = read(FOLDER).card.stages[0]

        assert Settings.model_validate_json(kept["settings"]) == settings
        assert stage.texture == settings.texture
        assert (stage.rows, stage.columns) == (settings.region_px, settings.region_px)
        assert (stage.input, stage.outputs) == (INPUT, OUTPUTS)

    def test_the_card_and_the_graph_agree(self) -> None:
        device = Device("cpu")
        try:
            findings = check(FOLDER, device)
        finally:
            device.close()
        assert [finding.sentence for finding in findings if not finding.well] == []


@pytest.mark.parametrize("kind", KINDS)
def test_phantoms_are_images_of_ultrasound(kind: Kind, tmp_path: Path) -> None:
    """Two frames of one, one of the others; the judge does not know YBR_FULL, which machines do send."""
    (path,) = write_study(5, tmp_path, kind=kind, frames=2 if kind == "RGB" else 1)

    said = judges.dciodvfy(path)
    assert said == [] or (kind == "YBR_FULL" and len(said) == 2)
    read_again = images(assemble([decode(path.read_bytes())]))
    assert len(read_again) == (2 if kind == "RGB" else 1)
    assert dcmread(path).BurnedInAnnotation == "YES"


def test_the_same_seed_gives_the_same_phantom_and_another_hospital_another() -> None:
    one, again, shifted = liver(3), liver(3), liver(3, shifted=True)

    np.testing.assert_array_equal(one.grey, again.grey)
    assert one.grade == again.grade == shifted.grade == 3
    assert one.grey.shape != shifted.grey.shape or (one.grey != shifted.grey).any()
    assert one.liver.sum() > 0.15 * one.inside.sum()


def test_a_picture_without_tissue_gives_no_cases(small: Settings) -> None:
    assert cases_of(small, np.zeros((200, 200), np.float32), 0, 1) is None


def test_only_what_the_node_looks_at(small: Settings) -> None:
    cases = cases_of(small, ultrasound.speckle(), 2, 7)

    assert cases is not None and len(cases) == 2
    assert cases.patients.tolist() == [7, 7] and cases.images.patients.tolist() == [7]


def test_an_image_is_told_by_the_mean_of_its_regions() -> None:
    numbers = np.zeros((3, 1), np.float32)
    flat = np.zeros(3, np.float32)
    pictures = np.zeros((3, 1, 1), np.uint8)
    cases = Cases(numbers, np.zeros(3, np.int64), np.array([1, 1, 2]), np.array([1, 0, 1], bool), pictures, flat, flat)

    said = cases.by_image(np.array([(0.2, 0.8), (0.4, 0.6), (1.0, 0.0)], np.float64))

    np.testing.assert_allclose(said, [(0.3, 0.7), (1.0, 0.0)])

"""liver-cirrhosis-ct: its phantoms, its training, and the graph that comes out of it, all tiny."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from export.checkpoints import SettingsError
from export.graph import write_graph
from export.liver_cirrhosis_ct import SIGNS, VALUES
from export.liver_cirrhosis_ct.data import parts_of, pool_of, training_batches
from export.liver_cirrhosis_ct.export import CARD, OUTPUTS, examples, history, load_trained, served, write_card
from export.liver_cirrhosis_ct.model import Fusion, Served
from export.liver_cirrhosis_ct.settings import Augmentation, Settings, Split, read_settings
from export.liver_cirrhosis_ct.sources import PhantomEntry, list_entries
from export.liver_cirrhosis_ct.train import astray, train
from export.phantoms import abdomen
from export.phantoms.dicom import write_series
from export.phantoms.liver.case import draw_case, phantom
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.check import check
from orthanc_plugin.routing.card import Card

CONFIG = Path(__file__).parents[2] / "export" / "liver_cirrhosis_ct" / "configs" / "standard.json"
ROWS = 32  # rather than what a liver is seen on


def tiny(**changes: object) -> Settings:
    steady = Augmentation(turn_degrees=8, shift_share=0.05, scale_share=0.1, noise_hu=8, offset_hu=10, gain_share=0.04)
    return read_settings(CONFIG).model_copy(
        update={
            "name": "tiny", "rows": ROWS, "split": Split(train=4, validation=2, test=2), "slices": 3,
            "slices_an_epoch": 2, "epochs": 2, "batch": 4, "liver_least": 0.0, "augmentation": steady, **changes,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    return train(tiny(), "phantoms", tmp_path_factory.mktemp("run"), cache)


@pytest.fixture(scope="module")
def module(checkpoint: Path, cache: Path) -> Served:
    trained, parts = load_trained(checkpoint), parts_of("phantoms", tiny())
    return served(trained, pool_of(parts.train, tiny(), cache), pool_of(parts.validation, tiny(), cache))


def test_the_same_seed_is_the_same_patient_and_another_generator_is_another() -> None:
    once, again, other = (draw_case(3, shifted=shifted) for shifted in (False, False, True))
    level = float(once.heights(5.0)[-8])
    np.testing.assert_array_equal(once.render(level, 64).hu, again.render(level, 64).hu)
    assert once.disease == again.disease
    assert other.disease != once.disease


def test_the_liver_lies_above_and_its_share_says_how_much_is_seen() -> None:
    case = draw_case(5)
    shares = [case.render(float(z), 64).share for z in case.heights(20.0)]
    assert max(shares) > 0.15
    assert shares[0] == 0.0
    assert int(np.argmax(shares)) > len(shares) // 2


def test_the_abdomen_without_a_liver_of_its_own_is_the_one_that_it_was() -> None:
    """The other phantoms' figures rest on what their seeds draw."""
    assert abdomen.draw_anatomy(5).organs.solids[0].tissue == "liver"
    assert {solid.tissue for solid in draw_case(5).anatomy.organs.solids}.isdisjoint({"liver", "spleen"})


def test_no_patient_is_in_two_parts() -> None:
    parts = parts_of("phantoms", read_settings(CONFIG))
    patients = [{entry.patient for entry in part} for part in (parts.train, parts.validation, parts.test)]
    assert [len(part) for part in patients] == [400, 100, 240]
    assert len(set.union(*patients)) == 740


def test_an_epoch_is_the_same_after_a_resumption(cache: Path) -> None:
    pool = pool_of(parts_of("phantoms", tiny()).train, tiny(), cache)
    once, again = (next(training_batches(pool, tiny(), 1)) for _ in range(2))
    torch.testing.assert_close(once.hu, again.hu)
    torch.testing.assert_close(once.clinical, again.clinical, equal_nan=True)
    assert not torch.equal(once.hu, next(training_batches(pool, tiny(), 0)).hu)


def test_values_that_nobody_knows_add_nothing() -> None:
    fusion = Fusion().eval()
    fusion.standard.learn(torch.rand(20, len(VALUES)) * 100)
    logit = torch.linspace(-3, 3, 5)
    unknown = torch.full((5, len(VALUES)), torch.nan)
    assert fusion(logit, unknown).abs().max() == 0
    known = unknown.clone()
    known[:, 2] = 40.0
    assert fusion(logit, known).abs().min() > 0


def test_a_peak_that_is_not_in_the_liver_costs_what_it_surpasses_the_liver_by() -> None:
    liver = torch.zeros(4, 2, 2)
    liver[:2, 0, 0] = 1.0
    liver[3] = 1.0
    activation = torch.tensor([[[5.0, 1], [1, 1]], [[1.0, 4], [1, 1]], [[1.0, 4], [1, 1]], [[1.0, 4], [1, 1]]])
    activation.requires_grad_()

    cost = astray(activation, liver)

    assert cost.tolist() == [0.0, 3.5, 0.0, 0.0]
    torch.autograd.backward(cost.sum())
    assert activation.grad is not None and torch.isfinite(activation.grad).all()
    assert activation.grad[1].tolist() == [[-1, 1], [0, 0]] and not activation.grad[[0, 2, 3]].any()


def test_a_training_goes_on_where_it_ended_and_refuses_another_configuration(checkpoint: Path, cache: Path) -> None:
    state = torch.load(checkpoint, weights_only=True)
    assert (state["epochs"], state["seed"], state["data"]) == (2, 241, "phantoms")
    assert Settings.model_validate_json(state["settings"]) == tiny()
    with pytest.raises(SettingsError) as refusal:
        train(tiny(seed=1), "phantoms", checkpoint.parent, cache)
    assert str(refusal.value) == (
        f"{checkpoint} was trained with another configuration; give another --out or remove it."
    )


def test_the_graph_says_what_the_network_says(module: Served, checkpoint: Path, cache: Path, tmp_path: Path) -> None:
    held = pool_of(parts_of("phantoms", tiny()).validation, tiny(), cache)
    given = examples(held)
    assert torch.isnan(given["clinical"]).any()
    trained = load_trained(checkpoint)
    path = tmp_path / "model.onnx"
    assert write_graph(module, path, given, OUTPUTS, history(trained), half=False, tolerance=1e-3) < 1e-3
    with torch.inference_mode():
        nobody = torch.full_like(given["clinical"], torch.nan)
        both, alone, share, _, strangeness = module(given["hu"], nobody)
    torch.testing.assert_close(both, alone)
    assert share.shape == strangeness.shape == (4,)


def test_the_node_takes_the_graph_by_its_card(module: Served, checkpoint: Path, cache: Path, tmp_path: Path) -> None:
    folder, trained = tmp_path / "liver-cirrhosis-ct", load_trained(checkpoint)
    held = pool_of(parts_of("phantoms", tiny()).validation, tiny(), cache)
    write_graph(module, folder / "model.onnx", examples(held), OUTPUTS, history(trained), half=False, tolerance=1e-3)
    write_card(folder / "card.json", trained.settings)
    device = Device("cpu")
    try:
        assert [finding.sentence for finding in check(folder, device) if not finding.well] == []
    finally:
        device.close()


def test_the_card_speaks_of_the_values_in_the_graph_s_order() -> None:
    card = Card.model_validate_json(CARD.read_bytes())
    [stage] = card.stages
    assert stage.clinical is not None and stage.clinical.names == VALUES
    assert stage.outputs == OUTPUTS
    [sex] = [given for given in card.clinical_inputs if given.name == "sex"]
    assert sex.as_numbers == {"M": 1, "F": 0}
    settings = read_settings(CONFIG)
    assert (stage.rows, card.outputs.classes.where.least) == (settings.rows, settings.liver_least)  # type: ignore[union-attr]


def test_real_data_are_series_whose_patients_the_labels_name(tmp_path: Path) -> None:
    for seed in (4, 6):
        write_series(phantom(draw_case(seed), rows=64, spacing_mm=40.0), tmp_path / str(seed))
    rows = [["patient", "cirrhosis", "sex", "inr", "ascites_mm"], ["PHANTOM-4", "1", "F", "1.4", ""]]
    with (tmp_path / "labels.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows(rows)
    [entry] = list_entries(f"dicom:{tmp_path}", 0)
    scan = entry.load(4, ROWS)
    assert (entry.patient, scan.cirrhosis, scan.hu.shape) == ("PHANTOM-4", True, (4, ROWS, ROWS))
    known = dict(zip(VALUES, scan.clinical.tolist(), strict=True))
    assert known["sex"] == 0.0 and known["inr"] == pytest.approx(1.4) and np.isnan(known["age_years"])
    assert np.isnan(scan.share).all() and np.isnan(scan.signs).all()
    drawn = PhantomEntry(4).load(4, ROWS)
    assert len(drawn.signs) == len(scan.signs) == len(SIGNS)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("nifti:x", "The data is 'nifti:x'; it must be phantoms or dicom:FOLDER."),
        ("dicom:{}", "There is no labels.csv in {}; it says of each patient whether it is cirrhosis."),
    ],
)
def test_data_that_are_none(data: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        list_entries(data.format(tmp_path), 0)
    assert str(refusal.value) == sentence.format(tmp_path)

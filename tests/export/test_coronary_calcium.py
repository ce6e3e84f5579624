"""The training of the model of coronary calcium in small, its phantoms, and where the shipped graph is weak."""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import onnx
import pydicom
import pytest
import torch
from pydicom.sr.codedict import codes
from scipy.ndimage import maximum_filter

from export.checkpoints import SettingsError
from export.coronary_calcium_ct import train as training
from export.coronary_calcium_ct.data import Batch, Places, batch_of, kept, neighbours, parts_of, training_batches
from export.coronary_calcium_ct.export import CARD, FOLDER, INPUT, export_network, load_trained
from export.coronary_calcium_ct.figures import figures_of
from export.coronary_calcium_ct.model import CLASSES, DEPTH, CalciumNet, Served
from export.coronary_calcium_ct.settings import Augmentation, Settings, Split, read_settings
from export.coronary_calcium_ct.sources import OTHER, UNSURE, PhantomEntry, list_entries
from export.coronary_calcium_ct.train import loss_of, train, validate
from export.coronary_calcium_ct.trial import Trial, ask, taken_for_coronary, try_case
from export.evaluation.trials import read_volume
from export.phantoms.dicom import write_series
from export.phantoms.heart import ARTERIES
from export.phantoms.heart.calcium import at_the_mouth, mitral_ring
from export.phantoms.heart.case import draw_case, phantom, phantom_of, write_study
from export.phantoms.heart.paint import OWNERS
from orthanc_plugin import suited
from orthanc_plugin.inference.device import Device
from orthanc_plugin.measure.calcium import NOTHING, Score, score
from orthanc_plugin.models.check import check
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.folder import read
from tests import judges

CPU = torch.device("cpu")


def tiny(network: str = "unet", iterations: int = 4) -> Settings:
    return Settings(
        name="tiny",
        network=network,
        channels=(4, 4, 4, 4, 4),
        units_per_level=1,
        seed=3,
        split=Split(train=3, validation=1, test=1),
        pixel_mm=4.0,
        rows=64,
        around=0.7,
        augmentation=Augmentation(turn_degrees=10, shift_mm=20, scale_share=0.1, offset_hu=5, noise_hu=5),
        batch=2,
        iterations=iterations,
        learning_rate=0.01,
        every=2,
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scans")


@pytest.fixture(scope="module")
def checkpoint(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tiny(), "phantoms", tmp_path_factory.mktemp("run"), cache, CPU)


def test_an_interrupted_training_goes_on_to_the_same_network(
    checkpoint: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = training.learning_rate

    def interrupted(largest: float, done: float) -> float:
        if round(done * tiny().iterations) == 3:
            raise KeyboardInterrupt
        return rate(largest, done)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(training, "learning_rate", interrupted)
        train(tiny(), "phantoms", tmp_path, cache, CPU)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["iterations"] == 2

    torch.manual_seed(99)
    resumed = torch.load(train(tiny(), "phantoms", tmp_path, cache, CPU), weights_only=True)
    whole = torch.load(checkpoint, weights_only=True)
    for name, value in whole["network"].items():
        torch.testing.assert_close(resumed["network"][name], value)


def test_a_checkpoint_of_another_configuration_is_refused(checkpoint: Path, cache: Path) -> None:
    with pytest.raises(SettingsError, match="was trained with another configuration"):
        train(tiny(iterations=6), "phantoms", checkpoint.parent, cache, CPU)


@pytest.mark.parametrize("network", ["unet", "densenet"])
def test_the_graph_says_what_the_network_says_and_the_node_takes_it(network: str, cache: Path, tmp_path: Path) -> None:
    trained = load_trained(train(tiny(network), "phantoms", tmp_path / "run", cache, CPU))
    folder = tmp_path / "coronary-calcium-ct"
    assert export_network(trained, folder / "model.onnx") < 1e-2
    kept_in = {each.key: each.value for each in onnx.load(folder / "model.onnx").metadata_props}
    assert Settings.model_validate_json(kept_in["settings"]) == trained.settings
    assert (kept_in["iterations"], kept_in["licence"]) == ("4", "AGPL-3.0-or-later")

    card = Card.model_validate_json(CARD.read_bytes())
    stage = card.stages[0].model_copy(update={"rows": 64, "columns": 64, "spacing_mm": (None, 4.0, 4.0)})
    (folder / "card.json").write_text(card.model_copy(update={"stages": (stage,)}).model_dump_json(by_alias=True))
    device = Device("cpu")
    try:
        assert [finding.sentence for finding in check(folder, device) if not finding.well] == []
    finally:
        device.close()


def test_card_and_configurations_speak_of_the_same_grid() -> None:
    card = Card.model_validate_json(CARD.read_bytes())
    [stage] = card.stages
    for name in ("unet", "densenet"):
        settings = read_settings(CARD.parent / "configs" / f"{name}.json")
        assert (stage.rows, stage.columns, stage.depth) == (settings.rows, settings.rows, DEPTH)
        assert stage.spacing_mm == (None, settings.pixel_mm, settings.pixel_mm)
    assert (stage.input, stage.outputs) == (INPUT, Served.outputs)
    assert len(card.segments) == len(ARTERIES)


def test_no_patient_is_in_two_parts_and_batches_are_made_by_their_number(cache: Path) -> None:
    parts = parts_of("phantoms", tiny())
    names = [{entry.patient for entry in part} for part in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, names)) == len(set().union(*names)) == 5
    scans = kept(parts.train, tiny(), cache)
    whole, resumed = list(training_batches(scans, tiny(), 0)), list(training_batches(scans, tiny(), 2))
    torch.testing.assert_close(whole[2].hu, resumed[0].hu)
    assert whole[0].hu.shape == (2, DEPTH, 64, 64)
    assert int(whole[0].plaques.max()) < CLASSES
    hu = scans[0].hu()
    assert (neighbours(hu, 0)[0] == hu[0]).all() and (neighbours(hu, len(hu) - 1)[2] == hu[-1]).all()


def test_calcium_of_each_owner_is_looked_at_as_often(cache: Path) -> None:
    settings = tiny().model_copy(update={"split": Split(train=8, validation=1, test=1)})
    places = Places.of(kept(parts_of("phantoms", settings).train, settings, cache))
    rng = np.random.default_rng(5)
    seen = [scan.owner()[at] for scan, at in (places.near_calcium(rng) for _ in range(400))]
    shares = np.bincount(seen, minlength=OTHER + 1) / len(seen)
    assert shares[0] == 0
    assert {owner for owner in range(1, OTHER + 1) if shares[owner]} == set(places.of_owner)
    assert shares[list(places.of_owner)] == pytest.approx(1 / len(places.of_owner), abs=0.06)


def bright_batch() -> Batch:
    """A plaque of LAD, a ring of other calcium, bone, and what is too dark to count."""
    hu = torch.full((1, DEPTH, 32, 32), 60.0)
    owner = torch.zeros((1, 32, 32))
    hu[:, :, 4:6, 4:6], owner[:, 4:6, 4:6] = 500.0, 2
    hu[:, :, 10:12, 10:14], owner[:, 10:12, 10:14] = 600.0, OTHER
    hu[:, :, 20:30, 20:30] = 700.0
    owner[:, 6, 4:6] = UNSURE
    hu[:, :, 6, 4:6] = 140.0
    return batch_of(hu, owner)


def logits(batch: Batch, **called: int) -> torch.Tensor:
    """Sure and right but where `other` calcium or `bone` is called an artery's."""
    answer = batch.plaques.clone()
    answer[(batch.owner == OTHER)] = called.get("other", 0)
    answer[0, 20:30, 20 : 20 + called.get("bone_columns", 0)] = 3
    return torch.nn.functional.one_hot(answer, CLASSES).movedim(-1, 1).float() * 12


def test_each_kind_of_bright_voxel_is_learned_from_however_rare_it_is() -> None:
    batch = bright_batch()
    right = float(loss_of(logits(batch), batch, CPU))
    assert right < 0.01
    assert float(loss_of(logits(batch, other=3), batch, CPU)) > right + 5
    assert float(loss_of(logits(batch, bone_columns=1), batch, CPU)) > right + 0.9
    unsure = logits(batch)
    unsure[0, :, 6, 4:6] = unsure[0, :, 4, 4:6]
    assert float(loss_of(unsure, batch, CPU)) == pytest.approx(right, abs=1e-6)


def test_validation_tells_what_is_missed_from_what_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = bright_batch()
    monkeypatch.setattr(training, "middles", lambda *_: iter([batch]))

    class Answering(CalciumNet):
        def __init__(self, answer: torch.Tensor) -> None:
            super().__init__(torch.nn.Identity())
            self.answer = answer

        def forward(self, hu: torch.Tensor) -> torch.Tensor:
            return self.answer

    perfect = validate(Answering(logits(batch)), [], tiny(), CPU)
    assert (perfect.dice[1], perfect.recall[1], perfect.precision[1], perfect.taken) == (1, 1, 1, 0)
    worse = validate(Answering(logits(batch, other=2)), [], tiny(), CPU)
    assert (worse.recall[1], worse.taken) == (1, 1)
    assert worse.precision[1] == pytest.approx(4 / 12)


def test_a_phantom_is_drawn_again_as_it_was_and_its_plaques_belong_to_their_arteries() -> None:
    case = draw_case(1)
    drawn = [case.render(float(z), 160) for z in case.heights()]
    for again, once in zip((case.render(float(z), 160) for z in case.heights()[:2]), drawn, strict=False):
        assert (again.hu == once.hu).all()
    none = case.with_deposits(())
    without = [none.render(float(z), 160) for z in none.heights()]
    brighter = np.stack([a.hu.astype(int) - b.hu for a, b in zip(drawn, without, strict=True)])
    owner = np.stack([each.owner for each in drawn])
    assert (brighter > 60).sum() > 20 and owner[brighter > 60].all(), "what calcium makes bright is somebody's"


@pytest.mark.parametrize(
    ("description", "cautioned"),
    [
        (None, True),
        ("Thorax 3.0 B35f", True),
        ("CHEST UNGATED", True),
        ("Non-gated chest", True),
        ("Thorax 60% ASIR", True),
        ("CaScore 3.0 ECG", False),
        ("Chest gated", False),
    ],
)
def test_a_scan_that_did_not_wait_for_the_heart_is_cautioned(
    description: str | None, cautioned: bool, tmp_path: Path
) -> None:
    files = write_study(4, tmp_path, gated=False, rows=64)
    for file in files:
        image = pydicom.dcmread(file)
        image.ProtocolName = "Chest"
        if description is None:
            del image.SeriesDescription
        else:
            image.SeriesDescription = description
        image.save_as(file)
    said = suited.by_header(Card.model_validate_json(CARD.read_bytes()), read_volume(files))
    assert any("waited for the heart" in each for each in said) == cautioned


def trial(seed: int, truth: float, found: float, gated: bool = True) -> Trial:
    confusion = np.ones((1 + len(OWNERS), CLASSES), np.int64)
    scored = tuple((Score(value, value * 2, value / 2), NOTHING, NOTHING, NOTHING) for value in (truth, found))
    return Trial(seed, False, gated, scored[0], scored[1], confusion, (), 500.0, float("nan"))


def test_few_patients_give_figures_that_are_not_numbers_and_no_error() -> None:
    none = figures_of([trial(0, 0, 0), trial(1, 0, 0)])
    assert np.isnan(none.pearson.value) and np.isnan(none.linear_auc) and np.isnan(none.pearson_gated.value)
    assert none.zero_found.value == 1
    some = figures_of([trial(n, 10.0 * n, 10.0 * n + n % 2, gated=False) for n in range(8)])
    assert some.pearson.value > 0.99 and np.isnan(some.pearson_gated.value)
    assert some.category_right.value == 7 / 8, "a score of 11 where it is 10"
    assert some.agatston.bias == pytest.approx(0.5)


def test_the_phantom_s_dicom_is_right_and_says_what_it_is(tmp_path: Path) -> None:
    files = write_study(4, tmp_path, gated=True, rows=128)
    assert judges.dciodvfy(files[0]) == []
    header = pydicom.dcmread(files[0], stop_before_pixels=True)
    assert (header.BodyPartExamined, header.KVP, "ContrastBolusAgent" in header) == ("HEART", 120, False)
    assert "ECG" in header.SeriesDescription
    assert "ECG" not in pydicom.dcmread(write_study(4, tmp_path / "n", gated=False, rows=64)[0]).SeriesDescription


def test_real_data_are_series_with_the_arteries_outlined_by_their_names(tmp_path: Path) -> None:
    made = phantom(draw_case(1), rows=64)
    files = write_series(made, tmp_path, region="Heart")
    read_back = [pydicom.dcmread(file) for file in files]
    of_file = made.labels_zyx[::-1]  # files go from the head down
    named = ("LAD plaques", "Right coronary")
    segments = [
        highdicom.seg.SegmentDescription(
            number, label, codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.CoronaryArteryStructure
            if hasattr(codes.SCT, "CoronaryArteryStructure") else codes.SCT.Artery, "MANUAL",
        )
        for number, label in enumerate(named, start=1)
    ]  # fmt: skip
    seg = highdicom.seg.Segmentation(
        source_images=read_back,
        pixel_array=np.stack([of_file == 2, of_file == 4], axis=-1),
        segmentation_type="BINARY",
        segment_descriptions=segments,
        series_instance_uid="2.25.1", series_number=1, sop_instance_uid="2.25.2", instance_number=1,
        manufacturer="x", manufacturer_model_name="x", software_versions="x", device_serial_number="x",
        omit_empty_frames=False,
    )  # fmt: skip
    seg.save_as(tmp_path / "seg.dcm")

    [entry] = list_entries(f"dicom:{tmp_path}", 0)
    scan = entry.load(made.geometry.row_spacing_mm)
    assert scan.hu_zyx.shape == made.voxels_zyx.shape
    expected = np.where(np.isin(made.labels_zyx, (2, 4)), made.labels_zyx, 0)
    unsure = scan.owner_zyx == UNSURE
    assert (scan.owner_zyx[~unsure] == expected[~unsure]).all()
    assert (unsure == ((expected == 0) & (maximum_filter(expected, (1, 3, 3)) > 0))).all()
    assert PhantomEntry(1).load(8.0).hu_zyx.shape[0] == len(made.voxels_zyx)


def test_a_calcified_mitral_ring_is_not_taken_for_the_artery_beside_it() -> None:
    """A failure that the survey's reference states."""
    trials = []
    for seed in range(910_000, 910_004):
        case = draw_case(seed, gated=True)
        trials.append(try_case(case.with_deposits(mitral_ring(np.random.default_rng(seed), case.anatomy))))
    wrong = sum(trial.total[1].agatston for trial in trials)
    assert taken_for_coronary(trials)["mitral"] < 0.1
    assert wrong < 0.1 * sum(_score_of_all(trial.seed) for trial in trials)


def _score_of_all(seed: int) -> float:
    """Agatston of the ring, were it taken for coronary."""
    case = draw_case(seed, gated=True)
    ringed = case.with_deposits(mitral_ring(np.random.default_rng(seed), case.anatomy))
    slices = ringed.slices()
    made = phantom_of(ringed, slices)
    spacing = (made.geometry.slice_spacing_mm, made.geometry.row_spacing_mm, made.geometry.column_spacing_mm)
    owner = np.stack([each.owner for each in slices])
    return score(made.voxels_zyx.astype(np.float32), owner > len(ARTERIES), spacing, 0.8).agatston


def test_where_the_aorta_touches_a_coronary_artery_its_wall_is_left_to_it() -> None:
    """The other failure."""
    trials = []
    for seed in range(920_000, 920_004):
        case = draw_case(seed, gated=True)
        trials.append(try_case(case.with_deposits(at_the_mouth(np.random.default_rng(seed), case.anatomy))))
    total = np.sum([trial.confusion for trial in trials], axis=0)
    assert total[1, 1:].sum() > 0.6 * total[1].sum(), "the plaque at the mouth is found"
    assert taken_for_coronary(trials)["aorta"] < 0.35


def test_the_report_s_card_is_the_node_s() -> None:
    assert read(FOLDER).card == Card.model_validate_json(CARD.read_bytes())
    assert len(ask(phantom(draw_case(3), rows=128)).masks) == len(ARTERIES)

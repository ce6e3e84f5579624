"""The training of the model of conversion in small: how bright heads are, who is usual, what each answer is about."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache as cached
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from export.checkpoints import SettingsError
from export.evaluation.readme import between_marks
from export.heads import training
from export.heads.aligning import taken
from export.heads.locating import locating_batches, places_of
from export.heads.reference import BRAIN, reference_of
from export.heads.settings import Course, Moving, Split
from export.heads.trying import near
from export.heads.window import window_of
from export.mci_conversion_pet import ANSWERS, sources
from export.mci_conversion_pet.card import table, with_figures
from export.mci_conversion_pet.data import ABOUT, TRUTH, Kept, judging_batches, kept, parts_of
from export.mci_conversion_pet.export import CARD, FOLDER, INPUT, export_network, load_trained
from export.mci_conversion_pet.figures import answers_of, figures_of
from export.mci_conversion_pet.fitting import Validated, calibrate, find_healthy
from export.mci_conversion_pet.foreign import KINDS, head
from export.mci_conversion_pet.grey import evened, level_of, shown, smoothed
from export.mci_conversion_pet.model import LEARNED, ConversionNet, Served
from export.mci_conversion_pet.regression import FOLDS, _of_answer, regressed
from export.mci_conversion_pet.report import sections, summary
from export.mci_conversion_pet.settings import Settings, read_settings
from export.mci_conversion_pet.sources import PhantomEntry, list_entries
from export.mci_conversion_pet.train import train
from export.mci_conversion_pet.trial import Trial, try_case
from export.phantoms.metabolism import GROUPS, Group
from export.phantoms.metabolism.case import coarser, draw_case
from export.phantoms.metabolism.dicom import write_case
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.check import check
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.folder import read
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.rules import Verdict, explain

CPU = torch.device("cpu")
INJECTED = "RadiopharmaceuticalInformationSequence"
drawn = cached(draw_case)
STANDARD = CARD.parent / "configs" / "standard.json"


def tiny(**changes: Any) -> Settings:
    moving = Moving(turn_degrees=8, shift_mm=8, scale_share=0.05)
    usual = Settings(
        name="tiny",
        seed=2,
        split=Split(train=9, validation=4, test=2),
        step_mm=6.0,
        window=(48, 48, 48),
        aligned=(24, 32, 24),
        locating=(4, 8),
        judging=(4, 8),
        smooth_mm=6.0,
        around_mm=40.0,
        blur_mm=4.0,
        dropped=0.1,
        strength=100.0,
        gamma=0.2,
        noise=0.02,
        locate=Course(batch=2, iterations=4, learning_rate=0.003, moving=moving),
        judge=Course(batch=3, iterations=4, learning_rate=0.003, moving=moving),
        every=2,
    )
    return usual.model_copy(update=changes)


@pytest.fixture(scope="module", autouse=True)
def coarse_scanners() -> Iterator[None]:
    """Heads to learn from in voxels of 4 mm, which are drawn sooner."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sources, "draw_case", lambda seed, shifted: coarser(draw_case(seed, shifted=shifted), 4.0))
        yield


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("heads")


@pytest.fixture(scope="module")
def checkpoint(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tiny(), "phantoms", tmp_path_factory.mktemp("run"), cache, CPU)


@pytest.fixture(scope="module")
def scans(checkpoint: Path, cache: Path) -> list[Kept]:
    assert checkpoint.exists()
    return kept(parts_of("phantoms", tiny()).train, tiny(), cache / "phantoms")


@pytest.fixture(scope="module")
def served(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny model, as it would be served."""
    folder = tmp_path_factory.mktemp("models") / "mci-conversion-pet"
    assert export_network(load_trained(checkpoint), folder / "model.onnx") < 1e-2
    card = Card.model_validate_json(CARD.read_bytes())
    depth, rows, columns = tiny().window
    smaller = {"depth": depth, "rows": rows, "columns": columns, "spacing_mm": (6.0, 6.0, 6.0)}
    stage = card.stages[0].model_copy(update=smaller)
    (folder / "card.json").write_text(card.model_copy(update={"stages": (stage,)}).model_dump_json(by_alias=True))
    return folder


@pytest.mark.parametrize("after", [3, 7])
def test_an_interrupted_training_goes_on_to_the_same_network(
    after: int, checkpoint: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it learns where heads lie, and while it learns what they show."""
    rate, steps = training.learning_rate, iter(range(1, 100))

    def interrupted(largest: float, done: float) -> float:
        if next(steps) > after:
            raise KeyboardInterrupt
        return rate(largest, done)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(training, "learning_rate", interrupted)
        train(tiny(), "phantoms", tmp_path, cache, CPU)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["iterations"] == after - 1

    torch.manual_seed(99)
    resumed = torch.load(train(tiny(), "phantoms", tmp_path, cache, CPU), weights_only=True)
    whole = torch.load(checkpoint, weights_only=True)
    assert (resumed["iterations"], resumed["seed"], resumed["data"]) == (8, 2, "phantoms")
    for name, value in whole["network"].items():
        torch.testing.assert_close(resumed["network"][name], value)


def test_a_checkpoint_of_another_configuration_is_refused(checkpoint: Path, cache: Path) -> None:
    with pytest.raises(SettingsError, match="was trained with another configuration"):
        train(tiny(seed=4), "phantoms", checkpoint.parent, cache, CPU)


def test_it_learns_what_a_lowered_place_says() -> None:
    """Heads of noise, of which half are dark at one place: few steps tell them apart, and the map says where."""
    torch.manual_seed(5)
    network = ConversionNet(tiny(dropped=0.0)).train()
    network.usual, network.spread = torch.ones_like(network.usual), 0.1 * torch.ones_like(network.usual)
    heads = 1 + 0.1 * torch.randn(8, 1, *tiny().aligned)
    heads[::2, :, 8:16, 16:24, 4:8] -= 0.15
    truth = torch.zeros(8)
    truth[::2] = 1
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.02)
    for _ in range(20):
        lost = torch.nn.functional.binary_cross_entropy_with_logits(
            network.activation(heads).sum(dim=(2, 3, 4))[:, 1], truth
        )
        optimiser.zero_grad()
        torch.autograd.backward(lost)
        optimiser.step()
    assert float(lost.detach()) < 0.3
    said = network.eval().activation(heads)[::2, 1].detach().mean(dim=0)
    there, across = (float(said[2:4, 4:6, column].mean()) for column in (1, 4))
    assert there > across and there > float(said.mean()) + float(said.std())


def test_a_regression_knows_where_two_groups_differ() -> None:
    """Half of the patients are low at one place."""
    rows, true = np.random.default_rng(3).normal(0, 1, (60, 2, 20)), np.arange(60) % 2 == 0
    rows[true, :, 7] -= 3.0
    weights, offset = _of_answer(rows, np.ones(60, bool), true, 50.0)
    said = rows[:, 0] @ weights[0].double().numpy() + float(offset[0])
    assert ((said > 0) == true).mean() > 0.95
    assert int(weights[0].argmin()) == 7
    assert weights.shape == (1 + FOLDS, 20) and offset.shape == (1 + FOLDS,)


def test_patients_are_judged_by_what_was_learned_without_them() -> None:
    rng = np.random.default_rng(3)
    rows, true = rng.normal(0, 1, (60, 2, 20)), np.arange(60) % 2 == 0
    others = rows.copy()
    others[np.arange(60) % FOLDS == 2] = rng.normal(0, 1, (12, 2, 20))
    first, second = (_of_answer(each, np.ones(60, bool), true, 50.0)[0] for each in (rows, others))
    alike = torch.nn.functional.cosine_similarity(first, second)
    assert alike[1 + 2] == pytest.approx(1)
    assert max(float(each) for number, each in enumerate(alike) if number != 1 + 2) < 0.99


def test_whom_an_answer_is_not_about_teaches_the_regression_nothing() -> None:
    rows, true = np.random.default_rng(4).normal(0, 1, (40, 2, 12)), np.arange(40) % 2 == 0
    about = np.arange(40) < 30
    first = _of_answer(rows, about, true, 50.0)
    rows[~about] += 9.0
    second = _of_answer(rows, about, ~about | true, 50.0)
    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one, other)


def test_the_regression_alone_has_the_word_before_the_network_learns(checkpoint: Path, scans: list[Kept]) -> None:
    network = ConversionNet(tiny())
    trained = load_trained(checkpoint).network
    network.load_state_dict({**trained.state_dict(), **{n: v for n, v in network.state_dict().items() if "says" in n}})
    places = places_of(network.locator, scans, CPU)
    found = regressed(network, scans, places, 100.0, CPU)
    for name in ("weights", "offset"):
        torch.testing.assert_close(getattr(found.whole, name), getattr(trained, name))
    head = network.standard(taken(scans[0].window(), places[:1], network.aligned))
    with torch.no_grad():
        deviations = network.regional(head)[:, LEARNED]
        said = network.eval().activation(head).sum(dim=(2, 3, 4))
    expected = (found.whole.weights * deviations).sum(dim=(2, 3, 4)) + found.whole.offset
    torch.testing.assert_close(said, expected, atol=1e-4, rtol=1e-4)


def test_the_graph_says_what_the_network_says_and_the_node_takes_it(checkpoint: Path, served: Path) -> None:
    told = {each.key: each.value for each in onnx.load(served / "model.onnx").metadata_props}
    assert Settings.model_validate_json(told["settings"]) == load_trained(checkpoint).settings
    device = Device("cpu")
    try:
        assert [finding.sentence for finding in check(served, device) if not finding.well] == []
    finally:
        device.close()


def test_a_patient_goes_the_node_s_way_whichever_way_slices_run(served: Path) -> None:
    made = [try_case(coarser(draw_case(seed, group="alzheimer"), 6.0), served) for seed in (3, 4)]
    for trial in made:
        assert all(0 <= each <= 1 for each in trial.probabilities)
        assert 0.02 < trial.near_share < 0.9
        assert not any("injection" in each or "corrected" in each or "tracer" in each for each in trial.cautions)
        assert trial.simple["mean of the disease's places, SUV"] > 1


def test_what_is_stored_in_another_unit_is_answered_alike(checkpoint: Path) -> None:
    trained = load_trained(checkpoint)
    graph = Served(trained.network, trained.strangeness).eval()
    values = coarser(drawn(6), 6.0).series().values
    hot = values.copy()
    hot[0, 0, 0] = 3 * values.max()
    with torch.no_grad():
        usual, scaled, spotted = (
            graph(torch.from_numpy(window_of(shown(each), tiny().window))[None, None])
            for each in (values, 0.0002 * values, hot)
        )
    for one, other, third in zip(usual, scaled, spotted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(one, third, atol=2e-2, rtol=2e-2)


def test_card_and_configuration_speak_of_the_same_cubes() -> None:
    card, settings = Card.model_validate_json(CARD.read_bytes()), read_settings(STANDARD)
    [stage] = card.stages
    assert (stage.depth, stage.rows, stage.columns) == settings.window
    assert stage.spacing_mm == (settings.step_mm,) * 3
    assert (stage.whole, stage.input, stage.outputs) == (True, INPUT, Served.outputs)
    assert all(length % 8 == 0 for length in (*settings.aligned, *settings.window))
    assert card.outputs.classes is not None
    assert tuple(item.label for item in card.outputs.classes.items) == ANSWERS
    assert [(each.label, each.channel) for each in card.outputs.maps] == [
        (f"Heat map: {name}", number) for number, name in enumerate(ANSWERS)
    ]
    assert all(len(item.code.value) <= 16 for item in card.outputs.classes.items)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({}, Verdict.YES),
        ({INJECTED: [{"Radiopharmaceutical": "FDG -- fluorodeoxyglucose"}]}, Verdict.YES),
        ({INJECTED: [{"Radiopharmaceutical": "Solution"}]}, Verdict.YES),
        ({INJECTED: [{"Radiopharmaceutical": "Florbetaben"}]}, Verdict.NO),
        ({"SeriesDescription": "PET Brain NAC"}, Verdict.NO),
        ({"StudyDescription": "Amyloid PET brain"}, Verdict.NO),
        ({"SeriesType": "DYNAMIC\\IMAGE"}, Verdict.NO),
        ({"BodyPartExamined": "WHOLEBODY"}, Verdict.NO),
        ({"BodyPartExamined": None, "SeriesDescription": "Hirn FDG"}, Verdict.YES),
        ({"BodyPartExamined": None}, Verdict.UNKNOWN),
        ({"Modality": "CT"}, Verdict.NO),
    ],
)
def test_fdg_pet_of_heads_is_taken(values: dict[str, object], verdict: Verdict) -> None:
    known: dict[str, object] = {
        "Modality": "PT", "BodyPartExamined": "BRAIN", "PatientAge": "070Y", "ImageType": "ORIGINAL\\PRIMARY",
    }  # fmt: skip
    given = {key: value for key, value in (known | values).items() if value is not None}
    assert explain(Card.model_validate_json(CARD.read_bytes()), Headers(given, 60)).verdict is verdict


def test_the_brain_says_how_bright_a_head_is() -> None:
    head = torch.zeros(2, 1, 24, 24, 24)
    head[:, :, 4:20, 4:20, 4:20] = 0.2
    head[:, :, 6:18, 6:18, 6:18] = 1.0
    head[1] *= 0.01
    torch.testing.assert_close(level_of(head).flatten(), torch.tensor([1.0, 0.01]))
    torch.testing.assert_close(evened(head)[0], evened(head)[1])
    assert float(evened(head).max()) == pytest.approx(0.5)


def test_smoothing_keeps_the_whole_and_spreads_it() -> None:
    point = torch.zeros(1, 1, 15, 15, 15)
    point[0, 0, 7, 7, 7] = 1
    spread = smoothed(point, 2.0)
    assert float(spread.sum()) == pytest.approx(1, abs=1e-5)
    line = spread[0, 0, :, 7, 7]
    assert float(line[8] / line[7]) == pytest.approx(0.5, abs=0.01)
    torch.testing.assert_close(smoothed(point, 0.0), point)


def test_the_healthy_are_what_heads_are_held_against(scans: list[Kept]) -> None:
    network = ConversionNet(tiny()).eval()
    find_healthy(network, scans, CPU)
    torch.testing.assert_close(network.usual, network.usual.flip(-1))
    assert float(network.spread.min()) >= 0.05
    away = network.deviations(network.usual)
    assert float(away.abs().max()) == 0
    assert float(network.shares().sum()) == pytest.approx(1)
    with pytest.raises(SettingsError) as refusal:
        find_healthy(network, [scan for scan in scans if scan.group != "normal"], CPU)
    said = "Fewer than two of the scans to learn from are of healthy people, whom all are compared with."
    assert str(refusal.value) == said


def test_contributions_sum_to_the_calibrated_logit_within_the_brain(scans: list[Kept]) -> None:
    network = ConversionNet(tiny()).eval()
    find_healthy(network, scans, CPU)
    network.scale, network.level = torch.tensor([2.0, 3.0]), torch.tensor([-1.0, 0.5])
    heads = network.usual + 0.1 * torch.randn(2, 1, *tiny().aligned)
    with torch.no_grad():
        logits = network.activation(heads).sum(dim=(2, 3, 4))
        added = network.contributions(heads)
    torch.testing.assert_close(added.sum(dim=(2, 3, 4)), logits * network.scale + network.level, atol=1e-4, rtol=1e-4)
    assert float(added[:, :, network.shares()[0, 0] == 0].abs().max()) == 0


def test_each_answer_is_taught_by_the_groups_that_it_is_about() -> None:
    assert [sum(ABOUT[group]) for group in GROUPS] == [1, 1, 1, 1]
    for answer in range(len(ANSWERS)):
        about = {group for group in GROUPS if ABOUT[group][answer]}
        assert {TRUTH[group][answer] for group in about} == {0, 1}
    assert ABOUT["converting"] == ABOUT["stable"] == (0, 1)


def test_batches_are_made_by_their_number(scans: list[Kept]) -> None:
    network = ConversionNet(tiny()).eval()
    whole, resumed = (list(locating_batches(scans, tiny(), first)) for first in (0, 3))
    torch.testing.assert_close(whole[3].volumes, resumed[0].volumes)
    places = torch.cat([scan.place() for scan in scans])
    judged, again = (list(judging_batches(network, scans, places, tiny(), first)) for first in (0, 3))
    torch.testing.assert_close(judged[3].heads, again[0].heads)
    assert judged[0].heads.shape == (3, 1, 24, 32, 24) and judged[0].truth.shape == judged[0].about.shape == (3, 2)


def test_no_patient_is_in_two_parts() -> None:
    parts = parts_of("phantoms", read_settings(STANDARD))
    names = [{entry.patient for entry in part} for part in (parts.train, parts.validation, parts.test)]
    assert [len(each) for each in names] == [1000, 120, 240]
    assert len(set.union(*names)) == 1360


def test_calibration_is_of_those_that_an_answer_is_about() -> None:
    network = ConversionNet(tiny())
    rng = np.random.default_rng(1)
    groups = tuple(GROUPS[n] for n in rng.integers(4, size=400))
    truth = torch.tensor([max(TRUTH[group]) for group in groups])
    logits = torch.from_numpy(rng.normal(0, 1, (400, 2)).astype(np.float32)) + (8 * truth - 4)[:, None]
    said = Validated(0.1 * logits, groups)
    assert len(said.of(0)[0]) == sum(group in ("normal", "alzheimer") for group in groups)
    calibrate(network, said)
    assert float(network.scale.min()) > 3
    before = network.scale.clone()
    calibrate(network, Validated(logits[:1], groups[:1]))
    torch.testing.assert_close(network.scale, before)


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """As an archive keeps it: a folder a subject, a series below it, and the table that came with the download."""
    for seed in range(2, 7):
        write_case(coarser(drawn(seed), 10.0), tmp_path / f"S{seed}" / "FDG" / "2010-01-01" / "I1")
    rows = [["Image Data ID", "Subject", "Group"]]
    for number, group in enumerate(("CN", "sMCI", "pMCI", "AD", "MCI"), 2):
        rows.append([f"I{number}", f"PHANTOM-METABOLISM-{number}", group])
    with (tmp_path / "search.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows(rows)
    yield tmp_path


def test_real_data_are_a_tree_of_series_with_a_table_of_diagnoses(tree: Path) -> None:
    entries = list_entries(f"dicom:{tree}", 0)
    assert sorted((entry.patient, entry.group) for entry in entries) == [  # type: ignore[attr-defined]
        (f"PHANTOM-METABOLISM-{n}", group) for n, group in enumerate(GROUPS, 2)
    ]
    settings = tiny(step_mm=10.0, window=(32, 32, 32))
    scan = next(entry for entry in entries if entry.patient.endswith("2")).load(settings)
    values = coarser(drawn(2), 10.0).series().values
    np.testing.assert_allclose(scan.window, window_of(shown(values), (32, 32, 32)), atol=0.02)


def test_a_table_without_a_group_is_refused(tree: Path) -> None:
    (tree / "search.csv").write_text("Subject,Group\nPHANTOM-METABOLISM-2,AD\nPHANTOM-METABOLISM-3,CN\n")
    with pytest.raises(SettingsError) as refusal:
        list_entries(f"dicom:{tree}", 0)
    said = f"The series in {tree} are not of all groups, CN, sMCI, pMCI, AD, of the table of diagnoses."
    assert str(refusal.value) == said


def test_data_of_another_kind_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^The data is 'nifti:x'; it must be phantoms or dicom:FOLDER\.$"):
        list_entries("nifti:x", 0)


def test_a_reference_s_brain_is_found_about_where_it_lies() -> None:
    settings = tiny()
    scan = PhantomEntry(4).load(settings)
    middle = reference_of(scan.window, settings, BRAIN)[:, 3] - scan.place[:, 3]
    assert np.abs(middle * np.array(settings.window_mm)).max() < 20


def test_a_peak_may_lie_a_little_beside_where_the_disease_acts() -> None:
    acted = np.zeros((8, 8, 8), bool)
    acted[4, 4, 2] = True
    around = near(acted, (2.0, 2.0, 2.0), 4.0)
    assert around[4, 4, 4] and not around[4, 4, 5]
    assert not near(np.zeros_like(acted), (2.0, 2.0, 2.0), 4.0).any()


def trial(group: Group, disease: float, conversion: float, seed: int) -> Trial:
    said = ("The images look unlike those that the model was trained on; do not rely on its answer.",) * (seed == 6)
    ill = group in ("converting", "alzheimer")
    age = 70.0 + seed
    return Trial(seed, False, group, age, (disease, conversion), (ill, ill), 0.2 * ill, {"age": age}, said)


TRIALS = tuple(
    trial(group, *said, n)
    for n, (group, said) in enumerate(
        (("normal", (0.1, 0.9)), ("alzheimer", (0.8, 0.1)), ("normal", (0.3, 0.2)), ("alzheimer", (0.6, 0.7)),
         ("stable", (0.9, 0.3)), ("converting", (0.2, 0.9)), ("stable", (0.4, 0.7)), ("converting", (0.4, 0.6))),
        start=1,
    )
)  # fmt: skip


def test_figures_are_of_those_that_an_answer_is_about() -> None:
    figures = figures_of(TRIALS)
    disease, conversion = (figures.answers[name] for name in ANSWERS)
    assert (figures.patients, disease.patients, conversion.patients, conversion.true) == (8, 4, 4, 2)
    assert disease.verdict.auc.value == disease.verdict.accuracy.value == 1
    assert conversion.verdict.auc.value == pytest.approx(0.75, abs=0.01)
    assert conversion.verdict.accuracy.value == 0.75
    assert conversion.peak_inside.value == 1 and conversion.by_chance.value == pytest.approx(0.2)
    assert figures.strange.value == pytest.approx(1 / 8)
    assert figures.said[ANSWERS[1]]["normal"] == pytest.approx(0.55)
    assert answers_of(TRIALS, 1).names == ("MCI conversion likely", "stays")


def test_the_report_s_page_and_table_have_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.mci_conversion_pet.pictures.shown_again", lambda trial, answer, path: path.name)
    figures = {name: figures_of(TRIALS) for name in ("Held-out phantoms", "Shifted phantoms")}
    foreign = {"upside down": 1.0, "all": 1.0}
    short = summary(figures, foreign, 0.5)
    parts = sections("Held-out phantoms", TRIALS, tmp_path)
    assert short.title == "In short" and len(parts) == 4
    assert len(list(tmp_path.glob("*-roc.png"))) == len(list(tmp_path.glob("*-calibration.png"))) == 2
    report = {"foreign series cautioned": foreign, "seconds_per_head": 0.5}
    told = report | {name: asdict(some) for name, some in figures.items()}
    assert "| accuracy | 0.842 | 0.750" in table(told)
    assert len(with_figures({}, told)["figures"]) == 18
    filled = between_marks(CARD.with_name("README.md").read_text(), table(told), "mci_conversion_pet")
    assert "| accuracy | 0.842 |" in filled and filled.count("<!-- end of the figures -->") == 1


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_the_model_was_not_made_for_is_another_volume(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.mci_conversion_pet.foreign.STEP_MM", 8.0)
    monkeypatch.setattr("export.mci_conversion_pet.foreign.draw_case", drawn)
    made, usual = KINDS[kind](3), head(3)
    assert made.ndim == 3 and np.isfinite(made).all()
    assert made.shape != usual.shape or (np.abs(made - usual) > 0.02 * usual.max()).mean() > 0.01


def test_the_report_s_card_is_the_node_s() -> None:
    assert read(FOLDER).card == Card.model_validate_json(CARD.read_bytes())


def test_the_shipped_model_knows_a_head_and_cautions_about_another_series() -> None:
    from export.mci_conversion_pet.foreign import cautioned

    assert not try_case(coarser(draw_case(500_001), 3.0), FOLDER).strange
    assert cautioned("tracer of amyloid", 500_002) and cautioned("upside down", 500_003)

"""The training of the model of Alzheimer's disease in small: where heads lie, where groups differ, what comes out."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from export.alzheimer_mr import sources
from export.alzheimer_mr.anomalies import Masses, anomaly_of
from export.alzheimer_mr.card import table, with_figures
from export.alzheimer_mr.data import Kept, judging_batches, kept, parts_of
from export.alzheimer_mr.export import CARD, FOLDER, INPUT, export_network, load_trained
from export.alzheimer_mr.figures import DISEASE, answers_of, figures_of
from export.alzheimer_mr.fitting import Validated, calibrate, find_landmarks
from export.alzheimer_mr.foreign import KINDS, head
from export.alzheimer_mr.grey import shown
from export.alzheimer_mr.landmarks import Comparison, found
from export.alzheimer_mr.model import AlzheimerNet, Instances, Served, painted, standard
from export.alzheimer_mr.report import limits, of_masses, sections, summary
from export.alzheimer_mr.settings import Settings, read_settings
from export.alzheimer_mr.sources import PhantomEntry, list_entries
from export.alzheimer_mr.train import train
from export.alzheimer_mr.trial import Trial, try_case
from export.checkpoints import SettingsError
from export.evaluation.readme import between_marks
from export.heads import training
from export.heads.aligning import away_mm, inverse, joined, taken
from export.heads.locating import locating_batches
from export.heads.reference import reference_of, registered
from export.heads.settings import Course, Moving, Split
from export.heads.trying import peak_inside
from export.heads.window import corner, window_of
from export.phantoms.ageing.case import coarser, draw_case
from export.phantoms.ageing.dicom import write_case
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.check import check
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.folder import read

CPU = torch.device("cpu")
STANDARD = CARD.parent / "configs" / "standard.json"
STILL = Moving(turn_degrees=0, shift_mm=0, scale_share=0)


def tiny(**changes: Any) -> Settings:
    moving = Moving(turn_degrees=8, shift_mm=8, scale_share=0.05)
    usual = Settings(
        name="tiny",
        seed=3,
        split=Split(train=5, validation=2, test=1),
        step_mm=6.0,
        window=(48, 48, 48),
        aligned=(24, 32, 24),
        landmarks=4,
        apart_mm=24.0,
        patch=8,
        box=(12, 16, 10),
        locating=(4, 8),
        judging=(4, 8),
        outlining=(4, 8),
        seen_share=0.5,
        outlined_share=0.8,
        gamma=0.2,
        noise=0.02,
        locate=Course(batch=2, iterations=4, learning_rate=0.003, moving=moving),
        judge=Course(batch=2, iterations=4, learning_rate=0.003, moving=moving),
        every=2,
    )
    return usual.model_copy(update=changes)


@pytest.fixture(scope="module", autouse=True)
def coarse_scanners() -> Iterator[None]:
    """Heads to learn from in voxels of 3 mm, which are drawn sooner."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sources, "draw_case", lambda seed, shifted: coarser(draw_case(seed, shifted=shifted), 3.0))
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
    folder = tmp_path_factory.mktemp("models") / "alzheimer-mr"
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
    assert (resumed["iterations"], resumed["seed"], resumed["data"]) == (8, 3, "phantoms")
    for name, value in whole["network"].items():
        torch.testing.assert_close(resumed["network"][name], value)


def test_a_checkpoint_of_another_configuration_is_refused(checkpoint: Path, cache: Path) -> None:
    with pytest.raises(SettingsError, match="was trained with another configuration"):
        train(tiny(seed=4), "phantoms", checkpoint.parent, cache, CPU)


def test_the_graph_says_what_the_network_says_and_the_node_takes_it(checkpoint: Path, served: Path) -> None:
    told = {each.key: each.value for each in onnx.load(served / "model.onnx").metadata_props}
    assert Settings.model_validate_json(told["settings"]) == load_trained(checkpoint).settings
    device = Device("cpu")
    try:
        assert [finding.sentence for finding in check(served, device) if not finding.well] == []
    finally:
        device.close()


def test_a_patient_goes_the_node_s_way_sagittal_or_axial(served: Path) -> None:
    for seed in (3, 4):
        made = try_case(coarser(draw_case(seed, ill=True), 6.0), served)
        assert 0 <= made.probability <= 1
        assert min(made.truth_ml) > 1
        assert not any("contrast" in each or "years" in each for each in made.cautions)
        assert any("thicker than 2 mm" in each for each in made.cautions)


def test_card_and_configuration_speak_of_the_same_cubes() -> None:
    card, settings = Card.model_validate_json(CARD.read_bytes()), read_settings(STANDARD)
    [stage] = card.stages
    assert (stage.depth, stage.rows, stage.columns) == settings.window
    assert stage.spacing_mm == (settings.step_mm,) * 3
    assert (stage.whole, stage.input, stage.outputs) == (True, INPUT, Served.outputs)
    assert all(length % 8 == 0 for length in settings.aligned)
    found(np.random.default_rng(0).random([n // 2 for n in settings.aligned]), settings.landmarks,
          settings.apart_mm / settings.step_mm, settings.patch // 2)  # fmt: skip


def test_a_place_and_its_inverse_undo_one_another() -> None:
    place = torch.tensor([[[0.5, 0.1, -0.05, 0.1], [-0.08, 0.7, 0.02, -0.2], [0.03, -0.04, 0.6, 0.05]]])
    torch.testing.assert_close(joined(place, inverse(place)), torch.eye(3, 4)[None], atol=1e-6, rtol=0)
    assert float(away_mm(place, place, (1.0, 1.0, 1.0))) < 0.01
    moved = place + torch.tensor([0.0, 0.0, 0.0, 0.1])
    assert float(away_mm(moved, place, (100.0, 0.0, 0.0))) == pytest.approx(10, rel=1e-3)


def test_a_head_is_where_its_phantom_says_and_comes_back_there() -> None:
    """Aligned, the hippocampi lie left and right of the middle, and the volume is the same after both ways."""
    settings = tiny(aligned=(48, 64, 48), step_mm=3.0, window=(88, 88, 88))
    scan = PhantomEntry(3).load(settings)
    window, place = torch.from_numpy(scan.window)[None, None], torch.from_numpy(scan.place)[None]
    assert scan.hippocampi is not None
    sides = taken(torch.from_numpy(scan.hippocampi)[None], place, settings.aligned)[0]
    for side, column in zip(sides, (24 + 9, 23 - 9), strict=True):
        middle = torch.argwhere(side > 0.3).float().mean(dim=0)
        torch.testing.assert_close(middle, torch.tensor([18.0, 33.5, float(column)]), atol=2.5, rtol=0)
    aligned = taken(window, place, settings.aligned)
    back = taken(aligned, inverse(place), settings.window)
    inside = taken(torch.ones_like(aligned), inverse(place), settings.window) > 0.99
    assert float((back - window)[inside].abs().mean()) < 0.05


def test_batches_are_made_by_their_number(scans: list[Kept]) -> None:
    whole, resumed = (list(locating_batches(scans, tiny(), first)) for first in (0, 3))
    torch.testing.assert_close(whole[3].volumes, resumed[0].volumes)
    torch.testing.assert_close(whole[3].places, resumed[0].places)
    places = torch.cat([scan.place() for scan in scans])
    judged, again = (list(judging_batches(scans, places, tiny(), first)) for first in (0, 3))
    torch.testing.assert_close(judged[3].heads, again[0].heads)
    assert judged[0].heads.shape == (2, 1, 24, 32, 24) and judged[0].hippocampi.shape == (2, 2, 24, 32, 24)


def test_a_mirrored_head_keeps_its_left_on_its_left(scans: list[Kept]) -> None:
    quiet = tiny(gamma=0.0, noise=0.0, locate=tiny().locate.model_copy(update={"moving": STILL}))
    for batch in locating_batches(scans[:1], quiet, 0):
        determinants = torch.linalg.det(batch.places[:, :, :3])
        assert (determinants > 0).all()
        heads = [taken(scans[0].window(), scans[0].place(), quiet.aligned)]
        heads += [heads[0].flip(-1)]
        coarse = taken(batch.volumes, joined(batch.moved, batch.places), (12, 16, 12))
        for one in coarse:
            fits = [float((torch.nn.functional.avg_pool3d(each, 2)[0] - one).abs().mean()) for each in heads]
            assert min(fits) < 0.06


def test_no_patient_is_in_two_parts() -> None:
    parts = parts_of("phantoms", read_settings(STANDARD))
    names = [{entry.patient for entry in part} for part in (parts.train, parts.validation, parts.test)]
    assert [len(each) for each in names] == [360, 60, 100]
    assert len(set.union(*names)) == 520


def test_one_group_alone_and_scans_without_outlines_are_refused(scans: list[Kept]) -> None:
    network = AlzheimerNet(tiny())
    with pytest.raises(SettingsError) as refusal:
        find_landmarks(network, [scan for scan in scans if scan.ill], tiny(), CPU)
    assert str(refusal.value) == (
        "The scans to learn from are of one group alone; landmarks are found by comparing two."
    )
    with pytest.MonkeyPatch.context() as patched, pytest.raises(SettingsError) as refusal:
        patched.setattr(Kept, "hippocampi", lambda scan: None)
        find_landmarks(network, scans, tiny(), CPU)
    assert str(refusal.value) == (
        "Nobody outlined a hippocampus in the scans to learn from; the volumes can't be learned."
    )


def groups(place: tuple[int, int, int]) -> Comparison:
    """Heads of noise; those of the ill are darker around one place and its mirror image."""
    compared, rng = Comparison(), np.random.default_rng(2)
    for number in range(30):
        values = rng.normal(0, 1, (1, 32, 32, 32)).astype(np.float32)
        z, y, x = place
        if number % 2:
            values[:, z - 2 : z + 2, y - 2 : y + 2, x - 2 : x + 2] -= 1.5
        compared.add(torch.from_numpy(values), bool(number % 2))
    return compared


def test_landmarks_are_where_the_groups_differ_in_pairs_and_apart() -> None:
    points = found(groups((10, 20, 24)).statistic(), 6, 6.0, 4)
    assert np.abs(points[0] - (10, 20, 24)).max() <= 2
    np.testing.assert_array_equal(points[1], [points[0][0], points[0][1], 32 - points[0][2]])
    apart = np.linalg.norm(points[:, None] - points[None], axis=2) + 99 * np.eye(6)
    assert apart.min() >= 6.0
    assert points.min() >= 4 and points.max() <= 28
    with pytest.raises(ValueError, match=r"^60 landmarks 12 cubes apart do not fit into a head of \[32, 32, 32\]\.$"):
        found(groups((10, 20, 24)).statistic(), 60, 12.0, 4)


def test_what_landmarks_add_is_the_logit_and_is_painted_where_they_lie() -> None:
    network = AlzheimerNet(tiny()).eval()
    points = torch.tensor([[10, 20, 16], [10, 20, 8], [6, 8, 18], [6, 8, 6]])
    network.put_places(points, torch.tensor([4, 8, 12]))
    heads = standard(torch.rand(2, 1, 24, 32, 24))
    with torch.no_grad():
        added = network.contributions(heads)
        at = range(4)
        logit = network.instances(network.patches(heads, at), at).mean(dim=1)
    torch.testing.assert_close(added.sum(dim=1), logit)
    one = torch.tensor([[0.0, 2.0, -1.0, 0.0]])
    map_ = painted(one, network)
    assert np.unravel_index(int(map_.argmax()), map_.shape[2:]) == (10, 20, 8)
    assert float(map_[0, 0, 10, 20, 8]) == pytest.approx(2.0, abs=0.02)
    assert float(map_[0, 0, 6, 8, 18]) == pytest.approx(-1.0, abs=0.02)


def test_a_landmark_counts_more_the_more_is_seen_there() -> None:
    """Attention shares out as many as there are landmarks; each landmark has weights of its own."""
    instances = Instances((4,), 3).eval()
    with torch.no_grad():
        instances.says.copy_(torch.ones_like(instances.says))
        instances.weight.copy_(torch.tensor([2.0, 0.0, 0.0]))
        added = instances(torch.rand(1, 1, 8, 8, 8).repeat(1, 3, 1, 1, 1), range(3))[0]
    assert float(added[0].abs()) > 2 * float(added[1].abs())
    torch.testing.assert_close(added[1], added[2])


def test_the_hippocampi_are_outlined_on_their_own_sides() -> None:
    """One network for both sides: a mirrored head has its outlines mirrored, and the sides changed."""
    network = AlzheimerNet(tiny()).eval()
    network.corner = [4, 8, 12]
    heads = standard(torch.rand(1, 1, 24, 32, 24))
    with torch.no_grad():
        usual, mirrored = network.hippocampi(heads), network.hippocampi(heads.flip(-1))
    torch.testing.assert_close(mirrored.flip(-1).flip(1), usual)
    assert usual[0, 0, :, :, :12].abs().max() == 0 and usual[0, 1, :, :, 12:].abs().max() == 0
    torch.testing.assert_close(network.boxes_of_sides(usual), network.boxes(usual)[[0, 1]].gather(1, torch.tensor(
        [0, 1]).reshape(2, 1, 1, 1, 1).expand(2, 1, 12, 16, 10)))  # fmt: skip


def test_calibration_makes_the_logit_say_how_often_it_is_so() -> None:
    network = AlzheimerNet(tiny())
    rng = np.random.default_rng(1)
    ill = torch.from_numpy(rng.random(400) < 0.5)
    logits = torch.from_numpy(rng.normal(0, 1, 400)) + 8 * ill.double() - 4
    calibrate(network, Validated(0.1 * logits, ill, 0.0))
    assert float(network.scale) > 3  # type: ignore[arg-type]
    calibrate(network, Validated(logits[ill], ill[ill], 0.0))
    assert float(network.scale) > 3  # type: ignore[arg-type]


def test_a_window_holds_the_middle_and_zeros_around_it() -> None:
    values = np.arange(1, 9, dtype=np.float32).reshape(8, 1, 1)
    assert window_of(values, (4, 3, 2))[:, 1, 0].tolist() == [3, 4, 5, 6]
    assert window_of(values, (12, 1, 1))[:, 0, 0].tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0]
    assert window_of(values, (4, 1, 1), (1.0, 1.0, 1.0), 2.0).shape == (4, 1, 1)
    assert (corner(4, 8), corner(12, 8)) == (-2, 2)


@pytest.mark.slow
def test_a_patient_s_head_is_laid_upon_the_reference() -> None:
    """As a phantom's is, though nobody says where it lies: points of both heads meet within a few millimetres."""
    settings = tiny()
    scans = [PhantomEntry(seed).load(settings) for seed in (3, 5)]
    first = reference_of(scans[0].window, settings)
    laid = registered(scans[1].window, scans[0].window, first, settings)
    half = (144.0, 144.0, 144.0)
    places = [torch.from_numpy(each)[None] for each in (first, laid, scans[0].place, scans[1].place)]
    assert float(away_mm(places[0], places[2], half)) < 25
    there = joined(joined(places[3], inverse(places[2])), places[0])
    assert float(away_mm(places[1], there, half)) < 6


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """As an archive keeps it: a folder a subject, a series below it, and the table that came with the download."""
    for seed in (2, 3, 5):
        write_case(coarser(draw_case(seed), 8.0), tmp_path / f"S{seed}" / "MPRAGE" / "2010-01-01" / "I1")
    rows = [["Image Data ID", "Subject", "Group"], ["I2", "PHANTOM-AGEING-2", "AD"], ["I3", "PHANTOM-AGEING-3", "CN"],
            ["I5", "PHANTOM-AGEING-5", "MCI"]]  # fmt: skip
    with (tmp_path / "search.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows(rows)
    yield tmp_path


def test_real_data_are_a_tree_of_series_with_a_table_of_diagnoses(tree: Path) -> None:
    entries = list_entries(f"dicom:{tree}", 0)
    assert sorted((entry.patient, entry.ill) for entry in entries) == [  # type: ignore[attr-defined]
        ("PHANTOM-AGEING-2", True), ("PHANTOM-AGEING-3", False),
    ]  # fmt: skip
    settings = tiny(step_mm=8.0, window=(32, 32, 32))
    scan = next(entry for entry in entries if entry.patient.endswith("3")).load(settings)
    drawn = coarser(draw_case(3), 8.0).series()
    assert scan.hippocampi is None and not scan.ill
    np.testing.assert_allclose(scan.window, window_of(shown(drawn.values), (32, 32, 32)), atol=0.02)


def test_a_table_with_one_group_alone_is_refused(tree: Path) -> None:
    (tree / "search.csv").write_text("Subject,Group\nPHANTOM-AGEING-2,AD\n")
    with pytest.raises(SettingsError) as refusal:
        list_entries(f"dicom:{tree}", 0)
    said = f"The series in {tree} are not of both groups, AD and CN, of the table of diagnoses."
    assert str(refusal.value) == said


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("nifti:x", "The data is 'nifti:x'; it must be phantoms or dicom:FOLDER."),
        ("dicom:{}", "There is no table with the columns Subject and Group in {}."),
    ],
)
def test_data_that_is_not_there_is_refused(data: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        list_entries(data.format(tmp_path), 0)
    assert str(refusal.value) == sentence.format(tmp_path)


def test_a_peak_is_inside_where_it_is_not_far_off() -> None:
    acted, heat = np.zeros((8, 8, 8), bool), np.zeros((8, 8, 8), np.float32)
    acted[4, 4, 2] = True
    heat[4, 4, 4] = 1
    assert peak_inside(heat, acted, (2.0, 2.0, 2.0), 4.0)
    assert not peak_inside(heat, acted, (2.0, 2.0, 3.0), 4.0)
    assert not peak_inside(heat, np.zeros_like(acted), (2.0, 2.0, 2.0), 4.0)


def trial(ill: bool, probability: float, seed: int = 1) -> Trial:
    said = ("The images look unlike those that the model was trained on; do not rely on its answer.",) * (seed == 6)
    truth = (2.0 + 0.1 * seed, 2.5)
    return Trial(seed, False, ill, 70.0 + seed, probability, truth, (truth[0] + 0.1, 2.6), (1.8, 2.2), ill,
                 (0.5 + 0.01 * seed, 100.0), (0.4, 90.0), 0.1 * seed, said)  # fmt: skip


TRIALS = tuple(trial(ill, p, n) for n, (ill, p) in enumerate(((True, 0.9), (True, 0.7), (True, 0.3), (False, 0.4),
                                                              (False, 0.2), (False, 0.1)), start=1))  # fmt: skip


def test_figures_are_of_patients() -> None:
    figures = figures_of(TRIALS)
    assert (figures.patients, figures.ill) == (6, 3)
    assert figures.disease.auc.value == pytest.approx(8 / 9, abs=0.01)
    assert figures.disease.sensitivity.value == pytest.approx(2 / 3)
    assert figures.disease.specificity.value == 1
    assert figures.peak_inside.value == 1
    assert figures.volume_ml.bias == pytest.approx(0.1)
    assert figures.strange.value == pytest.approx(1 / 6)
    assert figures.anomalous.value == 0
    assert figures.alone["age"] == 1 and figures.alone["mean grey of the brain, as stored"] == 0.5
    assert answers_of(TRIALS).names[0] == DISEASE


def test_the_report_s_page_and_table_have_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.alzheimer_mr.pictures.shown_again", lambda trial, path: path.name)
    figures = {name: figures_of(TRIALS) for name in ("Held-out phantoms", "Shifted phantoms")}
    foreign = {"T2": 1.0, "all": 1.0}
    short = summary(figures, foreign, 0.5)
    parts = sections("Held-out phantoms", TRIALS, tmp_path)
    assert short.title == "In short" and len(parts) == 3
    assert {path.name for path in tmp_path.iterdir()} == {
        "held-out-agreement.png", "held-out-phantoms-calibration.png", "held-out-phantoms-roc.png",
    }  # fmt: skip
    masses = Masses(2, {"tumour": {"12": 0.5, "20": 1.0}, "bleed": {"12": 0.0, "20": 1.0}}, {"12": 0.7, "20": 0.9})
    assert of_masses(masses, figures).title.startswith("What nobody told of")
    report = {"foreign series cautioned": foreign, "seconds_per_head": 0.5, "masses": asdict(masses)}
    told = report | {name: asdict(some) for name, some in figures.items()}
    assert "| AUC | 0.96 | 0.88" in table(told)
    assert "| masses of 12 mm in the brain: cautioned; AUC |  | 0.25; 0.700 |" in table(told)
    carded = {each["name"]: each["value"] for each in with_figures({}, told)["figures"]}
    assert carded["Masses in the brain cautioned"] == 0.625
    assert limits(figures["Held-out phantoms"].volume_ml).startswith("+0.10")
    filled = between_marks(CARD.with_name("README.md").read_text(), table(told), "alzheimer_mr")
    assert "| AUC | 0.96 |" in filled and filled.count("<!-- end of the figures -->") == 1


def test_what_is_usual_in_brains_is_kept_with_the_network(checkpoint: Path) -> None:
    learned = load_trained(checkpoint).network.reconstruction.state_dict()
    for name in ("middle", "spread", "bound"):
        assert not torch.equal(learned[name], AlzheimerNet(tiny()).reconstruction.state_dict()[name])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_the_model_was_not_made_for_is_another_volume(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.alzheimer_mr.foreign.STEP_MM", 8.0)
    made, usual = KINDS[kind](3), head(3)
    assert made.ndim == 3 and np.isfinite(made).all()
    assert made.shape != usual.shape or (np.abs(made - usual) > 0.02 * usual.max()).mean() > 0.01


def test_the_report_s_card_is_the_node_s() -> None:
    assert read(FOLDER).card == Card.model_validate_json(CARD.read_bytes())


def test_the_shipped_model_knows_a_head_and_cautions_about_another_series() -> None:
    from export.alzheimer_mr.foreign import cautioned

    assert not try_case(coarser(draw_case(500_001), 2.0), FOLDER).strange
    assert cautioned("T2", 500_002) and cautioned("upside down", 500_003)


def test_the_shipped_model_cautions_about_a_large_bleed() -> None:
    assert anomaly_of("bleed", 40, 500_004) > 1

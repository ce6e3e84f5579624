"""The training of the model of brain tumours in small: outlines, consistency, resumption, data as BraTS keeps it.

And what becomes of it: trials as the node runs them, foreign studies, the report, the card.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch

from export.brain_tumour_mr import REGIONS, SERIES, pictures, report, sources, supervision, trial
from export.brain_tumour_mr import train as training
from export.brain_tumour_mr.card import table, with_figures
from export.brain_tumour_mr.data import changed, kept, labelled, parts_of, regions_of, training_batches
from export.brain_tumour_mr.export import CARD, FOLDER, INPUT, export_network, load_trained
from export.brain_tumour_mr.figures import WHOLE, figures_of
from export.brain_tumour_mr.foreign import KINDS, STEP_MM, in_place, mistaken, unlike, usual
from export.brain_tumour_mr.model import Served
from export.brain_tumour_mr.settings import Augmentation, Consistency, Settings, Split, read_settings
from export.brain_tumour_mr.sources import Scan, list_entries
from export.brain_tumour_mr.train import train
from export.brain_tumour_mr.trial import (
    BINS,
    WITHOUT,
    Answer,
    Found,
    Trial,
    compared,
    counted,
    longest_mm,
    try_case,
)
from export.checkpoints import SettingsError
from export.cubes import OVERLAP
from export.evaluation.page import render
from export.phantoms.brain.case import Case, draw_case
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inputs import Inputs
from orthanc_plugin.models.check import check
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.folder import Model, read

CPU = torch.device("cpu")
AS_THEY_ARE = Augmentation(turn_degrees=0, scale_share=0, gamma=0, noise=0, without=1)


def tiny(**changes: Any) -> Settings:
    usual = Settings(
        name="tiny",
        channels=(4, 8),
        seed=3,
        split=Split(train=4, validation=1, test=1),
        labelled=0.5,
        step_mm=8.0,
        side=16,
        on_tumour=0.7,
        augmentation=Augmentation(turn_degrees=8, scale_share=0.1, gamma=0.2, noise=0.02, without=0.3),
        consistency=Consistency(weight=0.5, decay=0.9),
        batch=2,
        iterations=4,
        learning_rate=0.01,
        every=2,
    )
    return usual.model_copy(update=changes)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("heads")


def test_an_interrupted_training_goes_on_to_the_same_network_and_teacher(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = torch.load(train(tiny(), "phantoms", tmp_path / "whole", cache, CPU), weights_only=True)
    rate = training.learning_rate

    def interrupted(largest: float, done: float) -> float:
        if round(done * tiny().iterations) == 3:
            raise KeyboardInterrupt
        return rate(largest, done)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(training, "learning_rate", interrupted)
        train(tiny(), "phantoms", tmp_path / "run", cache, CPU)
    torch.manual_seed(99)
    resumed = torch.load(train(tiny(), "phantoms", tmp_path / "run", cache, CPU), weights_only=True)
    for which in ("network", "teacher"):
        for name, value in whole[which].items():
            torch.testing.assert_close(resumed[which][name], value)


@pytest.fixture(scope="module")
def served(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model, which has learned nothing."""
    folder = tmp_path_factory.mktemp("models") / "brain-tumour-mr"
    trained = load_trained(train(tiny(), "phantoms", folder.parent / "run", cache, CPU))
    assert export_network(trained, folder / "model.onnx") < 1e-2
    card = Card.model_validate_json(CARD.read_bytes())
    smaller = {"depth": 16, "rows": 16, "columns": 16, "spacing_mm": (8.0, 8.0, 8.0)}
    stage = card.stages[0].model_copy(update=smaller)
    (folder / "card.json").write_text(card.model_copy(update={"stages": (stage,)}).model_dump_json(by_alias=True))
    return folder


def test_the_graph_says_what_the_network_says_and_the_node_takes_it(served: Path) -> None:
    device = Device("cpu")
    try:
        assert [finding.sentence for finding in check(served, device) if not finding.well] == []
    finally:
        device.close()


def test_card_and_configuration_speak_of_the_same_cubes() -> None:
    card, settings = (
        Card.model_validate_json(CARD.read_bytes()),
        read_settings(CARD.parent / "configs" / "standard.json"),
    )
    [stage] = card.stages
    assert (stage.depth, stage.rows, stage.columns) == (settings.side,) * 3
    assert stage.spacing_mm == (settings.step_mm,) * 3
    assert stage.overlap == OVERLAP
    assert (stage.roles, stage.input, stage.outputs) == (SERIES, INPUT, Served.outputs)
    assert [role for role, wanted in card.inputs.items() if wanted.required] == list(SERIES[:2])
    assert len(card.segments) == len(REGIONS)


def test_outlines_that_are_left_aside_are_not_looked_at(cache: Path) -> None:
    """The same patients without their outlines make the same network."""
    scans = kept(parts_of("phantoms", tiny()).train, tiny(), cache / "phantoms")
    used, others = labelled(scans, tiny())
    assert (len(used), len(others)) == (2, 2) and not set(used) & set(others)
    assert labelled(scans, tiny(labelled=1.0))[1] == []


def test_a_head_that_has_moved_between_its_series_is_learned_from_as_one_that_has_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def scan(moved: bool) -> Scan:
        monkeypatch.setattr(sources, "draw_case", partial(draw_case, ill=True, moved=moved))
        return sources.PhantomEntry(4).load(6.0)

    still, moved = scan(False), scan(True)
    assert still.parts is not None and moved.parts is not None
    np.testing.assert_array_equal(still.parts, moved.parts)
    for one, other in zip(still.images, moved.images, strict=True):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.97  # 0.95 when a cube beside where it belongs


def test_those_without_outlines_teach_by_consistency_alone(cache: Path, tmp_path: Path) -> None:
    silent = tiny(consistency=Consistency(weight=0.0, decay=0.9))
    alone, with_others = (
        torch.load(train(each, "phantoms", tmp_path / str(number), cache, CPU), weights_only=True)["network"]
        for number, each in enumerate((silent, tiny()))
    )
    assert any(not torch.equal(alone[name], value) for name, value in with_others.items())


def test_regions_lie_within_one_another() -> None:
    parts = torch.tensor([0, 1, 2, 3])
    assert len(REGIONS) == 3
    assert regions_of(parts).tolist() == [[0, 1, 1, 1], [0, 1, 1, 0], [0, 0, 1, 0]]


def test_the_series_that_may_be_missing_are_left_out_now_and_then() -> None:
    images = torch.ones(len(SERIES), 2, 2, 2)
    seen = changed(images, AS_THEY_ARE, np.random.default_rng(0))
    assert [bool(channel.any()) for channel in seen] == [True, True, False, False]


def test_batches_are_made_by_their_number(cache: Path) -> None:
    scans = kept(parts_of("phantoms", tiny()).train, tiny(), cache / "phantoms")
    whole, resumed = list(training_batches(scans, tiny(), 0)), list(training_batches(scans, tiny(), 3))
    torch.testing.assert_close(whole[3].images, resumed[0].images)
    assert whole[0].images.shape == (2, len(SERIES), 16, 16, 16)
    assert whole[0].regions.shape == (2, len(REGIONS), 16, 16, 16)


def test_data_as_brats_keeps_it(tmp_path: Path) -> None:
    """Right, forward, up; the parts by its numbers, of which those of the older and of the newer years are known."""
    values = np.zeros((8, 10, 6), np.float32)
    values[1, 2, 3] = 100  # to the right, behind, in the upper half
    outlines = np.zeros(values.shape, np.uint8)
    outlines[1, 2, 3], outlines[1, 2, 4], outlines[1, 2, 5] = 4, 2, 1
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    (tmp_path / "P1").mkdir()
    for name in ("t1", "t1ce", "t2", "flair"):
        nibabel.save(nibabel.Nifti1Image(values, affine), tmp_path / "P1" / f"P1_{name}.nii.gz")
    nibabel.save(nibabel.Nifti1Image(outlines, affine), tmp_path / "P1" / "P1_seg.nii.gz")
    (tmp_path / "P2").mkdir()

    [entry] = list_entries(f"nifti:{tmp_path}", 0)
    scan = entry.load(2.0)
    assert entry.patient == "P1"
    assert scan.images.shape == (4, 6, 10, 8)
    [place] = np.argwhere(scan.images[0] > 0.5)
    assert place.tolist() == [3, 10 - 1 - 2, 8 - 1 - 1]
    assert scan.parts is not None
    assert [int(scan.parts[slice_index, 7, 6]) for slice_index in (3, 4, 5)] == [2, 3, 1]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("dicom:x", "The data is 'dicom:x'; it must be phantoms or nifti:FOLDER."),
        ("nifti:{}", "There is no folder with all of t1c, flair, t1, t2 as NIfTI files in {}."),
    ],
)
def test_data_that_is_not_there_is_refused(data: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        list_entries(data.format(tmp_path), 0)
    assert str(refusal.value) == sentence.format(tmp_path)


def box(*spans: tuple[int, int], shape: tuple[int, int, int] = (8, 8, 8)) -> np.ndarray[Any, np.dtype[np.bool_]]:
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*span) for span in spans)] = True
    return mask


def test_a_run_is_compared_in_cm3_and_as_the_node_measures_lengths() -> None:
    """Cubes of 10 mm; the truth is twice as long as what was found, the last region is found where there is none."""
    model = Model(Path(), Card.model_validate_json(CARD.read_bytes()), "digest")
    truth = np.stack([box((2, 4), (2, 4), (2, 6)), box((2, 4), (2, 4), (2, 6)), np.zeros((8, 8, 8), bool)])
    found = np.stack([box((2, 4), (2, 4), (2, 4)), box((2, 4), (2, 4), (2, 6)), box((0, 1), (0, 1), (0, 1))])
    volume = in_place(np.zeros((8, 8, 8), np.float32), 10.0)
    answer = Answer(found, np.where(found, np.float32(0.955), np.float32(0)), ("strange",))
    made = compared(truth, answer, Inputs({"t1c": volume, "flair": volume}, volume, (volume,)), model)

    np.testing.assert_allclose(made.cm3, [[16, 8], [16, 16], [0, 1]])
    np.testing.assert_allclose(made.confusion[0], [[512 - 16, 0], [8, 8]])
    np.testing.assert_allclose(made.histogram[0, 1, [0, 95]], [8, 8])
    long, short = np.hypot(40, 10), np.hypot(20, 10)
    np.testing.assert_allclose(made.longest_mm, [[long, short], [long, long], [0, 10]])
    assert made.cautions == (
        "strange",
        "There is no T1 without contrast; what is bright by itself, blood for one, may be taken for what takes up "
        "contrast.",
        "There is no T2; the borders of oedema are less sure.",
    )


def test_voxels_are_counted_by_truth_and_value() -> None:
    truth = np.array([True, True, False, False, False])
    assert counted(truth, np.array([0, 2, 1, 1, 2]), 3).tolist() == [[0, 2, 1], [1, 0, 1]]
    assert longest_mm(np.zeros((2, 3, 3), bool), (1.0, 1.0, 1.0)) == 0.0


def coarse(case: Case, step_mm: float = 8.0) -> Case:
    """Of so few voxels that it is drawn at once."""
    shape = tuple(round(extent / step_mm) for extent in (160, 224, 176))
    small = {"shape": shape, "step_mm": (step_mm,) * 3, "thickness_mm": step_mm}
    return replace(case, grids={name: replace(grid, **small) for name, grid in case.grids.items()})


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thresholds are looked for in few cubes."""
    monkeypatch.setattr(trial, "_GREY_MM", 8.0)


@pytest.mark.usefixtures("fast")
def test_a_patient_goes_the_node_s_way_and_what_is_missing_is_said(served: Path) -> None:
    made = try_case(coarse(draw_case(3, ill=True, moved=False)), served)
    assert (made.refused, set(made.found)) == ("", set(WITHOUT))
    for run, gone in WITHOUT.items():
        sentences = [each for each in made.found[run].cautions if each.startswith("There is no")]
        assert len(sentences) == (0 if gone is None else 1)
        assert made.found[run].cm3[0, 0] == made.found[WHOLE].cm3[0, 0] > 0
    assert made.grey.shape == (len(REGIONS), len(SERIES), 2, BINS)


@pytest.mark.usefixtures("fast")
def test_a_head_that_has_moved_is_laid_right_and_that_is_said(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "WITHOUT", {WHOLE: None})
    made = try_case(coarse(draw_case(3, ill=True, moved=True), 4.0), served)
    assert made.refused == ""
    assert sum("was laid on" in each for each in made.found[WHOLE].cautions) == 2


@pytest.mark.usefixtures("fast")
def test_a_patient_whom_the_node_refuses_has_found_nothing(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*_: object) -> Inputs:
        raise Unsuitable("They could not be laid on one another.", stage="read")

    monkeypatch.setattr(trial, "inputs_of", refusing)
    made = try_case(coarse(draw_case(3, ill=True, moved=False)), served)
    assert (made.refused, made.found) == ("They could not be laid on one another.", {})


@pytest.mark.parametrize("kind", KINDS)
def test_foreign_studies_are_whole_the_same_every_time_and_no_usual_head(kind: str) -> None:
    first, again, head = KINDS[kind](3, 12.0), KINDS[kind](3, 12.0), usual(3, 12.0)
    assert set(first) == set(SERIES)
    assert len({voxels.shape for voxels in first.values()}) == 1
    for name, voxels in first.items():
        assert voxels.dtype == np.float32 and np.isfinite(voxels).all()
        np.testing.assert_array_equal(voxels, again[name])
    assert any(first[name].shape != head[name].shape or (first[name] != head[name]).any() for name in SERIES)


def run_of(share: float, *, cm3: float = 8.0, wrong: float = 0.0, cautions: tuple[str, ...] = ()) -> Found:
    """Each region of so many cm3, of which a share is found, and so much found beside it."""
    table = np.array([[1000.0 - wrong, wrong], [cm3 * (1 - share), cm3 * share]])
    histogram = np.zeros((2, BINS))
    histogram[0, 0], histogram[0, 40], histogram[1, 40] = 1000.0, 6.0, 4.0
    return Found(
        confusion=np.stack([table] * len(REGIONS)),
        histogram=np.stack([histogram] * len(REGIONS)),
        longest_mm=np.array([[20.0 if cm3 else 0.0, 20.0 * share]] * len(REGIONS)),
        cautions=cautions,
    )


def made_up(number: int, runs: dict[str, Found], refused: str = "") -> Trial:
    """Half of what is brighter than half of the range on FLAIR is the tumour, all of which is as bright."""
    grey = np.zeros((len(REGIONS), len(SERIES), 2, BINS), np.int64)
    grey[:, :, 0, 49], grey[:, 1, 0, 50], grey[:, 1, 1, 50], grey[:, [0, 2, 3], 1, 10] = 100, 5, 5, 5
    ill = any(found.cm3[0, 0] > 0 for found in runs.values())
    return Trial(number, False, ill, number == 1, runs, refused, grey)


def some_trials() -> list[Trial]:
    said = {"all series": "was laid on that", "without T2": "There is no T2; x", "without T1": "There is no T1 x"}
    return [
        made_up(0, dict.fromkeys(WITHOUT, run_of(1.0))),
        made_up(1, {run: run_of(0.5, cautions=(said[run],)) for run in WITHOUT}),
        made_up(2, dict.fromkeys(WITHOUT, run_of(0.0, cm3=0.0, cautions=("The images look unlike those",)))),
        made_up(3, dict.fromkeys(WITHOUT, run_of(0.0, cm3=0.0, wrong=2.0))),
        made_up(4, {}, "could not be laid on one another"),
    ]


def test_the_shipped_model_knows_a_usual_head_and_cautions_where_series_are_mistaken() -> None:
    head = usual(3, STEP_MM)
    assert not unlike(head)
    assert unlike(mistaken(head))


def test_figures_speak_of_patients_who_have_the_region_and_of_those_without_a_tumour() -> None:
    told = figures_of(some_trials())
    assert (told.patients, told.with_tumour, told.moved) == (5, 2, 1)
    assert told.refused.value == pytest.approx(0.2)
    whole = told.overlap[WHOLE]["whole"]
    assert whole.dice.value == pytest.approx((1 + 2 / 3) / 2)
    assert whole.dice_of_all.value == pytest.approx(24 / 30)
    assert whole.sensitivity.value == pytest.approx(12 / 16)
    assert (told.volume_cm3["core"].bias, told.longest_mm["active"].bias) == (-2.0, -5.0)
    assert told.calibration_error["whole"] == pytest.approx(0.005)
    assert told.sound_clean.value == 0.5
    assert told.strange[WHOLE].value == 0.25
    assert (told.said_missing.value, told.said_moved.value) == (0.25, 1.0)
    best = told.threshold_alone["core"]
    assert (best.series, best.least, best.dice) == ("flair", 0.5, pytest.approx(2 / 3))


def test_the_worst_cases_come_first() -> None:
    assert [each.seed for each in pictures.worst_of(some_trials(), 3)] == [3, 1, 0]


FOREIGN = {**dict.fromkeys(KINDS, 1.0), "noise": 0.5, "all": 0.95}
SUPERVISED = {"settings": {"iterations": 800, "step_mm": 3.0}, "trainings": [
    {"labelled": 0.05, "outlined": 6, "others": 114, "consistency": 2.0, "patients": 30,
     "dice": {region: {"value": 0.5, "low": 0.4, "high": 0.6} for region in REGIONS}}]}  # fmt: skip


def test_the_report_says_first_that_the_data_are_phantoms_and_whose_the_paper_s_figures_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "shown_again", lambda trial, path: path.name)
    figures = {"Held-out phantoms": figures_of(some_trials()), "Shifted phantoms": figures_of(some_trials())}
    parts = [report.summary(figures, FOREIGN, 0.4), report.supervision_section(SUPERVISED)]
    for name, some in figures.items():
        parts += report.sections(name, some_trials(), some, tmp_path)
    page = render("title", report.FIRST_LINE, "Not for clinical use.", parts)
    assert page.index("synthetic phantoms; no patient data") < page.index("<h1>")
    assert "<td>Dice, whole</td><td>0.87</td><td>0.84</td><td>0.85</td><td>0.833" in page
    assert "the paper&#x27;s network, patients" in page
    assert "<td>6 (5 %)</td><td>114</td><td>2</td><td>0.500 (0.400 to 0.600)</td>" in page
    assert "<td>Dice of a plain threshold, core</td>" in page and "<td>0.667 (flair above 0.50)</td>" in page
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{part}-{what}.png" for part in ("held-out", "shifted") for what in ("agreement", "calibration")
    }


def test_what_was_measured_goes_into_the_card_and_the_readme() -> None:
    figures = asdict(figures_of(some_trials()))
    told = {"Held-out phantoms": figures, "Shifted phantoms": figures, "foreign studies cautioned": FOREIGN,
            "seconds_per_patch": 0.4, "paper": report.PAPER}  # fmt: skip
    written = with_figures(json.loads(CARD.read_text()), json.loads(json.dumps(told)))
    card = Card.model_validate_json(json.dumps(written))
    assert [(figure.name, figure.value) for figure in card.figures][:1] == [("Dice, whole", 0.8333)]
    lines = table(json.loads(json.dumps(told))).splitlines()
    assert lines[3].startswith("| Dice, whole, all series | 0.87 | 0.84 | 0.85 | 0.833")
    assert {line.count("|") for line in lines} == {1 + 1 + len(report.PAPER) + 2}


def test_a_worst_case_is_drawn_with_truth_and_model(tmp_path: Path) -> None:
    images = np.random.default_rng(0).uniform(0, 1, (2, 24, 20)).astype(np.float32)
    truth = np.zeros((len(REGIONS), 24, 20), bool)
    truth[:, 5:12, 5:12] = True
    assert pictures.drawn(images, truth, ~truth, "seed 1", tmp_path / "worst.png") == "worst.png"
    assert (tmp_path / "worst.png").read_bytes().startswith(b"\x89PNG")


def test_consistency_is_tried_wherever_someone_is_left_to_teach_without_outlines() -> None:
    config = read_settings(supervision.CONFIG)
    tried = [(each.name, each.labelled, each.consistency.weight > 0) for each in supervision.variants(config)]
    assert tried == [
        ("brain-tumour-supervision-5", 0.05, False),
        ("brain-tumour-supervision-5-consistent", 0.05, True),
        ("brain-tumour-supervision-20", 0.2, False),
        ("brain-tumour-supervision-20-consistent", 0.2, True),
        ("brain-tumour-supervision-100", 1.0, False),
    ]


def test_few_outlines_are_tried_and_an_interrupted_trial_goes_on(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate, seen = training.learning_rate, []

    def interrupted(largest: float, done: float) -> float:
        seen.append(round(done * tiny().iterations))
        if len(seen) == 7:
            raise KeyboardInterrupt
        return rate(largest, done)

    monkeypatch.setattr(training, "learning_rate", interrupted)
    config = tmp_path / "config.json"
    config.write_text(tiny().model_dump_json())
    record = tmp_path / "docs" / "supervision.json"
    given = ["--config", str(config), "--runs", str(tmp_path), "--record", str(record), "--cache", str(cache),
             "--threads", "1", "--device", "cpu"]  # fmt: skip
    monkeypatch.setattr("sys.argv", ["supervision", *given])
    with pytest.raises(KeyboardInterrupt):
        supervision.main()
    assert not record.exists()
    assert {path.parent.name for path in tmp_path.glob("*/checkpoint.pt")} == {"tiny-5", "tiny-5-consistent"}
    supervision.main()
    assert seen[:7] == [1, 2, 3, 4, 1, 2, 3]
    assert seen[7:9] == [3, 4], "the second goes on, and the first is not made again"
    told = json.loads(record.read_text())
    assert [(each["outlined"], each["others"]) for each in told["trainings"]] == [
        (1, 3),
        (1, 3),
        (1, 3),
        (1, 3),
        (4, 0),
    ]
    assert set(told["trainings"][0]["dice"]) == set(REGIONS)
    assert len(report.supervision_section(told).parts) == 2


def test_the_report_s_card_is_the_node_s() -> None:
    assert read(FOLDER).card == Card.model_validate_json(CARD.read_bytes())

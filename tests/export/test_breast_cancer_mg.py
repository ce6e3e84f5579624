"""Networks, training and data of breast-cancer-mg, so small that they are over in seconds."""

from __future__ import annotations

import plistlib
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pydicom
import pytest
import torch
from torch import Tensor, nn

from export.breast_cancer_mg import BENIGN, MALIGNANT, SLOTS, alone
from export.breast_cancer_mg import train as training
from export.breast_cancer_mg.candidates import (
    ELSEWHERE,
    IN_LESION,
    SQUARE,
    candidates,
    kind_batches,
    scout_batches,
    square,
)
from export.breast_cancer_mg.card import table, with_figures
from export.breast_cancer_mg.data import UNKNOWN, Kept, for_combining, kept, part_batches, parts_of
from export.breast_cancer_mg.export import CARD, INPUT, example, export_network, load_trained
from export.breast_cancer_mg.figures import answers_of, figures_of
from export.breast_cancer_mg.fitting import Looked, auc, combine, left_out, logits_of, replaced
from export.breast_cancer_mg.foreign import study
from export.breast_cancer_mg.model import BLOCK, COUNT, NUMBERS, CancerNet, Combination, Served, looked, pixels_of
from export.breast_cancer_mg.pieces import FIRST_SEED as PIECES_FROM
from export.breast_cancer_mg.pieces import SIDE, KeptPieces, kept_pieces, pieces
from export.breast_cancer_mg.places import REACH, STEP, Kinds, Places, Rings, Scout
from export.breast_cancer_mg.report import compared, hardness_section, sections, summary
from export.breast_cancer_mg.settings import LeftOut, Settings, Split, read_settings
from export.breast_cancer_mg.sources import FIRST_SEED, PhantomCase, list_cases
from export.breast_cancer_mg.train import finder_of, train
from export.breast_cancer_mg.trial import ALL, WAYS, Trial, near, threshold_of, try_patient
from export.breast_mass_mg.export import MODELS
from export.breast_mass_mg.model import Finder
from export.breast_mass_mg.settings import Augmentation
from export.breast_mass_mg.settings import Settings as FinderSettings
from export.checkpoints import SettingsError
from export.evaluation.readme import between_marks
from export.graph import write_graph
from export.phantoms.mammography.dicom import write_examination
from export.phantoms.mammography.foreign import FOREIGN
from export.phantoms.mammography.history import history
from export.schedule import Course
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.check import check
from orthanc_plugin.models.trial import attempt
from orthanc_plugin.routing.card import Card

CPU = torch.device("cpu")
CONFIGS = CARD.parent / "configs"
FOUND = CONFIGS.parents[1] / "breast_mass_mg" / "configs" / "find.json"
ROWS, COLUMNS = 128, 96
CHANNELS = (4, 4, 8, 8)
PIXEL_MM = 2.0


def tiny(**changes: Any) -> Settings:
    usual = Settings(
        name="tiny",
        seed=3,
        split=Split(train=6, validation=2, test=1, combining=0.5),
        begins_from="tiny-find",
        rows=ROWS,
        columns=COLUMNS,
        channels=CHANNELS,
        parts_mm=PIXEL_MM,
        whole_mm=PIXEL_MM,
        augmentation=Augmentation(turn_degrees=10, scale_share=0.1, shift_share=0, noise=0.02),
        look=Course(batch=2, iterations=3, learning_rate=0.002),
        scout=Course(batch=2, iterations=3, learning_rate=0.002),
        kinds=Course(batch=4, iterations=3, learning_rate=0.002),
        left_out=LeftOut(prior=0.4, view=0.2, side=0.1),
        rounds=2,
        strength=0.1,
        every=2,
    )
    return usual.model_copy(update=changes)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("views")


@pytest.fixture(scope="module")
def masses() -> Finder:
    """Whose layers know how large what comes to them usually is, and leave nothing as it comes."""
    torch.manual_seed(1)
    finder = Finder(CHANNELS, ROWS, COLUMNS)
    for layer in finder.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 3)
            nn.init.normal_(layer.bias, 0, 1)
            layer.momentum = None  # the mean of all that came
    finder.train()
    for _ in range(3):
        finder.of_levels(torch.rand(4, 1, ROWS, COLUMNS))
    return finder.eval()


@pytest.fixture(scope="module")
def finder(scratch: Path, masses: Finder) -> Path:
    settings = FinderSettings.model_validate_json(FOUND.read_text())
    known = settings.model_copy(update={"rows": ROWS, "columns": COLUMNS, "channels": CHANNELS})
    path, images = scratch / "find.onnx", torch.rand(2, 1, ROWS, COLUMNS)
    write_graph(masses, path, {"image": images}, ["logits"], {"settings": known.model_dump_json()})
    return path


@pytest.fixture(scope="module")
def checkpoint(scratch: Path, finder: Path) -> Path:
    return train(tiny(), "phantoms", scratch / "run", scratch, CPU, finder)


@pytest.fixture(scope="module")
def served(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny model, as it would be served."""
    folder = tmp_path_factory.mktemp("models") / "breast-cancer-mg"
    assert export_network(load_trained(checkpoint), folder / "model.onnx") < 1e-2
    card = Card.model_validate_json(CARD.read_bytes())
    stage = card.stages[0].model_copy(update={"rows": ROWS, "columns": COLUMNS})
    (folder / "card.json").write_text(card.model_copy(update={"stages": (stage,)}).model_dump_json(by_alias=True))
    return folder


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    device = Device("cpu")
    yield device
    device.close()


def whole(folder: Path, settings: Settings) -> list[Kept]:
    return kept(parts_of("phantoms", settings).validation, settings, folder / "phantoms", whole=True)


@pytest.fixture(scope="module")
def learned(checkpoint: Path, scratch: Path) -> list[Kept]:
    assert checkpoint.exists()
    learning, _ = for_combining(parts_of("phantoms", tiny()).train, tiny())
    return kept(learning, tiny(), scratch / "phantoms", whole=False)


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> list[KeptPieces]:
    """The lesions of twelve patients, each alone."""
    return kept_pieces(tiny(more=12), tmp_path_factory.mktemp("pieces"))


@pytest.mark.parametrize(("stops_in", "iterations"), [(1, 2), (2, 5), (3, 8)])
def test_an_interrupted_training_goes_on_to_the_same_network(
    stops_in: int,
    iterations: int,
    checkpoint: Path,
    scratch: Path,
    finder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the first of its courses, in the second, in the third."""
    rate, ends = training.learning_rate, []

    def interrupted(largest: float, done: float) -> float:
        if done == pytest.approx(1):
            ends.append(done)
            if len(ends) == stops_in:
                raise KeyboardInterrupt
        return rate(largest, done)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(training, "learning_rate", interrupted)
        train(tiny(), "phantoms", tmp_path, scratch, CPU, finder)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert (state["iterations"], state["strangeness"]) == (iterations, None)
    with pytest.raises(SystemExit, match="is not trained to its end"):
        load_trained(tmp_path / "checkpoint.pt")
    torch.manual_seed(99)
    resumed = torch.load(train(tiny(), "phantoms", tmp_path, scratch, CPU), weights_only=True)
    for name, value in torch.load(checkpoint, weights_only=True)["network"].items():
        torch.testing.assert_close(resumed["network"][name], value)
    assert (resumed["iterations"], resumed["seed"], resumed["data"]) == (9, 3, "phantoms")
    assert resumed["strangeness"] is not None
    assert train(tiny(), "phantoms", checkpoint.parent, scratch, CPU) == checkpoint


def test_a_checkpoint_of_another_configuration_is_refused(checkpoint: Path, scratch: Path) -> None:
    with pytest.raises(SettingsError, match="was trained with another configuration"):
        train(tiny(rounds=3), "phantoms", checkpoint.parent, scratch, CPU)


def test_the_network_begins_as_the_finder_that_is_served(finder: Path, masses: Finder) -> None:
    """When it learns, too."""
    levels = torch.rand(4, 1, ROWS, COLUMNS)
    own = CancerNet(tiny()).finder.eval()
    own.load_state_dict(finder_of(finder, tiny(), levels))
    with torch.no_grad():
        before, after = masses.of_levels(levels), own.of_levels(levels)
        torch.testing.assert_close(after, before, atol=1e-3, rtol=1e-3)
        answers, features = looked(own, levels)
        torch.testing.assert_close(answers, own.agreed(after), atol=1e-5, rtol=1e-5)
        assert features.shape == (2 * 2, CHANNELS[-1], ROWS // 16, COLUMNS // 16)
        own.train()
        learning = float((own.of_levels(levels) - before).abs().mean() / before.std())
        assert learning < 0.1


def test_without_a_finder_that_fits_a_sentence_says_so(tmp_path: Path, finder: Path) -> None:
    levels = torch.rand(1, 1, ROWS, COLUMNS)
    with pytest.raises(SettingsError) as caught:
        finder_of(tmp_path / "find.onnx", tiny(), levels)
    assert str(caught.value) == (
        f"{tmp_path}/find.onnx is not there, from which tiny begins; name another with --begin."
    )
    with pytest.raises(SettingsError) as caught:
        finder_of(finder, tiny(rows=64), levels)
    assert str(caught.value) == f"{finder} is no finder of the rows, columns and channels of tiny; name another."


def test_the_shipped_configurations_differ_by_their_beginning_alone() -> None:
    standard, scratch = (read_settings(CONFIGS / f"{name}.json") for name in ("standard", "scratch"))
    assert standard.model_copy(update={"name": scratch.name, "begins_from": None}) == scratch
    finder = FinderSettings.model_validate_json(FOUND.read_text())
    assert standard.begins_from == MODELS.name
    assert (standard.rows, standard.columns, standard.channels) == (finder.rows, finder.columns, finder.channels)


def test_card_and_configuration_speak_of_the_same_views() -> None:
    card, settings = Card.model_validate_json(CARD.read_bytes()), read_settings(CONFIGS / "standard.json")
    [stage] = card.stages
    assert (stage.rows, stage.columns, stage.input) == (settings.rows, settings.columns, INPUT)
    assert stage.outputs == Served.outputs
    assert tuple(slot.name for slot in stage.slots) == SLOTS
    assert card.outputs.classes is not None
    assert [item.slots for item in card.outputs.classes.items] == [("RCC", "RMLO"), ("LCC", "LMLO")]


def test_no_patient_is_in_two_parts() -> None:
    parts = parts_of("phantoms", tiny())
    learning, combining = for_combining(parts.train, tiny())
    groups = [{case.patient for case in some} for some in (learning, combining, parts.validation, parts.test)]
    assert [len(group) for group in groups] == [3, 3, 2, 1]
    assert len(set.union(*groups)) == 9


def test_parts_hold_lesions_more_often_than_not(learned: list[Kept]) -> None:
    settings = tiny(look=Course(batch=32, iterations=1, learning_rate=0.002))
    [batch], [again] = (list(part_batches(learned, [], settings, 0)) for _ in range(2))
    assert torch.equal(batch.levels, again.levels) and torch.equal(batch.lesion, again.lesion)
    assert batch.levels.shape == batch.lesion.shape == (32, 1, 128, 128)
    assert 0.5 < (batch.lesion.amax(dim=(1, 2, 3)) > 0.3).float().mean() < 1


def test_a_lesion_alone_looks_as_it_does_in_its_view(tmp_path: Path) -> None:
    """Drawn with what is around it, in the levels and at the scale of the whole view that it was cut from."""
    settings = read_settings(CONFIGS / "standard.json").model_copy(update={"parts_mm": 0.8})
    seed = next(n for n in range(PIECES_FROM, PIECES_FROM + 20) if {s.side for s in history(n).suspects} == {"R"})
    made = [piece for piece in pieces(seed, settings) if piece.kind]
    [whole] = kept([PhantomCase(seed)], settings, tmp_path, whole=False)
    assert len(made) == int((whole.shows > 0).sum())
    for piece, view in zip(made, np.flatnonzero(whole.shows), strict=True):
        levels, outlines = whole.levels()[view], whole.outlines()[view]
        assert (piece.outline == piece.kind).sum() == pytest.approx((outlines == piece.kind).sum(), rel=0.05)
        middle = np.argwhere(outlines > 0).mean(axis=0).round().astype(int) * 2
        half = 40
        there = levels[max(middle[0] - half, 0) : middle[0] + half, max(middle[1] - half, 0) : middle[1] + half]
        cut = piece.levels[SIDE // 2 - half : SIDE // 2 + half, SIDE // 2 - half : SIDE // 2 + half]
        seen = cut[cut > 0].mean(), there[there > 0].mean()
        assert seen[0] == pytest.approx(seen[1], abs=12)


def test_parts_come_from_pieces_as_often_as_is_said(learned: list[Kept], cut: list[KeptPieces]) -> None:
    settings = tiny(more=12, more_share=1.0, look=Course(batch=24, iterations=1, learning_rate=0.002))
    assert {int(kind) for each in cut for kind in each.kinds} == {BENIGN, MALIGNANT}
    [batch] = part_batches(learned, cut, settings, 0)
    [without] = part_batches(learned, cut, settings.model_copy(update={"more_share": 0.0}), 0)
    assert batch.levels.shape == without.levels.shape and not torch.equal(batch.levels, without.levels)
    assert (batch.lesion.amax(dim=(1, 2, 3)) > 0.3).float().mean() > 0.5


def test_views_are_kept_as_the_node_gives_them(checkpoint: Path, scratch: Path) -> None:
    assert checkpoint.exists()
    for scan in whole(scratch, tiny()):
        assert scan.images().shape == (8, 1, ROWS, COLUMNS) and scan.there.all()
        assert scan.outlines().shape == (8, ROWS // 2, COLUMNS // 2)
        for number, side in enumerate("RL"):
            shows = [scan.shows[place] for place, slot in enumerate(SLOTS) if slot[0] == side]
            assert (max(shows) == MALIGNANT) == bool(scan.malignant[number] == 1)


def test_places_are_the_highest_and_lie_apart() -> None:
    """In the middle of what is taken for a lesion there, not where its map happens to be highest."""
    logits = torch.full((1, 1, 64, 48), -6.0)
    logits[:, :, 10:21, 10:19] = 3.0
    logits[:, :, 12:15, 10:13] = 3.5
    logits[:, :, 50:57, 30:37] = 2.0
    places = Places(64, 48, agreed=9, apart=12)
    middles = places(logits, 2)
    torch.testing.assert_close(middles[0], torch.tensor([[15.0, 14.0], [53.0, 33.0]]), atol=0.2, rtol=0)
    own = places.own(middles)[0] > 0
    assert own[0, 15, 14] and own[1, 53, 33] and not torch.logical_and(own[0], own[1]).any()
    assert places.near(middles)[0, 1].argmax() == 53 * 48 + 33
    within = torch.zeros_like(logits)
    within[:, :, 45:, 25:] = 1
    torch.testing.assert_close(places(logits, 1, within)[0, 0], middles[0, 1], atol=0.2, rtol=0)


class Bright(nn.Module):
    """Takes what is bright in the middle for malignant."""

    def forward(self, rings: Tensor) -> Tensor:
        said: Tensor = rings[:, 0, 0].mean(dim=1) * 8 - 4
        return torch.stack([said + 1, said], dim=1)


def test_the_scout_looks_round_every_place_of_its_grid_and_never_at_air() -> None:
    scout = Scout(ROWS, COLUMNS).eval()
    views = torch.rand(2, 3, 1, ROWS, COLUMNS)
    views[1, 2, :, :, 50:] = 0
    with torch.no_grad():
        maps = scout(views)
        place = torch.tensor([[[3 * STEP + (STEP - 1) / 2, 2 * STEP + (STEP - 1) / 2]]])
        one = scout.told(views[1, 0][None], place)
    assert maps.shape == (6, 1, ROWS // STEP, COLUMNS // STEP)
    torch.testing.assert_close(maps[3, 0, 3, 2], one[0, 1], atol=1e-5, rtol=1e-5)
    assert (maps[5, 0, :, 5:] < -900).all() and (maps[5, 0, :, :5] > -900).all()


def test_the_scout_looks_near_a_place_of_an_earlier_view() -> None:
    scout = Scout(ROWS, COLUMNS).eval()
    scout.kinds = Bright()  # type: ignore[assignment]
    views = torch.zeros(2, 1, ROWS, COLUMNS)
    views[0, :, 70:91, 50:71] = 1  # 20 pixels below and 10 beside where it lay
    views[0, :, 0:22, 0:12] = 1  # too far off
    found = scout.near(views, torch.tensor([[[60.0, 50.0]], [[40.0, 40.0]]]))
    torch.testing.assert_close(found[0], torch.tensor([[80.0, 60.0]]), atol=1e-3, rtol=0)
    torch.testing.assert_close(found[1], torch.tensor([[40.0, 40.0]]), atol=1e-3, rtol=0)


def test_rings_show_what_lies_round_a_place() -> None:
    """Of a disc its edge on one ring all around, of a ray one direction, whichever way the view is turned."""
    y, x = torch.meshgrid(torch.arange(160.0), torch.arange(140.0), indexing="ij")
    disc = (torch.hypot(y - 70, x - 60) < 25).float()[None, None]
    [[seen]] = Rings(64, 96)(disc, torch.tensor([[[70.0, 60.0]]]))
    rings, directions = seen.shape
    edge = (seen > 0.5).sum(dim=0).float() / rings * REACH
    torch.testing.assert_close(edge, torch.full((directions,), 25.0), atol=1.0, rtol=0)
    ray = ((y - 70).abs() < 1.5).float() * (x > 60)
    [[along]] = Rings(64, 96)(ray[None, None], torch.tensor([[[70.0, 60.0]]]))
    assert along[10:].mean(dim=0).argmax() == 0
    quarter = torch.tensor([[[0.0, -1.0], [1.0, 0.0]]])
    [[turned]] = Rings(64, 96)(ray[None, None], torch.tensor([[[70.0, 60.0]]]), quarter)
    assert turned[10:].mean(dim=0).argmax() in (directions // 4, 3 * directions // 4)


def test_each_view_is_seen_round_its_own_places() -> None:
    views = torch.zeros(2, 1, 96, 96)
    views[0, :, 30:33, 30:33] = 1
    views[1, :, 60:63, 50:53] = 1
    places = torch.tensor([[[31.0, 31.0], [80.0, 80.0]], [[20.0, 20.0], [61.0, 51.0]]])
    seen = Rings(64, 96)(views, places)
    assert [float(each[0, 0].mean()) for each in seen] == pytest.approx([1, 0, 0, 1], abs=0.01)


def test_the_first_direction_lies_beside_the_last() -> None:
    torch.manual_seed(4)
    kinds = Kinds((4, 6, 8), ((2, 2), (2, 2))).eval()
    rings = torch.rand(2, 1, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(kinds(rings), kinds(rings.roll(16, dims=3)), atol=1e-5, rtol=1e-5)


def test_evidence_is_that_of_the_place_that_speaks_most_for_something_malignant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever found it; and of an earlier view that of the place near it, although another one is surer there."""
    network = CancerNet(tiny()).eval()
    network.kinds = Bright()  # type: ignore[assignment]
    answers = torch.full((8, 1, ROWS // BLOCK, COLUMNS // BLOCK), -6.0)
    scouted = torch.full((4, 1, ROWS // STEP, COLUMNS // STEP), -6.0)
    levels = torch.zeros(8, 1, ROWS, COLUMNS)
    answers[0, :, 10:17, 10:17], answers[0, :, 45:52, 30:37] = 4.0, 2.0
    levels[0, :, 90:104, 60:74] = 1  # what is less sure to be a lesion is bright
    answers[1, :, 10:17, 10:17], scouted[1, :, 9, 6] = 4.0, 3.0
    levels[1, :, 88:106, 58:76] = 1  # the scout alone has found it
    answers[4, :, 8:19, 8:19], answers[4, :, 48:55, 31:38] = 5.0, 1.0
    levels[4, :, 20:30, 20:30] = 1
    features = torch.zeros(8, 1, 1, 1)
    monkeypatch.setattr("export.breast_cancer_mg.model.looked", lambda *_: (answers, features))
    monkeypatch.setattr(network.scout, "forward", lambda _: scouted)
    monkeypatch.setattr(network.scout, "near", lambda _, places: places)
    with torch.no_grad():
        evidence, heats, _ = network.looked(levels)
    malignant, lesion, sure, size = evidence[0, 0].tolist()
    assert (malignant, lesion) == pytest.approx((4, 5)) and sure < 2
    assert size == pytest.approx(np.log1p(49 / (1 + np.exp(-2))), rel=0.05)
    assert evidence[0, 1, 0] == pytest.approx(4) and evidence[0, 1, 2] < 0
    assert heats.shape == (1, len(SLOTS), ROWS // 8, COLUMNS // 8)
    for heat in heats[0, :2]:
        assert divmod(int(heat.argmax()), COLUMNS // 8) in {(y, x) for y in (11, 12) for x in (7, 8, 9)}
    assert evidence[0, 4, 0] == pytest.approx(-4) and evidence[0, 4, 2] < 1


def test_places_that_are_found_are_known_for_what_lies_there(checkpoint: Path, learned: list[Kept]) -> None:
    network = load_trained(checkpoint).network
    found = candidates(network, learned, CPU)
    assert len(found) == sum(int(scan.there[: len(SLOTS)].sum()) for scan in learned) * 2 * COUNT
    for each in found[:60]:
        row, column = round((each.row - 0.5) / BLOCK), round((each.column - 0.5) / BLOCK)
        assert learned[each.scan].outlines()[each.view][row, column] == each.kind
    assert pixels_of(torch.tensor([0.0, 3.0])).tolist() == [0.5, 6.5]


def test_the_scout_learns_from_places_in_lesions_and_elsewhere(learned: list[Kept], cut: list[KeptPieces]) -> None:
    settings = tiny(more=12, more_share=0.6, scout=Course(batch=40, iterations=1, learning_rate=0.002))
    [batch], [again] = (list(scout_batches(learned, cut, settings, 0)) for _ in range(2))
    assert torch.equal(batch.levels, again.levels) and torch.equal(batch.places, again.places)
    assert batch.levels.shape == (40, 1, SIDE, SIDE) and batch.truth.shape == (40, IN_LESION + ELSEWHERE, 2)
    with_lesion, with_cancer = batch.truth.amax(dim=1).mean(dim=0).tolist()
    assert 0.4 < with_lesion < 0.9 and 0.3 < with_cancer < with_lesion
    assert batch.truth[:, IN_LESION:].max() == 0
    middles = batch.places[:, :IN_LESION][batch.truth[:, 0, 0] > 0].mean(dim=1)
    assert ((middles - (SIDE - 1) / 2).abs() < STEP).float().mean() > 0.8


def test_what_tells_kinds_learns_lesions_and_what_only_looks_like_one(
    checkpoint: Path, learned: list[Kept], cut: list[KeptPieces]
) -> None:
    settings = tiny(more=12, more_share=1.0, kinds=Course(batch=60, iterations=1, learning_rate=0.002))
    found = candidates(load_trained(checkpoint).network, learned, CPU)
    [batch], [again] = (list(kind_batches(found, learned, cut, settings, 0)) for _ in range(2))
    assert torch.equal(batch.levels, again.levels) and torch.equal(batch.turned, again.turned)
    lesion, malignant = batch.truth.mean(dim=(0, 1)).tolist()
    assert 0.5 < lesion < 0.8 and 0.2 < malignant < lesion
    assert batch.levels.shape == (60, 1, SQUARE, SQUARE) and batch.places.shape == (60, 1, 2)
    assert torch.linalg.det(batch.turned).abs().log().abs().amax() < 0.21
    reach = REACH * torch.linalg.matrix_norm(batch.turned, 2).amax()
    assert (batch.places - reach > 0).all() and (batch.places + reach < SQUARE - 1).all()


@pytest.mark.parametrize(("row", "column"), [(40.0, 30.0), (2.3, 95.0), (127.0, 0.0)])
def test_a_square_holds_its_place(row: float, column: float) -> None:
    view = np.zeros((128, 96), np.uint8)
    view[round(row), round(column)] = 9
    made, place = square(view, row, column)
    assert made[round(place[0]), round(place[1])] == 9 and made.sum() == 9


def combination() -> Combination:
    torch.manual_seed(2)
    made = Combination().eval()
    made.weights.copy_(torch.randn(len(made.weights)))
    made.constant.fill_(0.25)
    return made


def test_views_that_are_missing_change_nothing() -> None:
    network, evidence, there = combination(), torch.randn(3, 8, NUMBERS), torch.ones(3, 8)
    there[:, [1, 3]] = 0
    there[:, 4:] = 0
    changed = evidence.clone()
    changed[:, [1, 3, 4, 5, 6, 7]] += 5
    with torch.no_grad():
        torch.testing.assert_close(network(evidence, there)[:, 0], network(changed, there)[:, 0])
        assert not torch.equal(network(evidence, there)[:, 0], network(evidence, torch.ones(3, 8))[:, 0])


def test_each_breast_is_judged_by_its_own_views() -> None:
    """The right one first, and of a breast without a view nothing is heard but what the other one says."""
    network, there = combination(), torch.zeros(1, 8)
    there[:, [place for place, slot in enumerate(SLOTS) if slot[0] == "R"]] = 1
    network.weights[-NUMBERS - 3 :] = 0  # of the other breast, and of what is there
    evidence = torch.randn(1, 8, NUMBERS)
    with torch.no_grad():
        once, again = network(evidence, there), network(-evidence, there)
    assert once[0, 0] != again[0, 0]
    assert once[0, 1] == again[0, 1] == 0.25


def test_the_combination_hears_what_tells_and_bears_what_is_missing() -> None:
    """Of patients whose malignant breast says more than the other one, and now and then nothing of it is there."""
    rng = np.random.default_rng(3)
    malignant = torch.zeros(120, 2, dtype=torch.long)
    malignant[np.arange(120), torch.from_numpy(rng.integers(0, 2, 120))] = 1
    evidence = torch.from_numpy(rng.normal(0, 1, (120, 8, NUMBERS))).float()
    for place, slot in enumerate(SLOTS):
        evidence[:, place, 0] += 2 * malignant[:, "RL".index(slot[0])]
    seen = Looked(evidence, torch.ones(120, 8), torch.zeros(120, 8, 1), malignant)
    network = CancerNet(tiny())
    combine(network, seen, tiny(rounds=4))
    alone = torch.zeros(120, 8)
    alone[:, 0] = 1
    assert auc(*logits_of(network, seen)) > 0.95
    assert auc(*logits_of(network, replaced(seen, alone))) > 0.85


def test_chance_leaves_out_studies_before_views_and_breasts() -> None:
    there = torch.ones(4000, 8)
    left = left_out(there, LeftOut(prior=0.4, view=0.0, side=0.0), np.random.default_rng(1))
    assert left[:, :4].min() == 1
    assert set(left[:, 4:].sum(dim=1).tolist()) == {0.0, 4.0}
    assert left[:, 4].mean() == pytest.approx(0.6, abs=0.05)
    gone = left_out(there, LeftOut(prior=0, view=0, side=0.5), np.random.default_rng(1))
    one_breast = (gone[:, 0] == 0) & (gone[:, 2] == 0) & (gone[:, 4] == 0) & (gone[:, 6] == 0) & (gone[:, 1] == 1)
    assert one_breast.float().mean() == pytest.approx(0.25, abs=0.05)


def test_the_graph_says_what_the_network_says_and_the_node_takes_it(
    checkpoint: Path, served: Path, device: Device
) -> None:
    told = {each.key: each.value for each in onnx.load(served / "model.onnx").metadata_props}
    assert Settings.model_validate_json(told["settings"]) == load_trained(checkpoint).settings
    assert [finding.sentence for finding in check(served, device) if not finding.well] == []


def test_what_is_not_there_makes_nothing_strange(checkpoint: Path) -> None:
    trained = load_trained(checkpoint)
    views = example(trained.settings)
    network = Served(trained.network, trained.strangeness).eval()
    with torch.no_grad():
        probability, activation, strangeness = network(views)
    assert probability.shape == (2, 2) and ((probability > 0) & (probability < 1)).all()
    assert activation.shape == (2, 4, ROWS // 8, COLUMNS // 8)
    assert strangeness[1] <= strangeness[0]


@pytest.mark.parametrize("apart", [False, True])
def test_a_patient_becomes_a_report_of_two_breasts(apart: bool, served: Path, device: Device, tmp_path: Path) -> None:
    """Four images in one series, or four series of one."""
    seed = FIRST_SEED + 2
    for when in ("now", "before"):
        write_examination(seed, tmp_path / when, "now" if when == "now" else "before", pixel_mm=PIXEL_MM, apart=apart)
    attempt(served, [f"now={tmp_path / 'now'}", f"before={tmp_path / 'before'}"], tmp_path / "out", device)
    report = pydicom.dcmread(tmp_path / "out" / "SR.dcm")
    text = report.to_json()
    assert text.count("Probability of cancer") == 2
    for word in ("Malignant lesion, right breast", "Malignant lesion, left breast", "24028007", "7771000"):
        assert word in text
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert sum(len(series.ReferencedSOPSequence) for series in evidence) == 4
    assert len(evidence) == (4 if apart else 1)


def test_a_breast_that_is_not_there_is_told(served: Path, device: Device, tmp_path: Path) -> None:
    write_examination(FIRST_SEED + 3, tmp_path / "now", pixel_mm=PIXEL_MM, views=("LCC", "LMLO"))
    attempt(served, [f"now={tmp_path / 'now'}"], tmp_path / "out", device)
    text = pydicom.dcmread(tmp_path / "out" / "SR.dcm").to_json()
    assert text.count("Probability of cancer") == 1
    assert "Nothing is said of Malignant lesion, right breast: none of its images is there." in text
    assert "The right breast was not seen from above (CC)" in text
    assert "No earlier mammography of the last five years was there" in text


def test_a_patient_is_tried_with_all_and_with_less(served: Path) -> None:
    made = try_patient(FIRST_SEED + 2, False, served, PIXEL_MM)
    assert made.probability.keys() == WAYS.keys()
    assert all(0 <= share <= 1 for share in made.probability[ALL])
    assert all(0 <= share <= 1 for share in made.probability["one breast alone"])
    assert not any(inside and not ill for inside, ill in zip(made.peak_near, made.malignant, strict=True))


def test_a_peak_may_lie_a_little_beside() -> None:
    mask = np.zeros((20, 20), bool)
    mask[5, 5] = True
    assert near(mask, 7.2, 5.9, 2) and not near(mask, 8.1, 5.0, 2)


def trial(seed: int, kinds: tuple[Any, Any], *shares: float) -> Trial:
    both = (shares[0], shares[1])
    return Trial(seed, False, kinds, dict.fromkeys(WAYS, both), (True, False), 0.5)


TRIALS = [
    trial(0, ("malignant", "none"), 0.9, 0.1),
    trial(1, ("benign", "malignant"), 0.2, 0.6),
    trial(2, ("none", "benign"), 0.1, 0.7),
    trial(3, ("malignant", "benign"), 0.3, 0.2),
]


def test_figures_count_breasts() -> None:
    figures = figures_of(TRIALS, 0.4)
    assert (figures.patients, figures.breasts, figures.malignant, figures.benign) == (4, 8, 3, 3)
    assert figures.by_way[ALL].sensitivity.value == pytest.approx(2 / 3)
    assert figures.by_way[ALL].specificity.value == pytest.approx(4 / 5)
    assert figures.peak_near.value == pytest.approx(0.5)
    assert len(answers_of(TRIALS, 0.4, kinds=("benign",)).truth) == 3


def test_of_breasts_of_one_kind_nothing_is_claimed() -> None:
    figures = figures_of(TRIALS[2:3], 0.4)
    assert figures.malignant == 0 and np.isnan(figures.beside_benign.value)
    assert np.isnan(figures.by_way[ALL].auc.value) and figures.by_way[ALL].cases == 0


def test_the_report_becomes_page_card_and_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.breast_cancer_mg.report.shown_again", lambda trial, path: path.name)
    parts = {"Held-out phantoms": figures_of(TRIALS, 0.4), "Shifted phantoms": figures_of(TRIALS, 0.4)}
    foreign = {"film": 1.0, "all": 1.0}
    scratch = {name: {way: {"value": 0.7, "low": 0.6, "high": 0.8} for way in WAYS} for name in parts}
    hard = {name: dict.fromkeys(alone.NUMBERS, 0.6) for name in parts}
    report = {
        "foreign studies cautioned": foreign, "seconds_per_study": 1.5, "alone": hard, "from nothing": scratch,
        **{name: asdict(some) for name, some in parts.items()},
    }  # fmt: skip
    rows = [row for part in summary(parts, foreign, 1.5).parts if not isinstance(part, str) for row in part.rows]  # type: ignore[union-attr]
    assert ("beside readers: false positives", "−5.7 %", "not measured here", "not measured here") in rows
    assert any("begun from nothing" in row[0] for row in compared(parts, scratch).parts[1].rows)  # type: ignore[union-attr]
    assert compared(parts, None).parts[-1] == "The network that begins from nothing was not trained yet."
    assert len(hardness_section(hard).parts) == 2
    assert len(sections("Held-out phantoms", TRIALS, 0.4, tmp_path)) == 3
    card = Card.model_validate(
        with_figures(Card.model_validate_json(CARD.read_bytes()).model_dump(by_alias=True), report)
    )
    assert [figure.name for figure in card.figures][:2] == ["AUC", "sensitivity"]
    written = between_marks(CARD.with_name("README.md").read_text(), table(report), "breast_cancer_mg")
    assert "| beside readers: false negatives | −9.4 % | not measured here | not measured here |" in written
    assert "0.86" in written


def test_of_one_number_lesions_are_told_as_well_as_it_tells_them() -> None:
    found = [alone.Lesion(kind, (float(kind), n % 3, n % 4, 0.0)) for n in range(12) for kind in (True, False)]
    assert list(alone.hardness(found).values()) == [1.0, 0.5, 0.5, 0.5]


def test_images_of_something_else_pass_for_the_four_views() -> None:
    found = study(FOREIGN[0], 3)
    assert len(found) == 4 and len({header.ViewPosition + header.ImageLaterality for header in found.headers}) == 4
    assert min(found.pixels[0].shape) > 100


def test_the_threshold_is_the_card_s(served: Path) -> None:
    card = Card.model_validate_json(CARD.read_bytes())
    assert card.outputs.classes is not None
    assert threshold_of(served) == card.outputs.classes.items[0].threshold


@pytest.fixture(scope="module")
def inbreast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients: one came twice, the other once and with one breast alone."""
    folder = tmp_path_factory.mktemp("inbreast")
    rows = ["Patient ID;Patient age;Laterality;View;Acquisition date;File Name;ACR;Bi-Rads"]
    cases = (("a1", "201002", "5"), ("a1", "200902", "2"), ("b2", "201001", "4a"))
    for number, (patient, day, rads) in enumerate(cases):
        views = ("RCC", "LCC", "RMLO", "LMLO") if patient == "a1" else ("LCC", "LMLO")
        paths = write_examination(FIRST_SEED + number, folder / "raw", "now", pixel_mm=4.0, views=views)  # type: ignore[arg-type]
        for view, path in zip(views, paths, strict=True):
            name = f"{number}{SLOTS.index(view)}"
            target = folder / "AllDICOMs" / f"{name}_{patient}_MG_{view[0]}_{view[1:].replace('MLO', 'ML')}_ANON.dcm"
            target.parent.mkdir(exist_ok=True)
            shutil.move(path, target)
            of_side = rads if view[0] == "L" else "1"
            rows.append(f"removed;removed;{view[0]};{view[1:]};{day};{name};2;{of_side}")
            if view == "LCC":
                roi = {"Name": "Mass", "Point_px": ["(10, 20)", "(20, 20)", "(20, 40)", "(10, 40)"]}
                (folder / f"{name}.xml").write_bytes(plistlib.dumps({"Images": [{"ROIs": [roi]}]}))
    (folder / "INbreast.csv").write_text("\n".join(rows))
    return folder


def test_inbreast_is_read(inbreast: Path) -> None:
    first, second = list_cases(f"inbreast:{inbreast}", 0)
    assert (first.patient, second.patient) == ("a1", "b2")
    seen = first.load()
    assert set(seen.views) == {(when, slot) for when in ("now", "before") for slot in SLOTS}
    assert seen.malignant == {"R": False, "L": True}
    pixels, outline = seen.views["now", "LCC"]
    assert pixels.shape == outline.shape and int((outline == MALIGNANT).sum()) == 11 * 21
    assert int((seen.views["before", "LCC"][1] == BENIGN).sum()) == 11 * 21
    assert second.load().malignant == {"L": True}


def test_of_real_patients_a_missing_breast_is_unknown(inbreast: Path, tmp_path: Path) -> None:
    [_, case] = list_cases(f"inbreast:{inbreast}", 0)
    [scan] = kept([case], tiny(), tmp_path, whole=True)
    assert scan.malignant.tolist() == [UNKNOWN, 1]
    assert scan.there.tolist() == [slot in ("LCC", "LMLO") for slot in SLOTS] + [False] * 4
    assert scan.images()[0].max() == 0


def test_cbis_ddsm_is_read(tmp_path: Path) -> None:
    [path] = write_examination(FIRST_SEED, tmp_path / "raw", pixel_mm=4.0, views=("LCC",))
    image = tmp_path / "CBIS-DDSM" / "Mass-Training_P_00001_LEFT_CC" / "1.2" / "1.3" / "1-1.dcm"
    mask, cut = (
        tmp_path / "CBIS-DDSM" / "Mass-Training_P_00001_LEFT_CC_1" / "1.2" / "1.3" / f"1-{n}.dcm" for n in (2, 1)
    )
    for target in (image, mask, cut):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    drawn = pydicom.dcmread(mask)
    drawn.PhotometricInterpretation = "MONOCHROME2"
    values = np.zeros((drawn.Rows, drawn.Columns), np.uint16)
    values[10:20, 5:10] = 255
    drawn.PixelData = values.tobytes()
    drawn.save_as(mask)
    part = pydicom.dcmread(cut)
    part.Rows, part.Columns, part.PixelData = 4, 4, np.ones((4, 4), np.uint16).tobytes()
    part.save_as(cut)
    head = "patient_id,left or right breast,image view,abnormality id,pathology,image file path,ROI mask file path"
    row = (
        "P_00001,LEFT,CC,1,MALIGNANT,Mass-Training_P_00001_LEFT_CC/1.2/1.3/000000.dcm,"
        "Mass-Training_P_00001_LEFT_CC_1/1.2/1.3/000001.dcm"
    )
    (tmp_path / "mass_case_description_train_set.csv").write_text(f"{head}\n{row}\n")
    [case] = list_cases(f"cbis-ddsm:{tmp_path}", 0)
    seen = case.load()
    assert seen.malignant == {"L": True}
    assert int((seen.views["now", "LCC"][1] == MALIGNANT).sum()) == 50


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("dicom:x", "The data is 'dicom:x'; it must be phantoms, inbreast:FOLDER or cbis-ddsm:FOLDER."),
        (
            "cbis-ddsm:nowhere",
            "There is no mass_case_description_*.csv with the columns patient_id, left or right breast, image view, "
            "pathology, image file path, ROI mask file path in nowhere.",
        ),
        (
            "inbreast:nowhere",
            "There is no table with the columns Laterality, View, Acquisition date, File Name, Bi-Rads in nowhere; "
            "save INbreast.xls as CSV.",
        ),
    ],
)
def test_data_that_is_not_there_is_refused(data: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        list_cases(data, 1)
    assert str(caught.value) == sentence


def test_a_network_answers_of_both_breasts() -> None:
    torch.manual_seed(1)
    network = CancerNet(tiny()).eval()
    with torch.no_grad():
        evidence, maps, _ = network.looked(torch.rand(16, 1, ROWS, COLUMNS))
        assert network.combination(evidence, torch.ones(2, 8)).shape == (2, 2)
    assert maps.shape == (2, len(SLOTS), ROWS // 8, COLUMNS // 8)

import json
from dataclasses import replace
from pathlib import Path

import pytest

from export.abdominal_muscle_ct.settings import Stage, parse_settings, read_settings
from export.checkpoints import SettingsError
from tests.export.training import tiny

CONFIGS = Path(__file__).parents[2] / "export" / "abdominal_muscle_ct" / "configs"


@pytest.mark.parametrize("name", ["tissue", "tissue-densenet", "level"])
def test_the_shipped_configurations_hold_and_split_as_the_thesis_did(name: str) -> None:
    settings = read_settings(CONFIGS / f"{name}.json")
    assert (settings.name, settings.network) == (name, name)
    assert (settings.split.train, settings.split.validation, settings.split.test) == (353, 260, 260)
    assert settings.epochs == 10
    assert {stage.batch for stage in settings.stages} == {32}


def test_both_encoders_are_trained_under_the_same_conditions() -> None:
    plain, dense = (read_settings(CONFIGS / f"{name}.json") for name in ("tissue", "tissue-densenet"))
    own = {"name": "tissue", "network": "tissue", "channels": plain.channels, "units_per_level": plain.units_per_level}
    assert replace(dense, **own) == plain


def test_settings_survive_being_written() -> None:
    assert parse_settings(tiny().as_json()) == tiny()


def test_an_unknown_key_is_named_with_what_is_allowed() -> None:
    raw = json.loads(tiny().as_json())
    raw["split"]["trian"] = 3
    with pytest.raises(SettingsError) as refusal:
        parse_settings(json.dumps(raw))
    assert str(refusal.value) == (
        "The configuration has the unknown key 'trian'; "
        "allowed: highest_mm, lowest_mm, test, train, train_slices, validation, validation_slices."
    )


def test_a_missing_key_and_an_unknown_network_are_named() -> None:
    raw = json.loads(tiny().as_json())
    del raw["seed"]
    with pytest.raises(SettingsError) as refusal:
        parse_settings(json.dumps(raw))
    assert str(refusal.value) == "The configuration lacks the key 'seed'."
    raw |= {"seed": 1, "network": "liver"}
    with pytest.raises(SettingsError) as refusal:
        parse_settings(json.dumps(raw))
    assert str(refusal.value) == "The network is 'liver'; it must be one of tissue, tissue-densenet, level."


def test_epochs_belong_to_stages() -> None:
    first, second = Stage(2, 64, 64, 2, 8, 0.1), Stage(1, 128, 96, 2, 4, 0.01)
    settings = replace(tiny(), stages=(first, second))
    assert [settings.stage_of(epoch) for epoch in range(3)] == [(first, 0), (first, 1), (second, 0)]
    with pytest.raises(IndexError, match=r"^The training has 3 epochs\.$"):
        settings.stage_of(3)

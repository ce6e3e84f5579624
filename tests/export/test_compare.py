import json
from pathlib import Path

import pytest
import torch

from export.abdominal_muscle_ct.compare import compare
from export.abdominal_muscle_ct.train import Machine, train
from tests.export.training import tiny


@pytest.mark.slow
def test_two_encoders_are_measured_on_the_same_patients(tmp_path: Path) -> None:
    names = ("tissue", "tissue-densenet")
    here = Machine(torch.device("cpu"), workers=0)
    checkpoints = {
        name: train(tiny(name, epochs=1), "phantoms", tmp_path / name, tmp_path / "cache", here) for name in names
    }
    found = compare(checkpoints, 1, 1)
    for name in names:
        assert json.loads(json.dumps(found[name].settings))["network"] == name
        assert 0 < found[name].size_mb < 0.3
        assert set(found[name].dice) == {"validation", "held out", "shifted"}
        assert all(0 <= value <= 1 for part in found[name].dice.values() for value in part.values())
    assert found["tissue"].parameters != found["tissue-densenet"].parameters

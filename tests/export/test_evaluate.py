import json
from pathlib import Path

import pytest

from export.abdominal_muscle_ct import report as muscle_report
from export.abdominal_muscle_ct.foreign import KINDS
from export.abdominal_muscle_ct.report import evaluate, held_out_seeds
from export.abdominal_muscle_ct.series import FOLDER
from export.evaluation.shipped import sha256


@pytest.mark.slow
def test_a_report_says_what_the_data_was_and_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(muscle_report, "_MANY", 5)
    evaluate(2, 2, tmp_path, 1)
    page = (tmp_path / "report.html").read_text()
    assert "<body>\n<p>Data: synthetic phantoms; no patient data.</p>" in page
    assert "Not for clinical use. Trained on synthetic phantoms." in page
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["thesis"]["Dice"] == 0.87
    assert report["model"]["sha256"]["model.onnx"] == sha256(FOLDER / "model.onnx")
    for generator in ("Held-out phantoms", "Shifted phantoms"):
        assert report[generator]["patients"] == 2
        muscle = report[generator]["tissues"]["muscle"]
        assert muscle["dice_by_threshold_alone"] < muscle["dice"]["value"]
    assert set(report["foreign"]["by kind"]) == set(KINDS)
    assert report["seconds_per_slice"].keys() == {"tissue", "level", "end to end"}
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert all(name in page for name in pictures)
    assert len(pictures) == 12
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1_500_000


def test_the_held_out_patients_are_as_many_as_the_thesis_had() -> None:
    seeds = held_out_seeds()
    assert len(seeds) == len(set(seeds)) == 260

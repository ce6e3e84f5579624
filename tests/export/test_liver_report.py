"""What the report on liver-cirrhosis-ct makes of trials, which are made up here."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from export.liver_cirrhosis_ct import report
from export.liver_cirrhosis_ct.export import CARD
from export.liver_cirrhosis_ct.trial import FOREIGN_KINDS, Answer, ForeignTrial, Trial
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.folder import Model


def trial(number: int, *, refused: bool = False) -> Trial:
    """Every other patient is cirrhotic; the values make the scores plainer; four slices, of which two count."""
    cirrhosis, rng = number % 2 == 0, np.random.default_rng(number)
    image = float(np.clip(rng.normal(0.6 if cirrhosis else 0.4, 0.15), 0.01, 0.99))
    both = float(np.clip(image + (0.2 if cirrhosis else -0.2), 0.01, 0.99))
    chosen = np.array([False, not refused, not refused, False])
    return Trial(
        seed=number,
        shifted=False,
        cirrhosis=cirrhosis,
        refused=refused,
        cautioned=refused,
        scores=(np.nan,) * 4 if refused else (image, both, (image + both) / 2, image),
        share=np.array([0.0, 0.2, 0.3, 0.15], np.float32),
        found_share=np.array([0.02, 0.2, 0.3, 0.05], np.float32),
        chosen=chosen,
        said=np.full(int(chosen.sum()), image, np.float32),
        mean_hu=float(rng.normal(100, 10)),
        peak_in_liver=number % 4 == 0,
        peak_in_signs=True,
    )


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return Model(tmp_path, Card.model_validate_json(CARD.read_bytes()), "digest")


def test_figures_count_patients_slices_and_what_was_refused(model: Model) -> None:
    found = report.figures_of([*map(trial, range(40)), trial(40, refused=True)], model)
    assert (found.patients, found.refused) == (41, 1)
    assert found.cautioned.value == pytest.approx(1 / 41)
    assert found.peak_in_signs.value == 1.0
    assert 0.3 < found.peak_in_liver.value < 0.7
    assert found.chosen_sensitivity == pytest.approx(80 / 123)
    assert found.chosen_specificity == 1.0
    assert found.share_error == pytest.approx(0.03, abs=1e-6)
    assert found.missing_differs == 0.0
    assert 0.5 <= found.mean_hu_auc < 0.7
    patients = found.patients_by_variant
    image, both = (patients[name]["auc"]["value"] for name in report.VARIANTS[:2])  # type: ignore[index]
    assert 0.6 < image < both
    assert json.loads(json.dumps(asdict(found)))["patients"] == 41


def test_the_page_sets_the_variants_side_by_side(model: Model, tmp_path: Path) -> None:
    trials = list(map(trial, range(40)))
    figures = {name: report.figures_of(trials, model) for name in ("Held-out phantoms", "Shifted phantoms")}
    foreign = [ForeignTrial(kind, kind != "inverted") for kind in FOREIGN_KINDS]
    page = report.render("t", report.FIRST_LINE, "n", [report.summary(figures, foreign, 0.05)])
    assert page.index(report.FIRST_LINE) < page.index("<h1>")
    assert all(name in page for name in (*report.VARIANTS, "0.863", *FOREIGN_KINDS))
    assert report.cautioned_by_kind(foreign) == {**dict.fromkeys(FOREIGN_KINDS, 1.0), "inverted": 0.0, "all": 5 / 6}
    name = report.plot_slice(np.zeros((32, 32), np.float32), np.eye(4, dtype=np.float32), "none", tmp_path / "a.png")
    assert (tmp_path / name).stat().st_size > 0


def test_a_series_is_cautioned_by_the_slices_that_count(tmp_path: Path) -> None:
    def answer(strangeness: list[float], liver: list[float]) -> Answer:
        numbers = np.array(strangeness, np.float32), np.array(liver, np.float32)
        scores = np.array([0.9, 0.2, 0.6], np.float32)
        return Answer(scores, scores, numbers[1], numbers[0], np.zeros((3, 4, 4), np.float32), numbers[1] >= 0.12)

    assert not answer([5.0, 0.5, 0.9], [0.0, 0.3, 0.3]).cautioned
    assert answer([0.5, 1.5, 1.1], [0.0, 0.3, 0.3]).cautioned
    assert answer([0.5, 0.5, 0.5], [0.0, 0.0, 0.0]).cautioned
    assert answer([0.5, 0.5, 0.5], [0.0, 0.3, 0.3]).shown == 2

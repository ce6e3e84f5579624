from pathlib import Path

import numpy as np
import pytest

from export.evaluation.classification import Answers, as_json, figures_of, likeliest, section
from export.evaluation.page import render


def answers(names: tuple[str, ...] = ("one", "two"), *, skill: float = 1.0, cases: int = 300) -> Answers:
    """Two images a patient; with the skill 0 the answers say nothing."""
    rng = np.random.default_rng(0)
    truth = rng.random((cases, len(names))) < 0.3
    probability = 1 / (1 + np.exp(-(skill * (truth * 4.0 - 2.0) + rng.normal(size=truth.shape))))
    return Answers(names, truth, probability, np.full(len(names), 0.5), np.arange(cases) // 2)


def test_figures_of_answers_that_say_much_and_of_those_that_say_nothing() -> None:
    much, nothing = figures_of(answers())["one"], figures_of(answers(skill=0))["one"]
    assert much.auc.low > 0.95
    assert nothing.auc.low < 0.5 < nothing.auc.high
    assert much.cases == pytest.approx(90, abs=20)
    truth, present = answers().truth[:, 0], answers().present[:, 0]
    assert much.sensitivity.value == pytest.approx((truth & present).sum() / truth.sum())
    assert much.specificity.value == pytest.approx((~truth & ~present).sum() / (~truth).sum())
    assert much.accuracy.value == pytest.approx((truth == present).mean())


def test_a_class_that_no_case_has_is_left_out() -> None:
    given = answers()
    given.truth[:, 1] = False
    assert list(as_json(figures_of(given))) == ["one"]


def test_classes_that_exclude_one_another_have_a_confusion() -> None:
    truth = np.eye(2, dtype=bool)[[0, 0, 1, 1]]
    probability = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    given = Answers(("a", "b"), truth, probability, np.full(2, 0.5), np.arange(4))
    assert likeliest(given).sum(axis=0).tolist() == [[1, 1], [0, 2]]


def test_a_section_stands_on_a_page_with_its_pictures(tmp_path: Path) -> None:
    said = {"one": "0.862"}
    page = render("T", "Data: made up.", "No.", [section("Held out", answers(), tmp_path, exclusive=True, said=said)])
    assert "<th>reported</th>" in page
    assert "<td>0.862</td>" in page
    assert "Confusion (rows: truth):" in page
    pictures = sorted(path.name for path in tmp_path.iterdir())
    assert pictures == ["held-out-calibration.png", "held-out-roc.png"]
    assert all(f'src="{name}"' in page for name in pictures)

import numpy as np
import pytest

from export.evaluation import statistics

# truth none / muscle, found none / muscle
CONFUSION = np.array([[80.0, 5.0], [3.0, 12.0]])


def test_figures_of_a_table_worked_out_by_hand() -> None:
    assert statistics.accuracy(CONFUSION) == pytest.approx(0.92)
    assert statistics.dice(CONFUSION, 1) == pytest.approx(24 / 32)
    assert statistics.iou(CONFUSION, 1) == pytest.approx(12 / 20)
    assert statistics.sensitivity(CONFUSION, 1) == pytest.approx(0.8)
    assert statistics.specificity(CONFUSION, 1) == pytest.approx(80 / 85)


def test_a_score_that_separates_has_area_one_and_one_that_does_not_a_half() -> None:
    separating = np.array([[10.0, 10, 0, 0], [0, 0, 10, 10]])
    assert statistics.auc(separating) == pytest.approx(1.0)
    assert statistics.auc(np.ones((2, 4))) == pytest.approx(0.5)
    # of one positive and four negatives it passes three, and ties with none
    assert statistics.auc(np.array([[1.0, 1, 1, 0, 1], [0, 0, 0, 1, 0]])) == pytest.approx(0.75)


def test_calibration_compares_what_is_stated_with_what_is_observed() -> None:
    bins = np.zeros((2, 20))
    bins[:, 5] = (30, 10)  # stated 0.275, observed 0.25
    stated, observed, error = statistics.calibration(bins)
    assert (stated[2], observed[2]) == (pytest.approx(0.275), pytest.approx(0.25))
    assert error == pytest.approx(0.025)


def test_agreement_gives_bias_and_limits() -> None:
    truth = np.array([10.0, 20, 30])
    limits = statistics.agreement(truth, truth + np.array([1.0, 2, 3]))
    assert (limits.bias, limits.low, limits.high) == (pytest.approx(2.0), pytest.approx(0.04), pytest.approx(3.96))


def test_equal_patients_leave_no_doubt_and_unlike_ones_do() -> None:
    same = statistics.bootstrap(np.stack([CONFUSION] * 5), statistics.accuracy)
    assert same.low == same.value == same.high == pytest.approx(0.92)
    unlike = statistics.bootstrap(np.stack([CONFUSION, CONFUSION[::-1]] * 5), statistics.accuracy)
    assert unlike.low < unlike.value < unlike.high
    assert unlike == statistics.bootstrap(np.stack([CONFUSION, CONFUSION[::-1]] * 5), statistics.accuracy)


def test_a_median_has_an_interval_too() -> None:
    figure = statistics.bootstrap_values(np.arange(100.0), lambda values: float(np.median(values)))
    assert figure.low < figure.value == 49.5 < figure.high
    assert str(statistics.Figure(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"


def test_draws_without_a_case_say_nothing_of_a_rare_finding() -> None:
    tables = np.zeros((6, 2, 2))
    tables[:, 0, 0] = 1
    tables[5] = [[0, 0], [0, 1]]
    found = statistics.bootstrap(tables, lambda table: statistics.sensitivity(table, 1))
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)

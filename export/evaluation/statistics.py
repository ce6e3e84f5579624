"""Figures with confidence intervals: per-patient tables go in, because patients are what is drawn again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]
_DRAWS = 400
_COVERED = (2.5, 97.5)


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def bootstrap(tables: Table, figure: Callable[[Table], float], seed: int = 0) -> Figure:
    """`tables`: one table per patient, (patient, …). The figure is taken of their sum, over patients drawn again."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(tables), np.full(len(tables), 1 / len(tables)), _DRAWS)
    sums = np.tensordot(counts.astype(np.float64), tables, axes=1)
    return _with_interval(_drawn(figure, tables.sum(axis=0)), [_drawn(figure, each) for each in sums])


def _drawn(figure: Callable[[Table], float], table: Table) -> float:
    """NaN where nobody who has a rare finding was drawn, so that nothing can be said of it."""
    with np.errstate(invalid="ignore"):
        try:
            return figure(table)
        except ZeroDivisionError:
            return float("nan")


def bootstrap_values(values: Table, figure: Callable[[Table], float], seed: int = 0) -> Figure:
    """The same for one number or several per patient, of which the figure is a mean, a share, a correlation.

    Not a number of nobody; a drawing of which the figure says nothing is left out of the interval.
    """
    if not len(values):
        return Figure(*(float("nan"),) * 3)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(values), (_DRAWS, len(values)))
    return _with_interval(figure(values), [figure(values[drawn]) for drawn in draws])


def _with_interval(value: float, drawn: Sequence[float]) -> Figure:
    known = [each for each in drawn if not np.isnan(each)]
    low, high = np.percentile(known, _COVERED) if known else (float("nan"),) * 2
    return Figure(value, float(low), float(high))


def accuracy(confusion: Table) -> float:
    """Of a confusion table (truth, found)."""
    return float(np.trace(confusion) / confusion.sum())


def one_against_rest(confusion: Table, label: int) -> tuple[float, float, float, float]:
    """True and false positives, false and true negatives of one label."""
    hit = confusion[label, label]
    missed, wrong = confusion[label].sum() - hit, confusion[:, label].sum() - hit
    return float(hit), float(wrong), float(missed), float(confusion.sum() - hit - missed - wrong)


def dice(confusion: Table, label: int) -> float:
    hit, wrong, missed, _ = one_against_rest(confusion, label)
    return 2 * hit / (2 * hit + wrong + missed)


def iou(confusion: Table, label: int) -> float:
    hit, wrong, missed, _ = one_against_rest(confusion, label)
    return hit / (hit + wrong + missed)


def sensitivity(confusion: Table, label: int) -> float:
    hit, _, missed, _ = one_against_rest(confusion, label)
    return hit / (hit + missed)


def specificity(confusion: Table, label: int) -> float:
    _, wrong, _, rest = one_against_rest(confusion, label)
    return rest / (rest + wrong)


def roc(histogram: Table) -> tuple[Table, Table]:
    """False and true positive rates over falling thresholds, of a histogram (is not / is, bin of the score)."""
    above = np.cumsum(histogram[:, ::-1], axis=1)
    rates = np.hstack([np.zeros((2, 1)), above / above[:, -1:]])
    return rates[0], rates[1]


def auc(histogram: Table) -> float:
    false, true = roc(histogram)
    return float(np.trapezoid(true, false))


def calibration(histogram: Table, groups: int = 10) -> tuple[Table, Table, float]:
    """Stated and observed share per group of scores, and their mean difference weighted by how many there are."""
    bins = histogram.shape[1]
    centres = (np.arange(bins) + 0.5) / bins
    grouped = histogram.reshape(2, groups, bins // groups).sum(axis=2)
    total = grouped.sum(axis=0)
    stated = (histogram.sum(axis=0) * centres).reshape(groups, -1).sum(axis=1) / np.maximum(total, 1)
    observed = grouped[1] / np.maximum(total, 1)
    return stated, observed, float(np.abs(stated - observed) @ total / total.sum())


@dataclass(frozen=True)
class Agreement:
    """Bland and Altman's: mean difference and the limits that hold 95 % of the differences."""

    bias: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.bias:+.1f} ({self.low:+.1f} to {self.high:+.1f})".replace("-", "−")


def agreement(truth: Table, found: Table) -> Agreement:
    difference = found - truth
    bias, spread = float(difference.mean()), 1.96 * float(difference.std(ddof=1))
    return Agreement(bias, bias - spread, bias + spread)


def mean_of(values: Sequence[float]) -> Figure:
    """One number per patient."""
    return bootstrap_values(np.array(values, np.float64), lambda drawn: float(drawn.mean()))


def share_of(values: Sequence[bool]) -> Figure:
    return mean_of([float(value) for value in values])


def auc_alone(those: Sequence[float] | Table, others: Sequence[float] | Table) -> float:
    """Of a linear model on one number, which is that number or its negative; not a number without one of the two."""
    if not (len(those) and len(others)):
        return float("nan")
    apart = np.subtract.outer(np.array(those), np.array(others))
    above = float((apart > 0).mean() + 0.5 * (apart == 0).mean())
    return max(above, 1 - above)

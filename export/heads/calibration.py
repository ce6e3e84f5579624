"""Logits of those validated on and what is true of them in, what makes the logits say how often it is so out."""

from sklearn.linear_model import LogisticRegression
from torch import Tensor

_PRIOR = 3.0  # how freely few patients may turn the logit
_LEAST_SCALE = 1e-3


def calibrated(logits: Tensor, truth: Tensor) -> tuple[float, float] | None:
    """What a logit [N] is multiplied by, and what is added then; None where all are of one group."""
    if truth.all() or not truth.any():
        return None
    fitted = LogisticRegression(C=_PRIOR).fit(logits[:, None].numpy(), truth.numpy())
    return float(max(fitted.coef_[0, 0], _LEAST_SCALE)), float(fitted.intercept_[0])

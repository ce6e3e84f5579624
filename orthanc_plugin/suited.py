"""A card's checks and what they look at in, cautions about those that are not met out; Unsuitable where one refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.errors import Broken, Unsuitable
from orthanc_plugin.imaging.image import Imaged, Images
from orthanc_plugin.inference.stages import Series
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.checks import Demand, HeaderCheck, OutputCheck
from orthanc_plugin.routing.headers import Headers, values_of
from orthanc_plugin.routing.rules import Verdict, judged

OVER_ITEMS: Mapping[str, Callable[[NDArray[np.float32]], np.floating]] = {
    "median": np.median,
    "least": np.min,
    "most": np.max,
}


def by_header(card: Card, imaged: Imaged) -> tuple[str, ...]:
    """Before a network is asked. All slices of a volume are of one kind; each single image is looked at."""
    rules = [check for check in card.checks if isinstance(check, HeaderCheck)]
    headers = imaged.headers if isinstance(imaged, Images) else imaged.headers[:1]
    read = [Headers(values_of(header), len(imaged)) for header in headers] if rules else []
    unmet = []
    for check in rules:
        failed = [judged(card, check.rule, each).verdict is Verdict.NO for each in read]
        if all(failed) if check.otherwise == "refuse" else any(failed):
            unmet.append(check)
    return _said(unmet)


def by_answers(card: Card, said: Mapping[str, Series]) -> tuple[str, ...]:
    return _said([check for check in card.output_checks if not _met(check, said)])


def _met(check: OutputCheck, said: Mapping[str, Series]) -> bool:
    answers = said[check.source.stage].answers[check.source.output]
    if answers.shape[1] != 1:
        raise Broken(
            f"A check looks at {check.source.output}, which has {answers.shape[1]} numbers for each image instead of "
            "one; correct the card.",
            stage="infer",
        )
    number = float(OVER_ITEMS[check.of](answers))
    least, most = check.between.least, check.between.most
    return (least is None or number >= least) and (most is None or number <= most)


def _said(unmet: Sequence[Demand]) -> tuple[str, ...]:
    for check in unmet:
        if check.otherwise == "refuse":
            raise Unsuitable(check.says, stage="infer")
    return tuple(check.says for check in unmet)

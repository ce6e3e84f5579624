"""An earlier study of the same patient in, what changed since out: the model does there what it did here.

What can't be judged there keeps nobody from the results of today, which say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from orthanc_plugin import suited
from orthanc_plugin.encode.identity import Identity, Origin
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.header import text
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.inference.model import RawOutput
from orthanc_plugin.inputs import Earlier, Inputs
from orthanc_plugin.jobs.job import Parameter
from orthanc_plugin.measure import change
from orthanc_plugin.measure.clinical import clinical
from orthanc_plugin.measure.findings import Findings
from orthanc_plugin.measured import measured
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.headers import day


@dataclass(frozen=True)
class Judge:
    """The model at its work on one job; `ask` is `infer` with all but the inputs, by role, and what comes with them."""

    card: Card
    origin: Origin
    parameters: Mapping[str, Parameter]
    ask: Callable[..., RawOutput]


def compared(now: Findings, main: Imaged, earlier: Earlier, judge: Judge) -> Findings:
    """What was found now, on `main`, with what changed since the earlier study."""
    if earlier.inputs is None:
        return now
    inputs = earlier.inputs
    try:
        before = _found(inputs, judge)
    except Unsuitable as error:
        return _saying(now, _not_compared(error.sentence))
    both = change.compared(now, before, Identity.of(main, judge.origin).tracking_uid)
    said = [f"On the earlier study: {caution}" for caution in before.cautions]
    return _saying(both, f"Compared with {_when(inputs)}.", *said)


def unusable(inputs: Inputs) -> tuple[str, ...]:
    """Why a study that is there is not compared."""
    earlier = inputs.earlier
    return (_not_compared(earlier.why_not),) if earlier is not None and earlier.inputs is None else ()


def _found(inputs: Inputs, judge: Judge) -> Findings:
    card = judge.card
    given = clinical(card, judge.parameters, inputs.main.headers[0])
    strange = suited.by_header(card, inputs.main)
    raw = judge.ask(inputs.by_role, clinical=dict(given.counted))
    strange += suited.by_answers(card, raw.said)
    found = measured(card, inputs.main, raw, judge.origin, given)
    return replace(found, cautions=(*found.cautions, *strange, *inputs.said))


def _saying(findings: Findings, *more: str) -> Findings:
    return replace(findings, cautions=(*findings.cautions, *more))


def _not_compared(why: str) -> str:
    return f"There is an earlier study, which could not be compared: {why}"


def _when(inputs: Inputs) -> str:
    of_day = day(text(inputs.main.headers[0], "StudyDate"))
    return f"the study of {of_day.isoformat()}" if of_day is not None else "an earlier study"

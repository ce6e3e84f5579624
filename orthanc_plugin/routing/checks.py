"""What a card demands of its images beyond the rules that route them: by their headers or by what a graph says."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.outputs import Output
from orthanc_plugin.routing.rule import Range, Rule


class Demand(Entry):
    """Where it is not met, `says` stands in the results as a caution, or ends the job as skipped."""

    says: Annotated[str, Field(min_length=1, max_length=400)]
    otherwise: Literal["caution", "refuse"]


class HeaderCheck(Demand):
    """The rule does not say no. Of single images some may fail it: a caution is about any, a refusal about all."""

    rule: Rule


class OutputCheck(Demand):
    """The number that a graph answers lies in the range: of several slices or images their median, least or most."""

    source: Annotated[Output, Field(alias="from")]
    between: Range
    of: Literal["median", "least", "most"] = "median"


def _kind(entry: object) -> str | None:
    if isinstance(entry, dict):
        return next((key for key in ("rule", "from") if key in entry), None)
    return "rule" if isinstance(entry, HeaderCheck) else "from"


Check = Annotated[
    Annotated[HeaderCheck, Tag("rule")] | Annotated[OutputCheck, Tag("from")],
    Discriminator(
        _kind,
        custom_error_type="check",
        custom_error_message="a check has a rule, or from with the output that it looks at",
    ),
]

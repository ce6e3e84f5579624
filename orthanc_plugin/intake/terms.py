"""How jobs are ordered: how urgently, with which parameters, and whether their results may be published at once."""

from __future__ import annotations

from dataclasses import dataclass

from orthanc_plugin.jobs.job import Parameter, Priority


@dataclass(frozen=True)
class Terms:
    """`drawn` is the region that somebody drew, for models that look at one."""

    priority: Priority = Priority.ROUTINE
    parameters: tuple[tuple[str, Parameter], ...] = ()
    released: bool = True
    drawn: tuple[tuple[str, Parameter], ...] = ()


AT_ONCE = Terms()
EARLY = Terms(released=False)

"""Orders for tests: tiny input sets with one role each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orthanc_plugin.jobs.job import InputSet, Order, Parameter, Priority, Role


def input_set(series: int = 1, *, instances: int = 3, study: int = 1) -> InputSet:
    series_uid = f"1.2.{study}.{series}"
    uids = tuple(f"{series_uid}.{number}" for number in range(instances))
    return InputSet(f"1.2.{study}", (Role("image", series_uid, uids, f"files-{instances}"),))


def order(
    series: int = 1,
    *,
    instances: int = 3,
    study: int = 1,
    model: str = "muscle",
    digest: str = "d" * 64,
    priority: Priority = Priority.ROUTINE,
    released: bool = True,
    limit_s: float | None = None,
    **parameters: Parameter,
) -> Order:
    return Order(
        input_set=input_set(series, instances=instances, study=study),
        model=model,
        version="1.0.0" if model else "",
        digest=digest if model else "",
        parameters=tuple(parameters.items()),
        priority=priority,
        released=released,
        limit_s=limit_s,
    )


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def go_on(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def seconds(self) -> float:
        """The same clock as a worker's monotonic one."""
        return self.moment.timestamp()

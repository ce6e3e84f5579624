"""A plan and a node in, the round's verdict out: send, kill, bring back, wait, check the books."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event

import requests

from tests.e2e.node import Node
from tests.e2e.senders import Scanner
from tests.e2e.series import PushedSeries, phantom_series
from tests.faults import books
from tests.faults.plan import FAULTS, Plan
from tests.waiting import eventually

PATIENCE_S = 180.0


@dataclass(frozen=True)
class Verdict:
    plan: Plan
    problems: tuple[str, ...]
    seconds: float

    @property
    def balanced(self) -> bool:
        return not self.problems

    def line(self) -> str:
        word = "balanced" if self.balanced else "BROKEN: " + "; ".join(self.problems)
        return f"seed {self.plan.seed:>6}  {self.plan.fault:<8} {self.plan.moment:<28} {self.seconds:5.1f} s  {word}"

    def record(self) -> dict[str, object]:
        return asdict(self.plan) | {"problems": self.problems, "seconds": self.seconds, "balanced": self.balanced}


class Harness:
    """One node over many rounds, so that each round also meets what the ones before left."""

    def __init__(self, node: Node, folder: Path) -> None:
        self.node = node
        self._folder = folder
        self.sent: list[PushedSeries] = []

    def round(self, plan: Plan) -> Verdict:
        began = time.monotonic()
        series = [self._series(plan, number) for number in range(plan.series)]
        self.sent += series
        with ThreadPoolExecutor(len(series)) as senders:
            some_sent = Event()
            sending = [senders.submit(self._send, one, plan.after_instances, some_sent.set) for one in series]
            self._wait_for_the_phase(plan, series, sending, some_sent)
            time.sleep(plan.delay_s)
            self._strike(plan)
            for future in sending:
                future.result()
        return Verdict(plan, self._settled(series), round(time.monotonic() - began, 1))

    def audit(self) -> tuple[str, ...]:
        """What does not add up now, over all rounds."""
        return self._problems(self.sent)

    def _problems(self, among: Sequence[PushedSeries]) -> tuple[str, ...]:
        try:
            of_series = [problem for series in among for problem in books.of_series(self.node, series)]
            return (*of_series, *books.of_node(self.node, self.sent))
        except requests.RequestException as error:
            return (f"the node does not answer: {type(error).__name__}",)

    def _series(self, plan: Plan, number: int) -> PushedSeries:
        name = f"faults/{plan.seed}/{number}"
        return phantom_series(self._folder / name, name, seed=plan.seed % 5, slices=plan.slices, rows=96)

    def _send(self, series: PushedSeries, report_after: int, report: Callable[[], None]) -> None:
        """As a scanner does: what was not acknowledged is sent again until it is."""
        files = {str(uid): path for uid, path in zip(series.datasets(), series.files, strict=True)}

        def send_the_rest() -> bool:
            if not self.node.takes_dicom():
                return False
            sent_before = len(series.files) - len(files)
            scanner = Scanner(self.node.dicom_port)
            for uid in scanner.send(list(files.values()), after_each=lambda n: told(sent_before + n)):
                del files[uid]
            return not files

        def told(count: int) -> None:
            if count >= report_after:
                report()

        eventually(send_the_rest, within_s=PATIENCE_S, every_s=0.1, what="the sending of a series")

    def _wait_for_the_phase(
        self, plan: Plan, series: Sequence[PushedSeries], sending: Sequence[Future[None]], some_sent: Event
    ) -> None:
        if plan.phase == "sending":
            some_sent.wait(PATIENCE_S)
            return
        wait(sending, PATIENCE_S)
        if plan.phase == "running":
            self.node.job(series[0].series_uid, "running", "done", within_s=PATIENCE_S)

    def _strike(self, plan: Plan) -> None:
        self.node.kill(*FAULTS[plan.fault])
        if "orthanc" in FAULTS[plan.fault]:
            self.node.wait_for_the_end()
            self.node.start()

    def _settled(self, series: Sequence[PushedSeries]) -> tuple[str, ...]:
        """The problems that are left when the node had time enough to settle everything."""
        try:
            eventually(lambda: not self._problems(series), within_s=PATIENCE_S, every_s=0.3)
        except AssertionError:
            return self._problems(series)
        return ()

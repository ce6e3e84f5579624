"""The change log: each row once, from a cursor that outlives the process, with an overlap."""

from __future__ import annotations

from orthanc_plugin.intake.changes import KEEP_EVERY_S, OVERLAP, OVERLAP_EVERY_S, ChangeLog, News
from orthanc_plugin.intake.orthanc import Change, Changes, Orthanc
from tests.intake.kept import Kept


class Log(Orthanc):
    """An Orthanc of which only the log is there, with rows that become visible in any order."""

    def __init__(self) -> None:
        super().__init__("http://nowhere.invalid", "")
        self.rows: list[Change] = []
        self.asked: list[int] = []
        self.at_once = 1000

    def add(self, *seqs: int, kind: str = "NewInstance") -> None:
        self.rows = sorted([*self.rows, *(Change(seq, kind, f"id {seq}") for seq in seqs)], key=lambda row: row.seq)

    def changes(self, since: int, limit: int) -> Changes:
        self.asked.append(since)
        rows = tuple(row for row in self.rows if row.seq > since)[: min(limit, self.at_once)]
        newest = self.rows[-1].seq if self.rows else 0
        last = rows[-1].seq if rows else newest
        return Changes(rows, last, done=last >= newest)


def test_new_series_and_instances_come_once_and_other_changes_never() -> None:
    log = Log()
    changes = ChangeLog(log, Kept(), "one")
    log.add(1, 3)
    log.add(2, kind="NewSeries")
    log.add(4, kind="StableSeries")
    assert changes.news(0.0) == News(("id 2",), ("id 1", "id 3"))
    assert changes.news(10.0) == News()


def test_a_long_log_is_read_to_its_end() -> None:
    log = Log()
    log.at_once = 3
    log.add(*range(1, 11))
    assert len(ChangeLog(log, Kept(), "one").news(0.0).instance_ids) == 10


def test_a_row_that_becomes_visible_late_is_seen_by_the_overlap() -> None:
    log = Log()
    changes = ChangeLog(log, Kept(), "one")
    log.add(1, 2, 4)
    changes.news(0.0)
    log.add(3)
    assert changes.news(OVERLAP_EVERY_S / 2) == News()
    assert changes.news(OVERLAP_EVERY_S) == News((), ("id 3",))


def test_the_next_process_goes_on_where_the_last_one_was() -> None:
    log, kept = Log(), Kept()
    log.add(*range(1, 1001))
    ChangeLog(log, kept, "one").news(0.0)
    log.add(1001)
    log.asked.clear()
    news = ChangeLog(log, kept, "one").news(0.0)
    assert log.asked == [1000 - OVERLAP]
    assert news.instance_ids[-1] == "id 1001"
    assert len(news.instance_ids) == OVERLAP + 1, "what was in the overlap comes again after a restart"


def test_the_cursor_is_kept_now_and_then_only() -> None:
    log, kept = Log(), Kept()
    changes = ChangeLog(log, kept, "one")
    log.add(1)
    changes.news(0.0)
    log.add(2)
    changes.news(KEEP_EVERY_S / 2)
    assert kept.values == {"one/changes": "1"}
    changes.news(KEEP_EVERY_S)
    assert kept.values == {"one/changes": "2"}


def test_each_orthanc_has_its_own_cursor() -> None:
    log, kept = Log(), Kept()
    log.add(1)
    ChangeLog(log, kept, "one").news(0.0)
    assert ChangeLog(log, kept, "other").news(0.0).instance_ids == ("id 1",)


def test_a_log_that_begins_anew_is_read_from_its_beginning() -> None:
    log, kept = Log(), Kept()
    log.add(500)
    changes = ChangeLog(log, kept, "one")
    changes.news(0.0)
    log.rows = []
    log.add(1, 2)
    assert changes.news(1.0) == News()
    assert changes.news(2.0).instance_ids == ("id 1", "id 2")

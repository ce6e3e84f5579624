"""Reconciling: what nobody settled is found, and what is settled costs next to nothing."""

from __future__ import annotations

from orthanc_plugin.intake.changes import News
from orthanc_plugin.intake.orthanc import Counts, Orthanc, Series
from orthanc_plugin.intake.reconcile import SERIES_AT_ONCE, WHOLE_EVERY_S, Marks, Reconcile
from tests.intake.kept import Kept

EVERY_S = 60.0


class Store(Orthanc):
    """An Orthanc of which only the list of series is there."""

    def __init__(self) -> None:
        super().__init__("http://nowhere.invalid", "")
        self.held: list[Series] = []
        self.pages = 0

    def add(self, number: int, instances: int = 1) -> Series:
        ids = tuple(f"{number}/{instance}" for instance in range(instances))
        series = Series(f"series {number}", f"1.2.{number}", "CT", ids, None, f"{instances} then")
        self.held = [*(each for each in self.held if each.id != series.id), series]
        return series

    def counts(self) -> Counts:
        return Counts(len(self.held), sum(len(series.instance_ids) for series in self.held))

    def page_of_series(self, since: int, limit: int) -> tuple[Series, ...]:
        self.pages += 1
        return tuple(self.held[since : since + limit])


def reconciling() -> tuple[Store, Marks, Reconcile]:
    store, marks = Store(), Marks(Kept(), "one")
    return store, marks, Reconcile(store, marks, EVERY_S)


def test_at_the_start_every_series_without_a_mark_is_found() -> None:
    store, marks, reconcile = reconciling()
    marks.settle(store.add(1))
    unsettled = store.add(2)
    assert reconcile.unsettled(0.0) == (unsettled,)
    assert reconcile.due_s == EVERY_S


def test_a_series_that_changed_since_it_was_settled_is_found() -> None:
    store, marks, reconcile = reconciling()
    marks.settle(store.add(1, instances=5))
    grown = store.add(1, instances=6)
    assert reconcile.unsettled(0.0) == (grown,)


def test_a_large_store_is_gone_through_page_by_page() -> None:
    store, _, reconcile = reconciling()
    for number in range(2 * SERIES_AT_ONCE + 1):
        store.add(number)
    found: list[Series] = []
    for moment_s in (0.0, 0.1, 0.2):
        assert reconcile.due_s <= moment_s
        found += reconcile.unsettled(moment_s)
    assert found == store.held
    assert reconcile.due_s == 0.2 + EVERY_S


def test_while_the_counts_agree_with_the_log_nothing_is_listed() -> None:
    store, _, reconcile = reconciling()
    store.add(1)
    reconcile.unsettled(0.0)
    store.add(2, instances=3)
    reconcile.heard(News(("series 2",), ("2/0", "2/1", "2/2")))
    assert reconcile.unsettled(EVERY_S) == ()
    assert store.pages == 1


def test_a_row_that_the_log_lost_is_noticed_by_the_counts() -> None:
    store, _, reconcile = reconciling()
    store.add(1)
    reconcile.unsettled(0.0)
    lost = store.add(2)
    assert lost in reconcile.unsettled(EVERY_S)


def test_once_an_hour_all_are_listed_even_so() -> None:
    store, _, reconcile = reconciling()
    series = store.add(1)
    reconcile.unsettled(0.0)
    assert reconcile.unsettled(WHOLE_EVERY_S - 1) == ()
    assert reconcile.unsettled(WHOLE_EVERY_S) == (series,)


def test_marks_of_another_orthanc_do_not_count() -> None:
    kept, series = Kept(), Store().add(1)
    Marks(kept, "one").settle(series)
    assert Marks(kept, "one").settled(series)
    assert not Marks(kept, "other").settled(series)

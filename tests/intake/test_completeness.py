"""When computing starts and when results are published: single rules, then whole transfers played moment by moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate

import pytest

from orthanc_plugin.intake.arrivals import Arrivals, Habit
from orthanc_plugin.intake.completeness import Bounds, Known, Step, Verdict, judge, quiet_s

BOUNDS = Bounds(least_s=0.4, most_s=60)
FAST = Habit((0.1, 0.1, 0.2))
LOOK_S = 0.1


def known(stamps_s: tuple[float, ...] = (0.0,), instances: int = 60, habit: Habit = FAST) -> Known:
    return Known(Arrivals(stamps_s, instances), habit, modality="CT")


class TestSigns:
    """Each sign by itself; the last instance came at 0."""

    def test_a_projection_radiograph_is_published_at_once(self) -> None:
        one = replace(known(instances=1, habit=Habit()), modality="DX")
        assert judge(one, BOUNDS, 0.2) == Verdict(Step.PUBLISH, "Each image stands alone.")

    def test_an_enhanced_multi_frame_is_published_at_once(self) -> None:
        one = replace(known(instances=1, habit=Habit()), multi_frame=True)
        assert judge(one, BOUNDS, 0.2) == Verdict(Step.PUBLISH, "Each image stands alone.")

    def test_a_scanner_that_sends_several_multi_frames_a_series_is_waited_for(self) -> None:
        several = replace(known(instances=2, habit=Habit()), multi_frame=True)
        assert judge(several, BOUNDS, 0.2) == Verdict(Step.WAIT, "Nothing came for 3.0 s.", 1.5)

    def test_a_single_slice_of_a_sender_never_met_waits_three_seconds(self) -> None:
        first = known(instances=1, habit=Habit())
        assert judge(first, BOUNDS, 0.0) == Verdict(Step.WAIT, "Nothing came for 3.0 s.", 1.5)
        assert judge(first, BOUNDS, 1.5) == Verdict(Step.WAIT, "Nothing came for 3.0 s.", 3.0)
        assert judge(first, BOUNDS, 3.0) == Verdict(Step.PUBLISH, "Nothing came for 3.0 s.")

    def test_computing_starts_early_only_where_the_positions_leave_no_hole(self) -> None:
        assert judge(replace(known(), contiguous=True), BOUNDS, 0.3) == Verdict(
            Step.COMPUTE, "Nothing came for 0.4 s.", 0.4
        )
        assert judge(known(), BOUNDS, 0.3).step is Step.WAIT
        hole = replace(known(), contiguous=False)
        assert judge(hole, BOUNDS, 1.1).step is Step.WAIT
        assert judge(hole, BOUNDS, 1.3) == Verdict(
            Step.PUBLISH, "The positions leave a hole and nothing came for 1.2 s."
        )

    def test_the_senders_own_count_ends_the_waiting(self) -> None:
        slow = known(habit=Habit((5.0,)))
        assert judge(slow, BOUNDS, 0.4).step is Step.WAIT
        assert judge(replace(slow, counted_by_sender=60), BOUNDS, 0.4) == Verdict(
            Step.PUBLISH, "The sender counts 60 instances and all are here."
        )

    def test_a_sender_that_counts_more_is_waited_for_but_not_for_ever(self) -> None:
        more = replace(known(), counted_by_sender=80, contiguous=True)
        assert judge(more, BOUNDS, 30) == Verdict(Step.WAIT, "The sender counts 80 instances, 60 are here.", 60)
        assert judge(more, BOUNDS, 60).step is Step.PUBLISH

    def test_a_sender_that_counts_less_knows_less(self) -> None:
        assert judge(replace(known(), counted_by_sender=59), BOUNDS, 0.5).step is Step.PUBLISH

    def test_storage_commitment_after_the_last_instance_ends_the_waiting(self) -> None:
        slow = known(habit=Habit((5.0,)))
        assert judge(replace(slow, commitment_s=0.3), BOUNDS, 0.4) == Verdict(
            Step.PUBLISH, "The sender asked for storage commitment after the last instance."
        )
        assert judge(replace(slow, commitment_s=-0.1), BOUNDS, 0.4).step is Step.WAIT, "it was for what came before"

    def test_a_stated_number_that_is_reached_leaves_only_the_pauses_of_this_transfer(self) -> None:
        slow = known(habit=Habit((5.0,)))
        assert judge(replace(slow, stated=60), BOUNDS, 0.4) == Verdict(
            Step.PUBLISH, "The headers state 60 instances and all are here."
        )
        regular = replace(known(tuple(2.0 * n for n in range(-20, 1)), 21), stated=21)
        assert judge(regular, BOUNDS, 2.6).step is Step.COMPUTE, "it may be the number of one acquisition of several"

    def test_a_stated_number_that_is_not_reached_is_waited_for_a_while(self) -> None:
        fewer = replace(known(), stated=61, contiguous=True)
        assert judge(fewer, BOUNDS, 0.6) == Verdict(Step.WAIT, "The headers state 61 instances, 60 are here.", 5.0)
        assert judge(fewer, BOUNDS, 5.0).step is Step.PUBLISH

    def test_a_stated_number_that_is_exceeded_is_not_trusted(self) -> None:
        assert judge(replace(known(), stated=20), BOUNDS, 0.5) == Verdict(Step.PUBLISH, "Nothing came for 0.4 s.")


class TestQuietTime:
    def test_it_stays_within_its_bounds(self) -> None:
        assert quiet_s(known(), Bounds(0.8, 60)) == 0.8
        assert quiet_s(known(habit=Habit((40.0,))), BOUNDS) == 60

    def test_caution_goes_with_what_is_known_of_the_sender(self) -> None:
        strangers = [quiet_s(known(instances=n, habit=Habit()), BOUNDS) for n in (1, 8, 16, 30, 60)]
        assert strangers == [3.0, 3.0, 1.5, 0.8, 0.4]
        assert quiet_s(known(instances=10, habit=Habit((0.0,))), BOUNDS) == 0.8

    def test_one_accident_among_several_transfers_does_not_slow_down_the_next(self) -> None:
        assert quiet_s(known(habit=Habit((0.1, 0.1, 5.0, 0.1))), BOUNDS) == 0.4


@dataclass(frozen=True)
class Played:
    """What happened in a transfer: moments of publishing, and how much of it computing was started on early."""

    published: tuple[tuple[float, int], ...]
    computed: tuple[int, ...]


def play(pauses_s: list[float], habit: Habit) -> Played:
    """Looks every tenth of a second, as the intake does; an instance after publishing opens the series again."""
    times_s = list(accumulate([0.0, *pauses_s]))
    seen, moment_s, noticed = 0, 0.0, Arrivals((), 0)
    published: list[tuple[float, int]] = []
    computed: list[int] = []
    while not published or published[-1][1] < len(times_s):
        here = sum(time_s <= moment_s for time_s in times_s)
        if here > seen:
            seen, noticed = here, noticed.joined_by((times_s[here - 1],), here)
        if not published or published[-1][1] < here:
            verdict = judge(Known(noticed, habit, "CT", contiguous=here > 2 or None), BOUNDS, moment_s)
            if verdict.step is Step.PUBLISH:
                published.append((moment_s, here))
            if verdict.step is Step.COMPUTE and computed[-1:] != [here]:
                computed.append(here)
        moment_s = round(moment_s + LOOK_S, 3)
    return Played(tuple(published), tuple(computed))


class TestTransfers:
    @pytest.mark.parametrize("habit", [Habit(), FAST], ids=["never met", "known"])
    @pytest.mark.parametrize("pause_s", [0.003, 0.012, 0.042], ids=["300/s", "80/s", "24/s"])
    def test_a_fast_series_is_published_half_a_second_after_its_last_instance(
        self, habit: Habit, pause_s: float
    ) -> None:
        played = play([pause_s] * 59, habit)
        ((moment_s, instances),) = played.published
        assert instances == 60
        assert moment_s - 59 * pause_s < 0.8
        assert played.computed == (60,), "computing started before, and not on a part"

    def test_a_short_series_of_a_known_fast_sender_too(self) -> None:
        ((moment_s, instances),) = play([0.012] * 9, FAST).published
        assert (instances, moment_s < 0.8) == (10, True)

    @pytest.mark.parametrize("habit", [Habit(), Habit((2.0,)), Habit((2.1, 2.0, 2.2))])
    def test_a_slow_sender_is_not_cut_and_nothing_is_computed_twice(self, habit: Habit) -> None:
        played = play([2.0] * 29, habit)
        ((moment_s, instances),) = played.published
        assert instances == 30
        assert played.computed == (30,)
        assert moment_s - 58 <= 5.6

    def test_a_known_sender_that_is_slow_today_is_cut_once_at_most(self) -> None:
        assert [instances for _, instances in play([2.0] * 29, FAST).published] == [1, 30]

    def test_a_pause_of_five_seconds_gives_results_and_the_late_slices_give_them_anew(self) -> None:
        played = play([0.012] * 29 + [5.0] + [0.012] * 29, FAST)
        assert [instances for _, instances in played.published] == [30, 60]
        assert played.published[0][0] < 1.0
        assert played.published[1][0] - (58 * 0.012 + 5) < 0.8, "one pause does not make the sender slow"

    def test_a_sender_that_always_pauses_is_not_cut(self) -> None:
        habit = Habit((5.0, 5.1, 4.9))
        assert [instances for _, instances in play([0.012] * 29 + [5.0] + [0.012] * 29, habit).published] == [60]

    def test_an_irregular_sender_is_not_cut(self) -> None:
        pauses_s = [0.3, 1.4, 0.2, 0.9, 2.2, 0.1, 1.1, 0.4, 1.9, 0.6] * 4
        assert [instances for _, instances in play(pauses_s, Habit()).published] == [41]

"""What is known of a series in, whether to wait, to compute or to publish out; pure, all times on one clock.

Why these rules: docs/decisions/0004-completeness.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orthanc_plugin.intake.arrivals import Arrivals, Habit

LONGER_THAN_A_PAUSE = 2.5
"""A silence is an end when it is this much longer than the pauses that the transfer usually makes."""
FIRST_TIME_S = 3.0
ENOUGH_ARRIVALS = 8
"""A sender never met gets three seconds until eight instances have come; then less, as one over the arrivals."""
A_TRANSFER_COUNTS = 20
"""A whole earlier transfer tells as much as twenty arrivals in this one."""
EARLY = 0.5
"""Computing starts after half of the quiet time, at 1.25 times the usual pause: a regular sender never triggers it."""
MORE_IS_MISSING = 4.0
LEAST_WHEN_MORE_IS_MISSING_S = 5.0
A_HOLE_IS_OPEN = 3.0
AT_ONCE_S = 0.15
"""Single images are not waited for, save that the two views of one examination come within a tenth of a second."""

SINGLE_IMAGE_MODALITIES = frozenset({"CR", "DX", "MG", "IO", "PX", "RG"})
"""Projection radiographs. An ultrasound series is a whole examination of many images and goes by its quiet time."""


class Step(StrEnum):
    WAIT = "wait"
    COMPUTE = "compute"
    PUBLISH = "publish"


@dataclass(frozen=True)
class Bounds:
    """No silence shorter than `least_s` ends a series, none longer than `most_s` is waited for."""

    least_s: float
    most_s: float

    def within(self, quiet_s: float) -> float:
        return min(max(quiet_s, self.least_s), self.most_s)


@dataclass(frozen=True)
class Known:
    """All that tells whether a series is complete.

    `stated` is what its headers say, `counted_by_sender` what the sender answered when asked, `commitment_s` when
    it last asked for storage commitment, `contiguous` None while positions were not looked at or can't tell.
    """

    arrivals: Arrivals
    habit: Habit
    modality: str = ""
    multi_frame: bool = False
    contiguous: bool | None = None
    stated: int | None = None
    counted_by_sender: int | None = None
    commitment_s: float | None = None

    @property
    def stands_alone(self) -> bool:
        """A multi-frame image is a whole series, unless its scanner makes one of each stack or moment."""
        whole = self.multi_frame and self.arrivals.instances == 1
        return whole or self.modality in SINGLE_IMAGE_MODALITIES


@dataclass(frozen=True)
class Verdict:
    """`until_s` is the moment to judge again; when publishing there is none."""

    step: Step
    why: str
    until_s: float | None = None


@dataclass(frozen=True)
class Silence:
    """How long nothing may come until the series counts as complete, and the sentence that says why."""

    seconds: float
    why: str
    early: bool = False


def judge(known: Known, bounds: Bounds, now_s: float) -> Verdict:
    needed = silence(known, bounds)
    end_s = known.arrivals.last_s + needed.seconds
    if now_s >= end_s:
        return Verdict(Step.PUBLISH, needed.why)
    if now_s < early_s(known, bounds):
        return Verdict(Step.WAIT, needed.why, early_s(known, bounds))
    if needed.early:
        return Verdict(Step.COMPUTE, needed.why, end_s)
    return Verdict(Step.WAIT, needed.why, end_s)


def early_s(known: Known, bounds: Bounds) -> float:
    """The moment when it pays to look at the positions and to ask the sender."""
    return known.arrivals.last_s + EARLY * min(silence(known, bounds).seconds, quiet_s(known, bounds))


def silence(known: Known, bounds: Bounds) -> Silence:
    """The strongest sign decides: the image itself, the sender's word, the headers, the positions, then quiet alone."""
    here = known.arrivals.instances
    if known.stands_alone:
        return Silence(AT_ONCE_S, "Each image stands alone.")
    if known.counted_by_sender == here:
        return Silence(bounds.least_s, f"The sender counts {here} instances and all are here.", early=True)
    if known.commitment_s is not None and known.commitment_s >= known.arrivals.last_s:
        return Silence(bounds.least_s, "The sender asked for storage commitment after the last instance.", early=True)
    if known.stated == here:
        return Silence(own_quiet_s(known, bounds), f"The headers state {here} instances and all are here.", early=True)
    quiet = quiet_s(known, bounds)
    if known.counted_by_sender is not None and known.counted_by_sender > here:
        return Silence(bounds.most_s, f"The sender counts {known.counted_by_sender} instances, {here} are here.")
    if known.stated is not None and known.stated > here:
        return Silence(patient(quiet, bounds), f"The headers state {known.stated} instances, {here} are here.")
    if known.contiguous is False:
        longer = bounds.within(A_HOLE_IS_OPEN * quiet)
        return Silence(longer, f"The positions leave a hole and nothing came for {longer:.1f} s.")
    return Silence(quiet, f"Nothing came for {quiet:.1f} s.", early=bool(known.contiguous))


def patient(quiet: float, bounds: Bounds) -> float:
    """Instances are announced and missing: waited for, but not for ever, as such numbers are often wrong."""
    return bounds.within(max(MORE_IS_MISSING * quiet, LEAST_WHEN_MORE_IS_MISSING_S))


def own_quiet_s(known: Known, bounds: Bounds) -> float:
    """From the pauses within this very transfer."""
    return bounds.within(LONGER_THAN_A_PAUSE * known.arrivals.usual_pause_s(bounds.most_s))


def quiet_s(known: Known, bounds: Bounds) -> float:
    """From this transfer, from earlier ones of the sender and, while there is little of either, from caution."""
    told_by = known.arrivals.instances + A_TRANSFER_COUNTS * known.habit.transfers
    caution_s = FIRST_TIME_S * min(1.0, ENOUGH_ARRIVALS / told_by)
    learned_s = LONGER_THAN_A_PAUSE * known.habit.pause_s
    return bounds.within(max(own_quiet_s(known, bounds), learned_s, caution_s))

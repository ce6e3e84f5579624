"""A seed in, one round's plan out: what is sent, what is killed, and when. The same seed always plans the same."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

Phase = Literal["sending", "quiet", "running"]
PHASES: tuple[Phase, ...] = ("sending", "quiet", "running")
FAULTS = {
    "worker": ("worker",),
    "orthanc": ("orthanc",),
    "both": ("orthanc", "worker"),
    "intake": ("intake",),
    "device": ("device",),
}
"""The processes that get SIGKILL in the same instant."""
USUAL_FAULTS = ("worker", "orthanc", "both")
LONGEST_DELAY_S = {"sending": 0.05, "quiet": 1.0, "running": 1.5}


@dataclass(frozen=True)
class Plan:
    """Kill `fault` so many seconds after the phase began; while sending, the phase begins after some instances."""

    seed: int
    fault: str
    phase: Phase
    delay_s: float
    after_instances: int
    series: int
    slices: int

    @property
    def moment(self) -> str:
        began = f"{self.phase} ({self.after_instances} sent)" if self.phase == "sending" else self.phase
        return f"{began} + {self.delay_s:.3f} s"


def plan(seed: int, faults: tuple[str, ...] = USUAL_FAULTS) -> Plan:
    chance = Random(seed)
    phase = chance.choice(PHASES)
    slices = chance.randint(6, 14)
    return Plan(
        seed=seed,
        fault=chance.choice(faults),
        phase=phase,
        delay_s=round(chance.uniform(0, LONGEST_DELAY_S[phase]), 3),
        after_instances=chance.randrange(1, slices),
        series=chance.randint(1, 2),
        slices=slices,
    )

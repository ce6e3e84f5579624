"""How much of the machine the device process may take."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Zero stands for all cores that the process may use, half of the machine's memory, all of the device's."""

    threads: int = 0
    host_mb: int = 0
    device_mb: int = 0

    @property
    def host_budget_mb(self) -> int:
        return self.host_mb or (os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 21)

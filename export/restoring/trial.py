"""What one scan was made into, in every way it was, and how good that is: what a report counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Quality:
    """`lost` counts planted lesions that are no longer seen, `invented` blobs that should not be there.

    `numbers` are others by name, not a number where there is nothing to measure.
    """

    psnr: float
    ssim: float
    lost: int
    invented: int
    numbers: Mapping[str, float]


@dataclass(frozen=True)
class Trial:
    """One scan of so many `slices` with so many `planted` lesions."""

    seed: int
    shifted: bool
    slices: int
    planted: int
    by_way: Mapping[str, Quality]
    cautions: tuple[str, ...]

    @property
    def strange(self) -> bool:
        return unlike(self.cautions)


def unlike(cautions: Sequence[str]) -> bool:
    """Whether one of them says that the series is unlike those that were learned on."""
    return any("unlike" in each for each in cautions)

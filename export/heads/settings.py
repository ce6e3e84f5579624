"""What the settings of all trainings on heads have in common."""

from typing import Annotated

from pydantic import Field

from export import schedule
from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.network import Positive

Share = Annotated[float, Field(ge=0, le=1)]
Shape = tuple[Positive, Positive, Positive]


class Split(Entry):
    """Patients of the three parts; of real data their proportions."""

    train: Positive
    validation: Positive
    test: Positive


class Moving(Entry):
    """Turned, shifted and scaled by up to as much."""

    turn_degrees: float
    shift_mm: float
    scale_share: float


class Course(schedule.Course):
    """One of the two trainings, which follow one another."""

    moving: Moving


class HeadSettings(Entry):
    """`window` are the cubes of `step_mm` that the network is given, `aligned` those that it turns the head into
    (slices, rows, columns, multiples of 8). `locating` are channels of the networks that find the head. `gamma` and
    `noise` change how bright a head is.
    """

    name: str
    seed: int
    split: Split
    step_mm: float
    window: Shape
    aligned: Shape
    locating: tuple[Positive, ...]
    gamma: float
    noise: float
    locate: Course
    judge: Course
    every: Positive

    @property
    def iterations(self) -> int:
        return self.locate.iterations + self.judge.iterations

    @property
    def aligned_mm(self) -> tuple[float, float, float]:
        """Half of what is aligned: along x, y, z."""
        return half_mm(self.aligned, self.step_mm)

    @property
    def window_mm(self) -> tuple[float, float, float]:
        """Half of the window: along x, y, z."""
        return half_mm(self.window, self.step_mm)


def half_mm(shape_zyx: tuple[int, int, int], step_mm: float) -> tuple[float, float, float]:
    slices, rows, columns = (length * step_mm / 2 for length in shape_zyx)
    return columns, rows, slices

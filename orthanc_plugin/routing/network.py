"""The part of a card that says how its networks are fed: stages, grids, intensities, and the steps afterwards."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field

from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.rule import Range

Positive = Annotated[int, Field(gt=0)]


class Window(Entry):
    """Values below and above the window become its ends, then 0 to 1."""

    kind: Literal["window"]
    lowest: float
    highest: float


class Percentile(Entry):
    """As a window whose ends are percentiles of the image."""

    kind: Literal["percentile"]
    lowest: Annotated[float, Field(ge=0, le=100)]
    highest: Annotated[float, Field(ge=0, le=100)]


class ZScore(Entry):
    """Mean 0, deviation 1; of the voxels above `above` when it is stated."""

    kind: Literal["z-score"]
    above: float | None = None


class Scale(Entry):
    """Multiplied and shifted, for networks that learned on values of another range."""

    kind: Literal["scale"]
    factor: float
    shift: float = 0.0


class Untouched(Entry):
    """The network takes the stored values rescaled, as HU for CT."""

    kind: Literal["untouched"]


Intensity = Annotated[Window | Percentile | ZScore | Scale | Untouched, Discriminator("kind")]


class Stage(Entry):
    """One network of the model: ONNX files of the folder (several are folds, averaged) and what it takes.

    `slices` takes each axial slice, `stack` each with its neighbours as channels, `volume` overlapping patches, `image`
    one image. `rows` and `columns` are the matrix or the patch, `depth` the slices of a stack or patch.
    """

    name: str
    files: Annotated[tuple[str, ...], Field(min_length=1)]
    kind: Literal["slices", "stack", "volume", "image"]
    roles: Annotated[tuple[str, ...], Field(min_length=1)] = ("series",)
    input: str
    outputs: Annotated[tuple[str, ...], Field(min_length=1)]
    rows: Positive
    columns: Positive
    depth: Positive = 1
    spacing_mm: tuple[float, float, float] | None = None
    overlap: Annotated[float, Field(ge=0, lt=1)] = 0.5
    intensity: Intensity = Untouched(kind="untouched")
    channels: Literal["grey", "rgb"] = "grey"
    batch: Positive = 1


class Activate(Entry):
    step: Literal["softmax", "sigmoid"]


class Likeliest(Entry):
    """Each voxel goes to the class that is likeliest there, if it passes its threshold; classes do not overlap."""

    step: Literal["likeliest"]


class Threshold(Entry):
    """Each class where it passes its threshold; classes may overlap."""

    step: Literal["threshold"]


class Hounsfield(Entry):
    """What lies outside the range of values leaves the class."""

    step: Literal["hounsfield"]
    segment: str
    range: Range


class LargestComponent(Entry):
    step: Literal["largest-component"]
    segment: str


class RemoveSmall(Entry):
    step: Literal["remove-small"]
    segment: str
    least_mm3: Annotated[float, Field(gt=0)]


class Fill(Entry):
    """Holes of the class are filled, slice by slice."""

    step: Literal["fill"]
    segment: str


Step = Annotated[
    Activate | Likeliest | Threshold | Hounsfield | LargestComponent | RemoveSmall | Fill, Discriminator("step")
]

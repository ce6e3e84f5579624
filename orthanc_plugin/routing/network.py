"""The part of a card that says how its networks are fed: stages, grids, intensities, and the steps afterwards."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, model_validator

from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.rule import Range, Rule

Positive = Annotated[int, Field(gt=0)]
Millimetres = Annotated[float, Field(gt=0)]
AXES = ("LR", "AP", "HF")
AS_ACQUIRED = "as-acquired"


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
    """Kept within `lowest` and `highest` where they are stated, then multiplied and shifted."""

    kind: Literal["scale"]
    factor: float
    shift: float = 0.0
    lowest: float | None = None
    highest: float | None = None


class Untouched(Entry):
    """The network takes the stored values rescaled, as HU for CT."""

    kind: Literal["untouched"]


TextureNumber = Literal[
    "autocorrelation",
    "sum-of-squares",
    "sum-average",
    "sum-variance",
    "mean-grey",
    "grey-deviation",
    "grey-skewness",
    "grain-down",
    "grain-across",
    "sector-share",
    "sector-taper",
    "dark-share",
    "image-deviation",
]
"""The first four are of the co-occurrence of grey levels; the others say what the region and the image are like."""


class Texture(Entry):
    """How a region of an ultrasound image becomes the numbers that a network takes, `features` in their order.

    The grey values of the sector are equalised, then each becomes the largest less the least of the square of
    `range_filter` pixels around it; `grey_levels` of that are counted in pairs `distance` pixels apart, in four
    directions. An image's answer is the mean over its `windows` regions.
    """

    features: Annotated[tuple[TextureNumber, ...], Field(min_length=1)]
    range_filter: Annotated[int, Field(ge=3)] | None = None
    grey_levels: Annotated[int, Field(ge=2, le=256)] = 8
    distance: Positive = 1
    windows: Annotated[int, Field(ge=1, le=9)] = 1


Intensity = Annotated[Window | Percentile | ZScore | Scale | Untouched, Discriminator("kind")]


class ClinicalFeed(Entry):
    """A second input of a graph: the card's clinical inputs of these names, in this order, a row an item.

    A value that is missing is not a number (NaN), which the graph itself copes with.
    """

    input: str
    names: Annotated[tuple[str, ...], Field(min_length=1)]


class Within(Entry):
    """Where on an image a stage of regions looks: around the parts of an earlier stage's map that pass `threshold`.

    The map is one channel of probabilities of any coarseness. A region is a square with `margin` of the part's longer
    side on each side; of more than `most` on one image those with the highest peaks are looked at.
    """

    stage: str
    output: str
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    margin: Annotated[float, Field(ge=0, le=2)] = 0.1
    most: Positive = 8


class Slot(Entry):
    """A place among a stage's channels for an image that meets the `rule`; of several the one acquired last takes it.

    The network gets zeros where none does, and the results say what `meaning_of_missing` says.
    """

    name: Annotated[str, Field(min_length=1, max_length=64)]
    rule: Rule
    meaning_of_missing: Annotated[str, Field(min_length=1, max_length=400)]


class Stage(Entry):
    """One network of the model: ONNX files of the folder (several are folds, averaged) and what it takes.

    `slices` takes each slice, `stack` each with its neighbours as channels, `volume` overlapping patches, `image` one
    image, `regions` each square of it that an earlier stage leads to (`within`), cut from the image's own pixels,
    `texture` a region of even tissue on each image as numbers, `rows` x `columns` pixels of it. `rows` and `columns`
    are the matrix or the patch, `depth` the slices of a stack or patch. Without `spacing_mm` (slices, rows, columns) a
    slice fills the matrix, and patches are taken from the grid of the series; with it the series is brought to that
    spacing, null leaving the slices as they are, and windows overlap by `overlap` where it is larger than one. With
    `whole` a volume is one patch around its middle, and nothing is said of what lies beyond it. With `multiples`
    (slices, rows, columns) a volume that is smaller than the patch is given as it is, made up to a multiple of so many
    voxels; without, it lies in the middle of a patch.
    `orientation` says where slices, rows and columns run to: towards the head, the back (posterior) and the patient's
    left unless stated, or `as-acquired`, with slices in the order in which they lie. The channels are the roles in
    their order, of a stack role by role its slices, and with `slots` role by role the images that took them: all images
    are one item then. `clinical` are values of the card that go in beside the pixels.
    """

    name: str
    files: Annotated[tuple[str, ...], Field(min_length=1)]
    kind: Literal["slices", "stack", "volume", "image", "regions", "texture"]
    roles: Annotated[tuple[str, ...], Field(min_length=1)] = ("series",)
    input: str
    outputs: Annotated[tuple[str, ...], Field(min_length=1)]
    rows: Positive
    columns: Positive
    depth: Positive = 1
    spacing_mm: tuple[Millimetres | None, Millimetres, Millimetres] | None = None
    orientation: Annotated[str, Field(pattern=r"^([LRAPHF]{3}|as-acquired)$")] = "HPL"
    overlap: Annotated[float, Field(ge=0, lt=1)] = 0.5
    whole: bool = False
    multiples: tuple[Positive, Positive, Positive] | None = None
    intensity: Intensity = Untouched(kind="untouched")
    channels: Literal["grey", "rgb"] = "grey"
    clinical: ClinicalFeed | None = None
    batch: Positive = 1
    within: Within | None = None
    slots: tuple[Slot, ...] = ()
    texture: Texture | None = None

    @property
    def flat(self) -> bool:
        """Whether it takes single images, which have no place in space, or parts of them."""
        return self.kind in ("image", "regions", "texture")

    @model_validator(mode="after")
    def possible(self) -> Self:
        letters = "" if self.orientation == AS_ACQUIRED else self.orientation
        if letters and {axis for letter in letters for axis in AXES if letter in axis} != set(AXES):
            raise ValueError(f"the orientation {self.orientation} of the stage {self.name} names a direction twice")
        if self.kind == "stack" and self.depth % 2 == 0:
            raise ValueError(f"the stack {self.name} has an even depth, so it has no middle slice")
        if self.kind in ("slices", "image", "regions", "texture") and self.depth != 1:
            raise ValueError(f"the stage {self.name} has a depth, which only stacks and volumes have")
        if self.whole and self.kind != "volume":
            raise ValueError(f"the stage {self.name} sees the whole in one patch, which only volumes are seen in")
        if self.multiples is not None and (self.kind != "volume" or self.whole):
            raise ValueError(f"the stage {self.name} has multiples, which are for patches of volumes")
        if self.flat and self.spacing_mm is not None:
            raise ValueError(f"the stage {self.name} takes single images, which have no spacing in three directions")
        if not self.flat and self.channels == "rgb":
            raise ValueError(f"the stage {self.name} takes colours, which only single images have")
        if self.clinical is not None and self.clinical.input == self.input:
            raise ValueError(f"the stage {self.name} takes images and clinical values in one input, {self.input}")
        if (self.kind == "texture") != (self.texture is not None):
            raise ValueError(f"the stage {self.name} has texture without being of that kind, or the other way round")
        if self.kind == "texture" and len(self.roles) > 1:
            raise ValueError(f"the stage {self.name} looks at texture, which is that of the images of one role")
        if (self.kind == "regions") != (self.within is not None):
            raise ValueError(
                f"the stage {self.name} says within what it looks, which stages of regions do and no others"
            )
        if self.kind == "regions" and len(self.roles) != 1:
            raise ValueError(f"the stage {self.name} takes regions of several roles; they are those of one image")
        return self

    @model_validator(mode="after")
    def sorted_into_slots(self) -> Self:
        if self.slots and self.kind != "image":
            raise ValueError(f"the stage {self.name} has slots, which are for single images")
        if len({slot.name for slot in self.slots}) < len(self.slots):
            raise ValueError(f"two slots of the stage {self.name} have the same name")
        return self


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
    """Connected parts below `least_mm3` leave the class; below `least_mm2`, image by image or slice by slice."""

    step: Literal["remove-small"]
    segment: str
    least_mm3: Annotated[float, Field(gt=0)] | None = None
    least_mm2: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def one_size(self) -> Self:
        if (self.least_mm3 is None) == (self.least_mm2 is None):
            raise ValueError("remove-small has least_mm3 or least_mm2")
        return self

    @property
    def least(self) -> float:
        return self.least_mm3 or self.least_mm2 or 0.0


class Fill(Entry):
    """Holes of the class are filled, slice by slice."""

    step: Literal["fill"]
    segment: str


class Unite(Entry):
    """Parts of all classes that touch one another on a slice become one, of the class that has most of it."""

    step: Literal["unite"]


Step = Annotated[
    Activate | Likeliest | Threshold | Hounsfield | LargestComponent | RemoveSmall | Fill | Unite,
    Discriminator("step"),
]

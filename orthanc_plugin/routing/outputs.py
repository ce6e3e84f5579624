"""What a model gives, as its card says it: segments, classes, maps, images, and what is measured on segments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, model_validator

from orthanc_plugin.routing.entry import CodedConcept, Entry
from orthanc_plugin.routing.network import Positive, Step

Share = Annotated[float, Field(gt=0, lt=1)]
Label = Annotated[str, Field(min_length=1, max_length=64)]


class Output(Entry):
    """One output of one stage."""

    stage: str
    output: str


class SegmentOutput(Entry):
    """A structure that the model outlines: its codes, its colour, its threshold (without one, 0.5 for `threshold`).

    With `each_part` every connected part on an image is found and measured by itself, as of several masses each is.
    """

    label: str
    category: CodedConcept
    property: CodedConcept
    rgb: tuple[int, int, int]
    threshold: Share | None = None
    each_part: bool = False


class Segments(Entry):
    """Masks from the channels of one output, after the steps in their order; `background` when channel 0 is none.

    `encoding` is how they are best written as a SEG, where the destination takes it so: `fractional` keeps how sure the
    network is at each boundary.
    """

    source: Annotated[Output, Field(alias="from")]
    encoding: Literal["binary", "fractional", "labelmap"] | None = None
    background: bool = False
    steps: tuple[Step, ...]
    items: Annotated[tuple[SegmentOutput, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def decided_once(self) -> Self:
        """Maps become masks at one step; activations come before it, what works on masks after it."""
        at = [place for place, step in enumerate(self.steps) if step.step in ("likeliest", "threshold")]
        if len(at) != 1:
            raise ValueError("the steps hold one of likeliest and threshold, once")
        activations = [place for place, step in enumerate(self.steps) if step.step in ("softmax", "sigmoid")]
        if activations != list(range(at[0])):
            raise ValueError(f"softmax and sigmoid come before {self.steps[at[0]].step}, all other steps after it")
        if self.encoding == "labelmap" and self.steps[at[0]].step == "threshold":
            raise ValueError("the step threshold makes segments that may overlap, which a label map can't hold")
        return self


class MapOutput(Entry):
    """A number for each pixel: of one of the `channels` of an output after `activation`, or a segment's probability.

    What the network answers is multiplied by `factor`, then `shift` is added.
    """

    label: Label
    quantity: CodedConcept
    unit: CodedConcept
    source: Annotated[Output | None, Field(alias="from")] = None
    channels: Positive = 1
    channel: Annotated[int, Field(ge=0)] = 0
    activation: Literal["softmax", "sigmoid", "none"] = "none"
    factor: float = 1.0
    shift: float = 0.0
    segment: str | None = None

    @model_validator(mode="after")
    def of_one_thing(self) -> Self:
        if (self.source is None) == (self.segment is None):
            raise ValueError(f"the map {self.label} is made from an output or is that of a segment, one of the two")
        _demand_channel(self.label, self.channel, self.channels)
        return self


class Faults(Entry):
    """What an image may hide and make up: of a thousand planted lesions so many were `lost`, in a thousand slices so
    many `invented`; `data` says on what it was counted.
    """

    lost: Annotated[float, Field(ge=0)]
    invented: Annotated[float, Field(ge=0)]
    data: Annotated[str, Field(min_length=1, max_length=100)]


class ImageOutput(Entry):
    """An output that is itself an image of the body, on the pixels that the network saw.

    With `values` `as-input` it speaks in the numbers that the stage was fed, and its intensity is undone; `as-answered`
    it is taken as it is. Before that it is multiplied by `factor`, then `shift` is added. Without `unit` it has the
    source's. With a `modality` it is one that no such scanner made, which all results say; a CT is in HU. Its `faults`,
    where they are known, stand in the report and in a caution. With `finer` so many channels, from `channel` on, are
    slices within each slice that the network saw, in the order in which these lie.
    """

    label: Label
    derivation: CodedConcept
    values: Literal["as-input", "as-answered"]
    source: Annotated[Output, Field(alias="from")]
    channels: Positive = 1
    channel: Annotated[int, Field(ge=0)] = 0
    finer: Positive = 1
    factor: float = 1.0
    shift: float = 0.0
    unit: CodedConcept | None = None
    modality: Literal["CT"] | None = None
    faults: Faults | None = None

    @model_validator(mode="after")
    def unambiguous(self) -> Self:
        _demand_channel(self.label, self.channel + self.finer - 1, self.channels)
        if self.values == "as-input" and self.unit is not None:
            raise ValueError(f"the image {self.label} speaks in the source's numbers and so has no unit of its own")
        if self.modality is not None and (self.values == "as-input" or self.unit is not None):
            raise ValueError(
                f"the image {self.label} is in another modality, so its values are as answered, in that modality's unit"
            )
        return self


def _demand_channel(label: str, channel: int, channels: int) -> None:
    if channel >= channels:
        raise ValueError(f"{label} is channel {channel} of {channels}; the first is 0")


class HeatMap(Output):
    """Where the network looked, of any coarseness: for all classes, or a channel a class.

    Of a stage that looks at texture it is the output of the classes itself, asked of regions all over the image; of one
    with slots it has a channel a slot.
    """

    quantity: Literal["class-activation", "gradient-weighted-class-activation", "saliency", "probability"] = (
        "class-activation"
    )


class ClassOutput(Entry):
    """A finding that is present where the probability passes the operating threshold.

    Within the ends of `undetermined`, between which the threshold lies, it is neither present nor absent. `severity` is
    how severe the finding of the classes is when this one is present. `slots` are those of its stage that show what it
    is about, which lies at the `site`, on the side `laterality`.
    """

    label: str
    code: CodedConcept
    threshold: Share
    undetermined: tuple[Share, Share] | None = None
    severity: CodedConcept | None = None
    slots: tuple[str, ...] = ()
    site: CodedConcept | None = None
    laterality: CodedConcept | None = None

    @model_validator(mode="after")
    def threshold_within(self) -> Self:
        if self.undetermined is not None and not self.holds(self.threshold):
            least, most = self.undetermined
            raise ValueError(f"the threshold {self.threshold:g} of {self.label} is not within {least:g} to {most:g}")
        return self

    @model_validator(mode="after")
    def sided_at_a_site(self) -> Self:
        if self.laterality is not None and self.site is None:
            raise ValueError(f"{self.label} has a laterality; say in site of what")
        return self

    def holds(self, share: float) -> bool:
        """Whether the probability says neither."""
        return self.undetermined is not None and self.undetermined[0] <= share <= self.undetermined[1]


class Where(Output):
    """Only slices or images count whose number in this output is at least `least`.

    Where none does, the job is skipped with the sentence `says`.
    """

    least: float
    says: Annotated[str, Field(min_length=1, max_length=400)]


class Classes(Entry):
    """Probabilities from the columns of one output; over several slices the `series` rule makes one of them.

    With `where` the results say the probability of each slice that counts, too.
    Where the classes are grades of one `finding`, each says its `severity`; `site` is where in the body it is.
    `quantity` is what the report calls the probability: that of cancer has a name of its own, and is in percent.
    """

    source: Annotated[Output, Field(alias="from")]
    activation: Literal["softmax", "sigmoid", "none"]
    exclusive: bool
    series: Literal["mean", "largest"] = "mean"
    items: Annotated[tuple[ClassOutput, ...], Field(min_length=1)]
    heat_map: HeatMap | None = None
    where: Where | None = None
    quantity: Literal["probability", "probability-of-cancer"] = "probability"
    finding: CodedConcept | None = None
    site: CodedConcept | None = None

    @model_validator(mode="after")
    def graded(self) -> Self:
        severities = [item.severity for item in self.items if item.severity is not None]
        if self.finding is None and severities:
            raise ValueError("classes that state a severity are grades of one finding; state it")
        if self.finding is not None and (len(severities) < len(self.items) or not self.exclusive):
            raise ValueError("grades of a finding exclude one another, and each of them states its severity")
        return self


class BodyComposition(Entry):
    """Areas and attenuation at L3, which a stage finds: each slice's distance to it, and how sure that is."""

    measure: Literal["body-composition"]
    offset_mm: Output
    sigma_mm: Output


class Volumes(Entry):
    """The volume of each segment, its mean value, and the area of its largest slice."""

    measure: Literal["volumes"]


class CalciumScore(Entry):
    """Agatston, volume and mass score of each segment, which is a coronary artery's plaques, and of all together.

    `mg_per_cm3_per_hu` is how much calcium a HU stands for where no calibration phantom lay beneath the patient.
    """

    measure: Literal["calcium-score"]
    mg_per_cm3_per_hu: Annotated[float, Field(gt=0)]


class Infarct(Entry):
    """Volume, side and arterial territories of the one segment, which is infarcted brain on a CT of the head."""

    measure: Literal["infarct"]


Measure = Annotated[BodyComposition | Volumes | CalciumScore | Infarct, Discriminator("measure")]


class Outputs(Entry):
    """All that a model gives; the first of segments, classes, maps and images says on what its results lie."""

    segments: Segments | None = None
    classes: Classes | None = None
    maps: tuple[MapOutput, ...] = ()
    images: tuple[ImageOutput, ...] = ()
    measurements: tuple[Measure, ...] = ()

    @model_validator(mode="after")
    def something(self) -> Self:
        if self.segments is None and self.classes is None and not self.maps and not self.images:
            raise ValueError("a model gives segments, classes, maps or images")
        if self.measurements and self.segments is None:
            raise ValueError("measurements are made on segments, and there are none")
        return self

    @property
    def pictures(self) -> tuple[MapOutput | ImageOutput, ...]:
        return (*self.maps, *self.images)

    def drawn(self) -> Iterator[Output]:
        """The outputs that are pictures, save heat maps."""
        if self.segments is not None:
            yield self.segments.source
        for picture in self.pictures:
            if picture.source is not None:
                yield picture.source

    def wanted(self) -> Iterator[Output]:
        """All outputs that something is made of; the first lies on the images that the results lie on."""
        if self.segments is not None:
            yield self.segments.source
        if self.classes is not None:
            yield self.classes.source
            if self.classes.heat_map is not None:
                yield self.classes.heat_map
            if self.classes.where is not None:
                yield self.classes.where
        for picture in self.pictures:
            if picture.source is not None:
                yield picture.source
        for measure in self.measurements:
            if isinstance(measure, BodyComposition):
                yield measure.offset_mm
                yield measure.sigma_mm

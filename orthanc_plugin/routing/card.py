"""What a model is, when it applies, what goes in and what comes out: the card, as `card.json` has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, model_validator

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.routing.entry import CodedConcept, Entry
from orthanc_plugin.routing.network import Positive, Stage, Step
from orthanc_plugin.routing.role import Role
from orthanc_plugin.routing.rule import Rule

CARD_VERSION = 1
Share = Annotated[float, Field(gt=0, lt=1)]


class Regulatory(Entry):
    """Where the model is a cleared product and where it is not."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    status: Literal["research", "cleared", "not cleared"]
    number: str = ""
    udi: str = ""
    instructions: str = ""


class Figure(Entry):
    """A figure that was measured, and on what."""

    name: str
    value: float
    data: str


class ClinicalInput(Entry):
    """A value beside the pixels: given with the order, or in the header; `missing` says what its absence means."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    code: CodedConcept
    unit: str
    header: str | None = None
    missing: Literal["leave-out", "refuse"]
    meaning_of_missing: str


class Output(Entry):
    """One output of one stage."""

    stage: str
    output: str


class SegmentOutput(Entry):
    """A structure that the model outlines: its codes, its colour, its threshold (without one, 0.5 for `threshold`)."""

    label: str
    category: CodedConcept
    property: CodedConcept
    rgb: tuple[int, int, int]
    threshold: Share | None = None


class Segments(Entry):
    """Masks from the channels of one output, after the steps in their order; `background` when channel 0 is none."""

    source: Annotated[Output, Field(alias="from")]
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
        return self


class ClassOutput(Entry):
    """A finding that is present where the probability passes the operating threshold."""

    label: str
    code: CodedConcept
    threshold: Share


class Classes(Entry):
    """Probabilities from the columns of one output; over several slices the `series` rule makes one of them."""

    source: Annotated[Output, Field(alias="from")]
    activation: Literal["softmax", "sigmoid", "none"]
    exclusive: bool
    series: Literal["mean", "largest"] = "mean"
    items: Annotated[tuple[ClassOutput, ...], Field(min_length=1)]
    heat_map: Output | None = None


class BodyComposition(Entry):
    """Areas and attenuation at L3, which a stage finds: each slice's distance to it, and how sure that is."""

    measure: Literal["body-composition"]
    offset_mm: Output
    sigma_mm: Output


class Volumes(Entry):
    """The volume of each segment, its mean value, and the area of its largest slice."""

    measure: Literal["volumes"]


Measure = Annotated[BodyComposition | Volumes, Discriminator("measure")]


class Outputs(Entry):
    segments: Segments | None = None
    classes: Classes | None = None
    measurements: tuple[Measure, ...] = ()

    @model_validator(mode="after")
    def something(self) -> Self:
        if self.segments is None and self.classes is None:
            raise ValueError("a model gives segments, classes or both")
        if self.measurements and self.segments is None:
            raise ValueError("measurements are made on segments, and there are none")
        return self


class Limits(Entry):
    """`seconds` for the work on one job, `memory_mb` for what one graph takes where it runs: its weights and work."""

    seconds: Positive
    memory_mb: Positive = 4096


class Card(Entry):
    """Strict: an unknown key, step or name is refused with a sentence."""

    card_version: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    title: Annotated[str, Field(min_length=1, max_length=40)]
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$")]
    licence: str
    intended_use: str
    regulatory: tuple[Regulatory, ...] = ()
    trained_on: str
    figures: tuple[Figure, ...] = ()
    clinical_use: bool
    notice: str
    applies: Rule
    unknown: Literal["run", "skip"]
    region_wins: Literal["tag", "pixels"] = "tag"
    inputs: Annotated[dict[str, Role], Field(min_length=1, default_factory=lambda: {"series": Role()})]
    wait_s: Positive = 600
    clinical_inputs: tuple[ClinicalInput, ...] = ()
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    outputs: Outputs
    limits: Limits
    priority: Literal["routine", "stat"] = "routine"

    @model_validator(mode="after")
    def honest(self) -> Self:
        if not self.clinical_use and not self.notice:
            raise ValueError("a model that is not for clinical use states its notice")
        return self

    @model_validator(mode="after")
    def unambiguous(self) -> Self:
        once("stages", (stage.name for stage in self.stages))
        once("clinical inputs", (given.name for given in self.clinical_inputs))
        if self.outputs.segments is not None:
            once("segments", (item.label for item in self.outputs.segments.items))
        if self.outputs.classes is not None:
            once("classes", (item.label for item in self.outputs.classes.items))
        return self

    @model_validator(mode="after")
    def consistent(self) -> Self:
        stages = {stage.name: stage for stage in self.stages}
        for stage in self.stages:
            for role in stage.roles:
                if role not in self.inputs:
                    raise ValueError(f"the stage {stage.name} takes the role {role}, which is not among the inputs")
        for wanted in self._wanted():
            if wanted.stage not in stages or wanted.output not in stages[wanted.stage].outputs:
                raise ValueError(f"no stage {wanted.stage} has the output {wanted.output}")
        return self

    @model_validator(mode="after")
    def seatable(self) -> Self:
        """What comes from a prior, or may be missing, stands beside a series of the study that is always there."""
        if all(role.is_prior for role in self.inputs.values()):
            raise ValueError("every role comes from a prior, so no study would ever begin a set; one is of the study")
        for stage in self.stages:
            first, *others = stage.roles
            if self.inputs[first].is_prior or not self.inputs[first].required:
                raise ValueError(f"the stage {stage.name} begins with {first}, which is a prior or may be missing")
            for role in others:
                if not (self.inputs[role].required or self.inputs[role].meaning_of_missing):
                    raise ValueError(
                        f"the stage {stage.name} takes the role {role}, which may be missing; "
                        "say in meaning_of_missing what that means for the results"
                    )
        return self

    @model_validator(mode="after")
    def steps_speak_of_segments(self) -> Self:
        if self.outputs.segments is not None:
            labels = {item.label for item in self.outputs.segments.items}
            for step in self.outputs.segments.steps:
                named = getattr(step, "segment", None)
                if named is not None and named not in labels:
                    raise ValueError(f"the step {step.step} speaks of the segment {named}, which is not there")
        return self

    @model_validator(mode="after")
    def supported(self) -> Self:
        kinds = {stage.name: stage for stage in self.stages}
        flat = {role for stage in self.stages if stage.kind == "image" for role in stage.roles}
        deep = {role for stage in self.stages if stage.kind != "image" for role in stage.roles}
        for role in sorted(flat & deep):
            raise ValueError(f"the role {role} is taken as single images by one stage and as a volume by another")
        if self.outputs.segments is not None and kinds[self.outputs.segments.source.stage].kind == "image":
            raise ValueError("segments are outlined on slices, stacks or volumes, not on single images")
        heat_map = self.outputs.classes.heat_map if self.outputs.classes is not None else None
        if heat_map is not None and self.outputs.classes is not None:
            stage = kinds[heat_map.stage]
            if heat_map.stage != self.outputs.classes.source.stage or stage.kind == "volume" or stage.spacing_mm:
                raise ValueError(
                    "a heat map comes from the stage of its classes, of slices or images without a spacing"
                )
        return self

    def _wanted(self) -> Iterable[Output]:
        if self.outputs.segments is not None:
            yield self.outputs.segments.source
        if self.outputs.classes is not None:
            yield self.outputs.classes.source
            if self.outputs.classes.heat_map is not None:
                yield self.outputs.classes.heat_map
        for measure in self.outputs.measurements:
            if isinstance(measure, BodyComposition):
                yield measure.offset_mm
                yield measure.sigma_mm

    @property
    def segments(self) -> tuple[SegmentOutput, ...]:
        return self.outputs.segments.items if self.outputs.segments is not None else ()

    def stage(self, name: str) -> Stage:
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise ConfigurationError(f"The card of the model {self.name} lacks the stage {name}; correct card.json.")


def once(what: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ValueError(f"two {what} have the name {name}")

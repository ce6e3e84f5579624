"""What a model is, when it applies, what goes in and what comes out: the card, as `card.json` has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.routing.checks import Check, OutputCheck
from orthanc_plugin.routing.entry import CodedConcept, Entry
from orthanc_plugin.routing.network import AS_ACQUIRED, Positive, RemoveSmall, Stage
from orthanc_plugin.routing.outputs import Infarct, Outputs, SegmentOutput, Volumes
from orthanc_plugin.routing.role import Role
from orthanc_plugin.routing.rule import Rule

CARD_VERSION = 1


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
    """A value beside the pixels: given with the order, or in the header; `missing` says what its absence means.

    `as_numbers` says what a text counts as where a graph takes it; a header's text that is none of these is missing.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    code: CodedConcept
    unit: str
    header: str | None = None
    missing: Literal["leave-out", "refuse"]
    meaning_of_missing: str
    as_numbers: Annotated[dict[str, float], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def text_or_number(self) -> Self:
        if self.unit and self.as_numbers is not None:
            raise ValueError(f"{self.name} has a unit, so it is a number and no text with as_numbers")
        return self

    @property
    def countable(self) -> bool:
        return bool(self.unit) or self.as_numbers is not None


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
    checks: tuple[Check, ...] = ()
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
        once("maps", (wanted.label for wanted in self.outputs.maps))
        once("images", (wanted.label for wanted in self.outputs.images))
        return self

    @model_validator(mode="after")
    def consistent(self) -> Self:
        stages = {stage.name: stage for stage in self.stages}
        for stage in self.stages:
            for role in stage.roles:
                if role not in self.inputs:
                    raise ValueError(f"the stage {stage.name} takes the role {role}, which is not among the inputs")
        for wanted in (*self.outputs.wanted(), *(check.source for check in self.output_checks)):
            if wanted.stage not in stages or wanted.output not in stages[wanted.stage].outputs:
                raise ValueError(f"no stage {wanted.stage} has the output {wanted.output}")
        return self

    @model_validator(mode="after")
    def fed(self) -> Self:
        """What a graph takes beside the pixels is a number."""
        given = {each.name: each for each in self.clinical_inputs}
        for stage in self.stages:
            for name in stage.clinical.names if stage.clinical is not None else ():
                if name not in given:
                    raise ValueError(f"the stage {stage.name} takes {name}, which is not among the clinical inputs")
                if not given[name].countable:
                    raise ValueError(
                        f"the stage {stage.name} takes {name}, a text; say in as_numbers what it counts as"
                    )
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
    def comparable(self) -> Self:
        """The model can work on an earlier study as it does on this one, and has numbers that may change."""
        if not self.compared:
            return self
        once("earlier roles", self.compared.values())
        for name, now in self.compared.items():
            if now not in self.inputs or self.inputs[now].is_prior:
                raise ValueError(f"{name} is compared with {now}, which is no role of the study")
            if any(name in stage.roles for stage in self.stages):
                raise ValueError(f"a stage takes {name}, which is compared with {now}; it is either of the two")
        for name, role in self.inputs.items():
            if role.required and not role.is_prior and name not in self.compared.values():
                raise ValueError(f"{name} is required, so an earlier study is compared only where one is beside it")
        if not self.outputs.measurements or self.stage(next(iter(self.outputs.wanted())).stage).flat:
            raise ValueError("compared_with is of measurements in volumes, and there are none")
        return self

    @model_validator(mode="after")
    def steps_speak_of_segments(self) -> Self:
        labels = {item.label for item in self.segments}
        for step in self.outputs.segments.steps if self.outputs.segments is not None else ():
            named = getattr(step, "segment", None)
            if named is not None and named not in labels:
                raise ValueError(f"the step {step.step} speaks of the segment {named}, which is not there")
        for wanted in self.outputs.maps:
            if wanted.segment is not None and wanted.segment not in labels:
                raise ValueError(f"the map {wanted.label} is that of the segment {wanted.segment}, which is not there")
        return self

    @model_validator(mode="after")
    def on_one_series(self) -> Self:
        """All results lie on the images of one role."""
        for wanted in self.outputs.wanted():
            about = self.stage(wanted.stage).roles[0]
            if about != self.main_role:
                raise ValueError(
                    f"the output {wanted.output} of the stage {wanted.stage} is about the role {about}, "
                    f"but results lie on {self.main_role}"
                )
        return self

    @model_validator(mode="after")
    def derived_by_others(self) -> Self:
        for name, role in self.inputs.items():
            if role.derived_by == self.name:
                raise ValueError(f"the role {name} takes images that the model derives itself, so it would never begin")
        return self

    @model_validator(mode="after")
    def finer_as_acquired(self) -> Self:
        """Slices lie within slices only as these were acquired."""
        for image in self.outputs.images:
            stage = self.stage(image.source.stage)
            resampled = stage.spacing_mm is not None and stage.spacing_mm[0] is not None
            if image.finer > 1 and (stage.flat or resampled or stage.whole or stage.orientation != AS_ACQUIRED):
                raise ValueError(
                    f"the image {image.label} has finer slices than the series, so its stage {stage.name} takes "
                    f"the series' own slices in the orientation {AS_ACQUIRED}"
                )
        return self

    @model_validator(mode="after")
    def measurable(self) -> Self:
        """Steps and measures are those of volumes or of single images, as the segments are."""
        segments = self.outputs.segments
        if segments is None:
            return self
        flat = self.stage(segments.source.stage).flat
        for step in segments.steps:
            if isinstance(step, RemoveSmall) and flat and step.least_mm3 is not None:
                raise ValueError("remove-small has least_mm2 on single images, which have no volume")
        if not flat and any(item.each_part for item in segments.items):
            raise ValueError("each_part is of single images; in volumes a segment is measured as one")
        for measure in self.outputs.measurements if flat else ():
            if not isinstance(measure, Volumes):
                raise ValueError(f"{measure.measure} is measured in volumes, not on single images")
        for measure in self.outputs.measurements:
            if isinstance(measure, Infarct) and len(segments.items) != 1:
                raise ValueError(f"infarct is measured on one segment, and there are {len(segments.items)}")
        return self

    @model_validator(mode="after")
    def supported(self) -> Self:
        kinds = {stage.name: stage for stage in self.stages}
        flat = {role for stage in self.stages if stage.flat for role in stage.roles}
        deep = {role for stage in self.stages if not stage.flat for role in stage.roles}
        for role in sorted(flat & deep):
            raise ValueError(f"the role {role} is taken as single images by one stage and as a volume by another")
        for source in self.outputs.drawn():
            if kinds[source.stage].kind == "texture":
                raise ValueError(f"the stage {source.stage} looks at texture and draws a heat map of classes alone")
        heat_map = self.outputs.classes.heat_map if self.outputs.classes is not None else None
        if heat_map is not None and self.outputs.classes is not None:
            stage = kinds[heat_map.stage]
            if heat_map.stage != self.outputs.classes.source.stage or stage.kind == "volume" or stage.spacing_mm:
                raise ValueError(
                    "a heat map comes from the stage of its classes, of slices or images without a spacing"
                )
        return self

    @model_validator(mode="after")
    def chosen_among_its_own(self) -> Self:
        classes = self.outputs.classes
        if classes is not None and classes.where is not None and classes.where.stage != classes.source.stage:
            raise ValueError("the slices that count are chosen by an output of the stage of the classes")
        return self

    @model_validator(mode="after")
    def slotted(self) -> Self:
        """What sees all images at once says of which of them each class speaks, and speaks of nothing else."""
        for stage in self.stages:
            for role in stage.roles:
                if self.inputs[role].every and not stage.slots:
                    raise ValueError(
                        f"the role {role} takes every series, whose images only a stage with slots tells apart; "
                        f"{stage.name} has none"
                    )
            of_classes = self.outputs.classes is not None and self.outputs.classes.source.stage == stage.name
            if stage.slots and (not of_classes or any(each.stage == stage.name for each in self.outputs.drawn())):
                raise ValueError(f"the stage {stage.name} has slots, of which classes are made and nothing else")
        classes = self.outputs.classes
        if classes is None:
            return self
        known = [slot.name for slot in self.stage(classes.source.stage).slots]
        for item in classes.items:
            if bool(item.slots) != bool(known) or not set(item.slots) <= set(known):
                raise ValueError(
                    f"{item.label} is about the slots {', '.join(item.slots) or 'of nothing'}; those of its stage are "
                    f"{', '.join(known) or 'none'}"
                )
        if known and (classes.where is not None or classes.finding is not None or classes.exclusive):
            raise ValueError("classes of slots are judged each by itself, on what took its slots")
        return self

    @model_validator(mode="after")
    def regions_lie_on_images(self) -> Self:
        """They are found by a stage before, and outlined by one; nothing else can be said of a part alone."""
        near = [stage.name for stage in self.stages if stage.within is not None]
        if len(near) > 1:
            raise ValueError(f"the stages {' and '.join(near)} take regions; one stage of a model can")
        for place, stage in enumerate(self.stages):
            if stage.within is None:
                continue
            finder = next((each for each in self.stages[:place] if each.name == stage.within.stage), None)
            if finder is None or finder.kind != "image" or stage.within.output not in finder.outputs:
                raise ValueError(
                    f"the stage {stage.name} looks within {stage.within.output} of {stage.within.stage}, which is no "
                    "output of an earlier stage that takes images"
                )
            if finder.roles[0] != stage.roles[0]:
                raise ValueError(
                    f"the stage {stage.name} takes regions of another role than {finder.name} finds them on"
                )
            self._outlines_alone(stage)
        return self

    def _outlines_alone(self, stage: Stage) -> None:
        segments = self.outputs.segments
        others = [each for each in self.outputs.wanted() if segments is None or each is not segments.source]
        if stage.name in {each.stage for each in (*others, *(check.source for check in self.output_checks))}:
            raise ValueError(f"the stage {stage.name} takes regions, of which only segments are made")
        activated = segments is not None and any(step.step in ("softmax", "sigmoid") for step in segments.steps)
        if segments is not None and segments.source.stage == stage.name and (segments.background or activated):
            raise ValueError(
                f"the stage {stage.name} takes regions, so its graph answers the probabilities of the segments "
                "themselves: without a background, softmax and sigmoid"
            )

    @property
    def compared(self) -> dict[str, str]:
        """The roles of an earlier study, each with that of the study that it is compared with."""
        return {name: role.compared_with for name, role in self.inputs.items() if role.compared_with is not None}

    @property
    def segments(self) -> tuple[SegmentOutput, ...]:
        return self.outputs.segments.items if self.outputs.segments is not None else ()

    @property
    def output_checks(self) -> tuple[OutputCheck, ...]:
        return tuple(check for check in self.checks if isinstance(check, OutputCheck))

    @property
    def main_role(self) -> str:
        """On whose images results lie: the first role of the stage that outlines, or classifies, or draws."""
        return self.stage(next(iter(self.outputs.wanted())).stage).roles[0]

    @property
    def region_px(self) -> int | None:
        """The side of the region whose texture it looks at; None where it looks at whole images."""
        return next((stage.columns for stage in self.stages if stage.kind == "texture"), None)

    def stage(self, name: str) -> Stage:
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise ConfigurationError(f"The card of the model {self.name} lacks the stage {name}; correct card.json.")


def once(what: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ValueError(f"two {what} have the name {name}")

"""A destination's profile: which objects it takes, in which encodings; named ones are data beside this file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_pascal

from orthanc_plugin.errors import ConfigurationError

SHIPPED = Path(__file__).with_name("profiles")

BASE = "Base"
USUAL = "ohif"
"""The destination of a node that names none."""

Kind = Literal["SEG", "SR", "SC", "PM", "IMAGE", "KO", "PR", "PDF", "REG", "STATUS"]
"""SC is the page, PM heat maps and probabilities, IMAGE derived images, KO the slices worth opening, PR contours for
viewers that know no SEG, PDF the page for those that know nothing, REG how series in other frames of reference were
laid on the first one, STATUS the word that nothing was made and why."""
Encoding = Literal["binary", "fractional", "labelmap"]
Superseded = Literal["remove", "mark", "keep"]


class Profile(BaseModel):
    """Strict: an unknown key is refused. Of `segmentations` the first is made, unless a card prefers a later one.

    `binary_in_whole_words` is for viewers that misread bits where frames don't end with a word of 16 of them,
    `maps_not_on` names the modalities on which a viewer breaks over a parametric map: the page alone shows it. One of a
    site's own may begin with `Base`, the name of a shipped one, and state only what differs.
    """

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", alias_generator=to_pascal, validate_by_alias=True
    )

    objects: Annotated[tuple[Kind, ...], Field(strict=False)] = ("SEG", "SR", "SC", "REG")
    segmentations: Annotated[tuple[Encoding, ...], Field(min_length=1, strict=False)] = ("binary",)
    binary_in_whole_words: bool = False
    maps_not_on: Annotated[tuple[str, ...], Field(strict=False)] = ()
    report: Literal["comprehensive-3d", "comprehensive"] = "comprehensive-3d"
    template: Literal["measurements", "cad"] = "measurements"
    transfer_syntaxes: Annotated[tuple[str, ...], Field(min_length=1, strict=False)] = ("1.2.840.10008.1.2.1",)
    scrolling_page: bool = False
    patient_on_page: bool = False
    superseded: Superseded = "remove"

    @model_validator(mode="before")
    @classmethod
    def on_its_base(cls, stated: Any) -> Any:
        if not isinstance(stated, dict) or BASE not in stated:
            return stated
        base = stated[BASE]
        if base not in shipped():
            raise ValueError(f"there is no shipped profile {base!r} to begin with")
        return _read(base) | {key: value for key, value in stated.items() if key != BASE}

    def segmentation(self, preferred: Encoding | None) -> Encoding:
        return preferred if preferred in self.segmentations and preferred is not None else self.segmentations[0]

    @property
    def encoding(self) -> str:
        """All that makes other objects of the same findings; part of every UID."""
        return self.model_dump_json(exclude={"superseded"})


def written(encoding: str) -> Profile:
    """The profile whose `encoding` that was."""
    return Profile.model_validate_json(encoding, by_alias=False, by_name=True)


def shipped() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.json")))


def profile(name: str, of_site: Mapping[str, Profile]) -> Profile:
    """The site's own profiles go before those that are shipped."""
    if name in of_site:
        return of_site[name]
    if name not in shipped():
        known = ", ".join(sorted({*shipped(), *of_site}))
        raise ConfigurationError(f'There is no destination profile "{name}"; there are {known}.')
    try:
        return Profile.model_validate(_read(name))
    except (ValueError, ValidationError) as error:
        raise ConfigurationError(f"The destination profile {_path(name)} can't be read: {error}") from error


def _read(name: str) -> dict[str, Any]:
    stated: dict[str, Any] = json.loads(_path(name).read_text("utf-8"))
    return stated


def _path(name: str) -> Path:
    return SHIPPED / f"{name}.json"

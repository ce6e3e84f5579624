"""A training's settings: a JSON file goes in, a frozen description comes out; unknown keys are refused."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from export.breast_mass_mg.settings import Augmentation
from export.schedule import Course
from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.network import Positive

Share = Annotated[float, Field(ge=0, le=1)]


class Split(Entry):
    """Patients of the three parts; of real data their proportions.

    Of those of the training the share `combining` is kept from the network that looks at views: on what it has learned
    it is surer than it will ever be again, and how views are combined is not to be learned from that.
    """

    train: Positive
    validation: Positive
    test: Positive
    combining: Share


class LeftOut(Entry):
    """How often the earlier study is left out, a view, and all of the other breast."""

    prior: Share
    view: Share
    side: Share


class Settings(Entry):
    """`rows`, `columns` and `channels` are those of the finder of masses of the model that the network begins from
    (`begins_from`), or from nothing. How views are combined is fitted to all patients and to so many `rounds` of them
    with some left out, the more freely the larger the `strength`.
    Phantoms are drawn with pixels of `parts_mm` where parts of views are learned from, as the finder's were, and of
    `whole_mm` where whole views are seen, as detectors have them. Of so many `more` phantoms the lesions alone are
    drawn, with what is around them; such a share of the lesions that are learned from are theirs. The finder learns
    by the course `look`, the scout by `scout`, what tells kinds of places by `kinds`.
    """

    name: str
    seed: int
    split: Split
    begins_from: str | None
    rows: Positive
    columns: Positive
    channels: tuple[Positive, ...]
    parts_mm: float
    whole_mm: float
    augmentation: Augmentation
    look: Course
    scout: Course
    kinds: Course
    left_out: LeftOut
    rounds: Positive
    strength: Annotated[float, Field(gt=0)]
    every: Positive
    more: Annotated[int, Field(ge=0)] = 0
    more_share: Share = 0.0


def read_settings(path: Path) -> Settings:
    return Settings.model_validate_json(path.read_text())

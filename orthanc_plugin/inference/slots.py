"""Single images in, those that take the slots of a stage out, and what its network says of all of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.image import Images
from orthanc_plugin.inference import items
from orthanc_plugin.inference.classes import Point, probabilities
from orthanc_plugin.inference.items import Taken
from orthanc_plugin.inference.network import Answers, Network
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.headers import Headers, values_of
from orthanc_plugin.routing.network import Stage
from orthanc_plugin.routing.outputs import Classes
from orthanc_plugin.routing.roles import OF_IMAGES, moment
from orthanc_plugin.routing.rules import Verdict, judged


@dataclass(frozen=True, eq=False)
class View:
    """An image that took a slot. `heat_yx` lies on it, and `peak_yx` counts from the corner of its first pixel."""

    slot: str
    index: int
    heat_yx: NDArray[np.float32] | None = None
    peak_yx: Point | None = None

    @property
    def height(self) -> float:
        return 0.0 if self.heat_yx is None else float(self.heat_yx.max())


@dataclass(frozen=True, eq=False)
class Views:
    """Those of the first role; `probabilities` in the order of the card's classes, whatever images these have.

    `missing` says which slots nobody took, of the first role and of others that are there; `left_out` is how many
    images of the first took none.
    """

    probabilities: tuple[float, ...]
    seen: tuple[View, ...]
    missing: tuple[str, ...]
    left_out: int


def taken_by(card: Card, stage: Stage, wanted: Classes, roles: Mapping[str, Images]) -> Taken:
    """Unsuitable where no image of the first role takes a slot that a class is about."""
    found = {role: _of_role(card, stage, roles[role]) if role in roles else _nobody(stage) for role in stage.roles}
    spoken_of = {slot for item in wanted.items for slot in item.slots}
    taken = zip(stage.slots, found[stage.roles[0]], strict=True)
    if all(index is None for slot, index in taken if slot.name in spoken_of):
        raise Unsuitable(
            f"None of the images is one that the model {card.name} looks at "
            f"({', '.join(slot.name for slot in stage.slots)}); their headers must say which they are.",
            stage="infer",
        )
    return found


def _nobody(stage: Stage) -> tuple[None, ...]:
    return (None,) * len(stage.slots)


def _of_role(card: Card, stage: Stage, images: Images) -> tuple[int | None, ...]:
    by_uid = {str(header.SOPInstanceUID): Headers(values_of(header), 1) for header in images.headers}
    headers = [by_uid[source.sop_instance_uid] for source in images.sources]
    found: list[int | None] = []
    for slot in stage.slots:
        able = [n for n, each in enumerate(headers) if judged(card, slot.rule, each).verdict is Verdict.YES]
        found.append(max(able, key=lambda n: (moment(headers[n], OF_IMAGES), n), default=None))
    return tuple(found)


def views(
    network: Network, card: Card, wanted: Classes, roles: Mapping[str, Images], taken: Taken, answers: Answers
) -> Views:
    stage, images = network.stage, roles[network.stage.roles[0]]
    first = taken[stage.roles[0]]
    heat = None if wanted.heat_map is None else wanted.heat_map.output
    maps = None if heat is None else answers[heat][0]
    [shares] = probabilities(wanted, answers[wanted.source.output].reshape(1, -1), network)
    if maps is not None and (maps.ndim != 3 or len(maps) != len(stage.slots)):
        raise network.broken(f"answered heat maps of the shape {maps.shape} in {heat} for {len(stage.slots)} slots")
    seen = []
    for number, (slot, index) in enumerate(zip(stage.slots, first, strict=True)):
        if index is not None and maps is not None:
            place = items.place(stage, images, index)
            seen.append(View(slot.name, index, place.take_back(maps[number]), place.peak(maps[number])))
        elif index is not None:
            seen.append(View(slot.name, index))
    missing = (
        *_missing(stage, first),
        *(said for role in stage.roles[1:] for said in _of_other(card, stage, roles, role, taken)),
    )
    left_out = len(images) - len({view.index for view in seen})
    return Views(tuple(map(float, shares)), tuple(seen), missing, left_out)


def _missing(stage: Stage, taken: Sequence[int | None]) -> list[str]:
    return [slot.meaning_of_missing for slot, index in zip(stage.slots, taken, strict=True) if index is None]


def _of_other(card: Card, stage: Stage, roles: Mapping[str, Images], role: str, taken: Taken) -> Iterator[str]:
    """A role that is there and takes no slot is as good as missing; that there is none at all the job itself says."""
    lacking = [slot.name for slot, index in zip(stage.slots, taken[role], strict=True) if index is None]
    if role not in roles or not lacking:
        return
    if len(lacking) == len(stage.slots):
        meaning = card.inputs[role].meaning_of_missing
        yield f"None of the images of the role {role} is one that the model looks at. {meaning}".strip()
    else:
        yield f"The images of the role {role} lack {', '.join(lacking)}."

"""A card and the series of a job in, what its stages work on out: volumes in one space, or single images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pydicom.dataset import Dataset

from orthanc_plugin.encode.making import Laid
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.frame import only_frame
from orthanc_plugin.imaging.image import Imaged, images
from orthanc_plugin.imaging.registration import Registered, laid_on, registered
from orthanc_plugin.imaging.series import Series
from orthanc_plugin.imaging.volume import Volume, volume
from orthanc_plugin.jobs.job import Parameter
from orthanc_plugin.routing.card import Card


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a job works on, by role; results lie on the images of `main`, the others are `beside`.

    `laid` are those that were brought into its frame of reference, which results say, too (`said`).
    """

    by_role: Mapping[str, Imaged]
    main: Imaged
    beside: tuple[Imaged, ...]
    laid: tuple[Laid, ...] = ()
    said: tuple[str, ...] = ()
    earlier: Earlier | None = None

    @property
    def used(self) -> Mapping[str, Imaged]:
        """All that results are made of, those of the earlier study by their own roles."""
        before = self.earlier.used if self.earlier is not None else {}
        return {**self.by_role, **before}

    @property
    def headers_beside(self) -> tuple[Dataset, ...]:
        return tuple(header for imaged in self.used.values() if imaged is not self.main for header in imaged.headers)


@dataclass(frozen=True, eq=False)
class Earlier:
    """A study that this one is compared with: `roles` are those it has now, each with that which it had then.

    Without `inputs` it can't be compared, and `why_not` says why.
    """

    roles: Mapping[str, str]
    inputs: Inputs | None
    why_not: str = ""

    @property
    def used(self) -> Mapping[str, Imaged]:
        of = self.inputs
        return {} if of is None else {name: of.by_role[then] for name, then in self.roles.items()}


def inputs_of(card: Card, series: Mapping[str, Series], frame: Parameter | None = None) -> Inputs:
    """Each role as its stages take it: a volume, or single images; `frame` alone of them where one is named.

    A set of one role may name it as it likes.
    """
    if len(series) == 1 and len(card.inputs) == 1:
        series = dict(zip(card.inputs, series.values(), strict=True))
    earlier = {role: then for role, then in card.compared.items() if role in series}
    if earlier:
        now = inputs_of(card, {role: found for role, found in series.items() if role not in earlier}, frame)
        before = {then: series[role] for role, then in earlier.items()}
        return replace(now, earlier=_earlier(card, before, earlier))
    flat = {role for stage in card.stages if stage.flat for role in stage.roles}
    by_role = {role: images(found) if role in flat else volume(found) for role, found in series.items()}
    if frame is not None:
        by_role = {role: only_frame(imaged, int(frame)) for role, imaged in by_role.items()}
    main = card.main_role
    for role, wanted in card.inputs.items():
        if role not in by_role and role not in card.compared and (wanted.required or role == main):
            raise Unsuitable(f"The job has no series for the role {role}, which the model {card.name} needs.")
    return in_one_space(by_role, main)


def _earlier(card: Card, series: Mapping[str, Series], roles: Mapping[str, str]) -> Earlier:
    """What can't be compared keeps nobody from the results of today."""
    try:
        return Earlier(roles, inputs_of(card, series))
    except Unsuitable as error:
        return Earlier(roles, None, error.sentence)


def in_one_space(by_role: Mapping[str, Imaged], main: str) -> Inputs:
    """Volumes in other frames of reference are registered with the main one; Unsuitable where that fails.

    Of several that share another one the first says for all of them how it lies.
    """
    fixed = by_role[main]
    placed, laid, said = dict(by_role), [], []
    known: dict[str, Registered] = {}
    for role, moving in by_role.items():
        if not isinstance(fixed, Volume) or not isinstance(moving, Volume) or _space(fixed) == _space(moving):
            continue
        found = known.get(_space(moving)) or registered(fixed, moving)
        known[_space(moving)] = found
        if not found.sure:
            raise Unsuitable(
                f"The series of the role {role} lies in another frame of reference than that of the role {main}, and "
                "what the two show could not be laid on one another. Send series that share one frame of reference, or "
                "that show the same part of the body.",
                stage="read",
            )
        placed[role] = laid_on(fixed, moving, found)
        laid.append(Laid(moving.headers, found.matrix))
        said.append(
            f"The series of the role {role} lay in another frame of reference; by what the images show it was laid on "
            f"that of the role {main} (moved by {found.moved_mm(moving):.0f} mm, "
            f"turned by {found.turned_degrees:.0f} degrees)."
        )
    beside = tuple(imaged for role, imaged in placed.items() if role != main)
    return Inputs(placed, placed[main], beside, tuple(laid), tuple(said))


def _space(of: Volume) -> str:
    return str(of.geometry.frame_of_reference_uid)


def missing(card: Card, inputs: Inputs) -> Iterator[str]:
    """What the card says about the roles that nobody took."""
    taken = {*inputs.by_role, *(inputs.earlier.roles if inputs.earlier is not None else ())}
    lacking = (wanted.meaning_of_missing for role, wanted in card.inputs.items() if role not in taken)
    yield from filter(None, lacking)

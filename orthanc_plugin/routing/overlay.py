"""A site's choices for a model in, the card and the switch that they make out; they lie outside the model's folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.outputs import ClassOutput, Share

FOLDER = "overlays"


class Canary(Entry):
    """So large a share of the studies gets this version, the others the one before it."""

    canary: Share


Switch = Literal["on", "off", "shadow"] | Canary
"""`shadow` runs and is recorded, and its results are not stored."""


class Overlay(Entry):
    """Thresholds by the labels of segments and classes; a switch changes no result and so no digest."""

    thresholds: dict[str, Share] = Field(default_factory=dict)
    switch: Switch = "on"


def read_overlay(state_folder: Path, name: str) -> Overlay:
    """`overlays/NAME.json` of the state folder; without one, the model is as its maker made it."""
    try:
        return Overlay.model_validate_json((state_folder / FOLDER / f"{name}.json").read_bytes())
    except FileNotFoundError:
        return Overlay()
    except OSError as error:
        raise ConfigurationError(
            f"The overlay of the model {name} can't be read ({error.strerror}); correct its permissions."
        ) from error
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(str(part) for part in wrong["loc"])
        at = f" at {where}" if where else ""
        raise ConfigurationError(
            f"The overlay of the model {name} is wrong{at}: {wrong['msg']}; correct {FOLDER}/{name}.json."
        ) from error


Item = TypeVar("Item", bound=Entry)


def effective(card: Card, overlay: Overlay) -> Card:
    """The card with the site's thresholds; ConfigurationError for a label that it lacks."""
    segments, classes = card.outputs.segments, card.outputs.classes
    labels = [item.label for outputs in (segments, classes) if outputs is not None for item in outputs.items]
    for label in overlay.thresholds:
        if label not in labels:
            raise ConfigurationError(
                f"The overlay of the model {card.name} sets a threshold for {label}, which the model lacks; "
                f"it has {', '.join(labels)}."
            )
    for item in classes.items if classes is not None else ():
        _demand_within(card, item, overlay.thresholds.get(item.label))

    def chosen(item: Item, label: str) -> Item:
        return item.model_copy(update={"threshold": overlay.thresholds[label]}) if label in overlay.thresholds else item

    changed = {
        name: outputs.model_copy(update={"items": tuple(chosen(item, item.label) for item in outputs.items)})
        for name, outputs in (("segments", segments), ("classes", classes))
        if outputs is not None
    }
    return card.model_copy(update={"outputs": card.outputs.model_copy(update=changed)})


def _demand_within(card: Card, item: ClassOutput, threshold: float | None) -> None:
    if threshold is not None and item.undetermined is not None and not item.holds(threshold):
        least, most = item.undetermined
        raise ConfigurationError(
            f"The overlay of the model {card.name} sets a threshold of {threshold:g} for {item.label}, which the card "
            f"leaves undetermined from {least:g} to {most:g}; choose one within."
        )


def effective_digest(folder_digest: str, card: Card, overlay: Overlay) -> str:
    """Of the folder and of what the overlay changes in the results; one that changes nothing leaves it as it is."""
    if effective(card, overlay) == card:
        return folder_digest
    thresholds = json.dumps(overlay.thresholds, sort_keys=True)
    return hashlib.sha256(f"{folder_digest}\n{thresholds}".encode()).hexdigest()

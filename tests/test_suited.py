"""What a card demands of images, by their headers and by what its graphs answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from orthanc_plugin import suited
from orthanc_plugin.errors import Broken, Unsuitable
from orthanc_plugin.imaging.image import Images, images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.inference.stages import Series
from orthanc_plugin.routing.card import Card
from tests.builders import series
from tests.encode import making
from tests.imaging.radiographs import radiograph
from tests.routing import cards

LATERAL = "The image is a lateral view; send a frontal one."
STRANGE = "The images differ from those that the model learned on."
FRONTAL = {"not": {"tag": "ViewPosition", "in": ["LL", "RL"]}}


def checked(**check: Any) -> Card:
    return cards.card(stages=[cards.stage(outputs=["y", "strangeness"])], checks=[check])


def by_view(otherwise: str) -> Card:
    return checked(rule=FRONTAL, otherwise=otherwise, says=LATERAL)


def seen(*views: str | None) -> Images:
    """One image a view, in one series."""
    made = []
    for number, view in enumerate(views, start=1):
        image = radiograph("DX")
        image.SOPInstanceUID, image.InstanceNumber = f"{image.SOPInstanceUID}.{number}", number
        if view is not None:
            image.ViewPosition = view
        made.append(decode(series.part10(image)))
    return images(assemble(made))


def answered(*numbers: float | tuple[float, ...]) -> dict[str, Series]:
    rows = np.array(numbers, np.float32).reshape(len(numbers), -1)
    return {"only": Series({"strangeness": rows}, np.arange(len(rows)), None)}


@pytest.mark.parametrize(
    ("views", "cautions"),
    [(("PA",), ()), ((None,), ()), (("LL",), (LATERAL,)), (("PA", "LL"), (LATERAL,))],
    ids=["frontal", "silent", "lateral", "both"],
)
def test_a_caution_is_about_any_image(views: tuple[str | None, ...], cautions: tuple[str, ...]) -> None:
    assert suited.by_header(by_view("caution"), seen(*views)) == cautions


def test_a_refusal_is_about_all_images() -> None:
    assert suited.by_header(by_view("refuse"), seen("PA", "LL")) == ()
    with pytest.raises(Unsuitable) as caught:
        suited.by_header(by_view("refuse"), seen("RL", "LL"))
    assert caught.value.sentence == LATERAL


def test_of_a_volume_the_header_is_looked_at_too() -> None:
    card = checked(rule={"tag": "Modality", "in": ["MR"]}, otherwise="caution", says=STRANGE)
    assert suited.by_header(card, making.volume()) == (STRANGE,)


@pytest.mark.parametrize(
    ("of", "between", "unmet"),
    [
        ("median", {"most": 1.0}, False),
        ("most", {"most": 1.0}, True),
        ("most", {"most": 3.0}, False),
        ("least", {"least": 0.5}, True),
        ("least", {"least": 0.2}, False),
        ("median", {"least": 0.9}, True),
    ],
)
def test_the_numbers_of_several_images_become_one(of: str, between: dict[str, float], unmet: bool) -> None:
    source = {"stage": "only", "output": "strangeness"}
    card = checked(**{"from": source}, between=between, of=of, otherwise="caution", says=STRANGE)
    assert suited.by_answers(card, answered(0.2, 0.8, 3.0)) == ((STRANGE,) if unmet else ())


def test_a_graph_may_refuse() -> None:
    source = {"stage": "only", "output": "strangeness"}
    card = checked(**{"from": source}, between={"most": 1}, otherwise="refuse", says=STRANGE)
    with pytest.raises(Unsuitable) as caught:
        suited.by_answers(card, answered(1.5))
    assert caught.value.sentence == STRANGE


def test_an_output_with_several_numbers_an_image_is_the_cards_fault() -> None:
    source = {"stage": "only", "output": "strangeness"}
    card = checked(**{"from": source}, between={"most": 1}, otherwise="caution", says=STRANGE)
    with pytest.raises(Broken) as caught:
        suited.by_answers(card, answered((0.1, 0.2)))
    assert caught.value.sentence == (
        "A check looks at strangeness, which has 2 numbers for each image instead of one; correct the card."
    )

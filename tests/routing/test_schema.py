"""What docs/ says about cards is what the code says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.network import Stage
from orthanc_plugin.routing.overlay import Overlay
from orthanc_plugin.routing.schema import written
from orthanc_plugin.routing.vocabulary import PARTS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def examples() -> list[str]:
    return re.findall(r"```json\n(.*?)```", (DOCS / "cards.md").read_text(), re.DOTALL)


def test_the_published_schema_is_the_code_s() -> None:
    assert (DOCS / "card.schema.json").read_text() == written()


def test_the_examples_are_right() -> None:
    card, regions, views, pictures, texture, checks, several, with_prior, compared, overlay = examples()
    read = Card.model_validate_json(card)
    near = json.loads(card) | json.loads(regions)
    near["outputs"]["segments"]["from"] = {"stage": "outline", "output": "probability"}
    near["outputs"]["segments"] |= {"background": False, "steps": [{"step": "threshold"}]}
    assert Card.model_validate(near, strict=False).stage("outline").within is not None
    together = json.loads(card) | json.loads(views)
    side = {"label": "Left", "code": {"value": "left", "scheme": "99TEST", "meaning": "Left"}, "threshold": 0.5}
    of_views = {"from": {"stage": "breasts", "output": "probability"}, "activation": "none", "exclusive": False}
    together["outputs"] = {"classes": of_views | {"items": [side | {"slots": ["LCC"]}]}}
    assert Card.model_validate(together, strict=False).main_role == "now"
    drawing = json.loads(card)
    drawing["outputs"] |= json.loads(pictures)
    drawing["stages"][0]["outputs"] += ["t2", "quiet"]
    assert len(Card.model_validate(drawing, strict=False).outputs.pictures) == 3
    looking = {"name": "look", "files": ["look.onnx"], "input": "x", "outputs": ["y"]} | json.loads(texture)
    assert Stage.model_validate_json(json.dumps(looking)).flat
    checked = json.loads(card) | json.loads(checks)
    checked["stages"][0]["outputs"] += ["strangeness"]
    assert len(Card.model_validate(checked, strict=False).output_checks) == 1
    for roles in map(json.loads, (several, with_prior)):
        stages = [stage | {"roles": list(roles)} for stage in json.loads(card)["stages"]]
        assert Card.model_validate_json(json.dumps({**json.loads(card), "inputs": roles, "stages": stages}))
    since = json.loads(card) | {
        "inputs": json.loads(compared),
        "stages": [json.loads(card)["stages"][0] | {"roles": ["now"]}],
    }
    assert Card.model_validate(since, strict=False).compared == {"before": "now"}
    assert set(Overlay.model_validate_json(overlay).thresholds) == {segment.label for segment in read.segments}


def test_every_region_is_named() -> None:
    text = (DOCS / "cards.md").read_text()
    assert [part for part in PARTS if f"`{part}`" not in text] == []


def test_a_card_reads_the_same_after_it_was_written() -> None:
    card = Card.model_validate_json(examples()[0])
    assert Card.model_validate_json(card.model_dump_json(by_alias=True)) == card

"""The code of the card in, its JSON Schema out: `python -m orthanc_plugin.routing.schema > docs/card.schema.json`."""

from __future__ import annotations

import json
import sys

from orthanc_plugin.routing.card import CARD_VERSION, Card

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def written() -> str:
    """As it lies in docs/; a card that it admits may still be refused for what no schema can say."""
    schema = Card.model_json_schema(by_alias=True, mode="validation")
    head = {"$schema": DRAFT, "$id": f"card.schema.json#{CARD_VERSION}", "title": f"Model card, version {CARD_VERSION}"}
    return json.dumps(head | {key: value for key, value in schema.items() if key != "title"}, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(written())

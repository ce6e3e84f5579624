"""The walk-through in docs/bring-your-own.md in, the commands that it shows out."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "bring-your-own.md"


def blocks() -> list[tuple[str, str]]:
    """What is fenced, in its order, with its kind: `sh`, or `sh node` where a running node is needed."""
    return re.findall(r"^```(.*)\n((?:(?!```).*\n)*)```$", PAGE.read_text("utf-8"), re.MULTILINE)


def until_the_node() -> tuple[str, str]:
    """The commands before the first that needs a running node, and those that do."""
    return _joined("sh", blocks()[: _first_with_a_node()]), _joined("sh node", blocks())


def after_the_node() -> str:
    """The commands for those who come with something else than a trained network."""
    first, *_ = blocks()
    return _joined("sh", [first, *blocks()[_first_with_a_node() :]])


def _first_with_a_node() -> int:
    return [kind for kind, _ in blocks()].index("sh node")


def _joined(wanted: str, those: list[tuple[str, str]]) -> str:
    return "\n".join(block for kind, block in those if kind == wanted)

"""The walk-through in docs/bring-your-own.md in, the commands that it shows out."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "bring-your-own.md"


def blocks() -> list[tuple[str, str]]:
    """What is fenced, in its order, with its kind: `sh`, or `sh node` where a running node is needed."""
    return re.findall(r"^```(.*)\n((?:(?!```).*\n)*)```$", PAGE.read_text("utf-8"), re.MULTILINE)


def without_a_node() -> str:
    return "\n".join(block for kind, block in blocks() if kind == "sh")


def until_the_node() -> tuple[str, str]:
    """The commands before the first that needs a running node, and those that do."""
    kinds = [kind for kind, _ in blocks()]
    first = kinds.index("sh node")
    before = "\n".join(block for kind, block in blocks()[:first] if kind == "sh")
    return before, "\n".join(block for kind, block in blocks() if kind == "sh node")

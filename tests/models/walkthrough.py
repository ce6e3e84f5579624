"""The walk-through in docs/bring-your-own.md in, the commands that it shows out."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "bring-your-own.md"


def commands(kind: str = "sh") -> list[str]:
    """The fenced blocks in their order; `sh node` are those that need a running node."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)

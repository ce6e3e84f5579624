"""The ledger's kept values, in memory."""

from __future__ import annotations


class Kept:
    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.recalled = 0

    def remember(self, key: str, value: str) -> None:
        self.values[key] = value

    def recall(self, key: str) -> str | None:
        self.recalled += 1
        return self.values.get(key)

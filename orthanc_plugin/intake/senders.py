"""Series in, how many instances their senders say they have out: asked beside the loop, as a scanner may be slow."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from orthanc_plugin.errors import NodeError
from orthanc_plugin.intake.orthanc import Orthanc

logger = logging.getLogger(__name__)

QUESTIONS_A_SERIES = 2
"""A scanner has better things to do than to count for us."""


@dataclass(frozen=True)
class Question:
    """About one series, when so many of its instances are here."""

    sender: str
    study_uid: str
    series_uid: str
    here: int


class Senders:
    """`answered` is called, in the thread that asks, when there is news for the loop; `asks` False for a quiet node."""

    def __init__(self, orthanc: Orthanc, answered: Callable[[], None], *, asks: bool = True) -> None:
        self._orthanc = orthanc
        self._answered = answered
        self._questions_a_series = QUESTIONS_A_SERIES if asks else 0
        self._asked: dict[str, tuple[Question, ...]] = {}
        self._counts: dict[str, int] = {}
        self._questions: queue.SimpleQueue[Question] = queue.SimpleQueue()
        threading.Thread(target=self._ask_all, name="senders", daemon=True).start()

    def ask(self, question: Question) -> None:
        """Returns at once; the same question twice, or too many on one series, is not asked."""
        asked = self._asked.get(question.series_uid, ())
        if question.sender and question not in asked and len(asked) < self._questions_a_series:
            self._asked[question.series_uid] = (*asked, question)
            self._questions.put(question)

    def count(self, series_uid: str) -> int | None:
        return self._counts.get(series_uid)

    def forget(self, series_uid: str) -> None:
        self._asked.pop(series_uid, None)
        self._counts.pop(series_uid, None)

    def _ask_all(self) -> None:
        while True:
            question = self._questions.get()
            try:
                count = self._asked_now(question)
            except NodeError as error:
                logger.info(
                    "The sender did not say its count: %s", error.sentence, extra={"series": question.series_uid}
                )
                continue
            if count is not None and question.series_uid in self._asked:
                self._counts[question.series_uid] = count
                self._answered()

    def _asked_now(self, question: Question) -> int | None:
        modality = self._orthanc.modality_called(question.sender)
        if modality is None:
            return None
        return self._orthanc.count_at(modality, question.study_uid, question.series_uid)

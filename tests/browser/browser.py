"""What a person does in Chromium, as calls; each waits until the page has done it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.browser import playwright

DRIVER = Path(__file__).with_name("driver.js")
CHROMIUM = Path("/usr/bin/chromium")
PICTURES = Path(__file__).resolve().parents[2] / "build" / "pictures"


class Browser:
    """One Chromium for all tests, a fresh window for each page that is opened."""

    def __init__(self, url: str, username: str, password: str) -> None:
        command = ["node", DRIVER, playwright.FOLDER, CHROMIUM, url, username, password]
        self._driver = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._driver.stdin is not None and self._driver.stdout is not None
        self._driver.stdin.close()
        try:
            self._driver.wait(15)
        finally:
            self._driver.kill()
            self._driver.wait()
            self._driver.stdout.close()

    def open(self, path: str, hold: str = "") -> None:
        """Answers whose address has `hold` in it come once they are released."""
        self._does("open", path=path, hold=hold)

    def release(self) -> None:
        self._does("release")

    @property
    def address(self) -> str:
        return str(self._does("url"))

    @property
    def complaints(self) -> list[str]:
        """Errors of the page, and answers that were refusals."""
        return list(self._does("complaints"))

    def evaluate(self, script: str, given: object = None) -> Any:
        """`script` is a JavaScript function of one argument; its promise is awaited."""
        return self._does("evaluate", script=script, given=given)

    def until(self, script: str, given: object = None) -> Any:
        """The first value of the function that is true of itself."""
        return self._does("until", script=script, given=given)

    def comes(self, script: str, given: object, *, within_s: float) -> bool:
        """Whether the function becomes true in that time."""
        try:
            self._does("until", script=script, given=given, patience=within_s * 1000)
        except AssertionError:
            return False
        return True

    def click(self, selector: str) -> None:
        self._does("click", selector=selector)

    def double_click(self, selector: str) -> None:
        self._does("dblclick", selector=selector)

    def wait_for(self, selector: str) -> None:
        self._does("wait", selector=selector)

    def texts(self, selector: str) -> list[str]:
        return list(self._does("texts", selector=selector))

    def colours(self, points: list[tuple[float, float]]) -> list[tuple[int, int, int]]:
        """Red, green and blue of the window at (x, y)."""
        return [(red, green, blue) for red, green, blue in self._does("colours", points=points)]

    def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self._does("screenshot", path=str(PICTURES / f"{name}.png"))

    def _does(self, verb: str, **given: object) -> Any:
        assert self._driver.stdin is not None and self._driver.stdout is not None
        self._driver.stdin.write(json.dumps({"verb": verb, **given}) + "\n")
        self._driver.stdin.flush()
        line = self._driver.stdout.readline()
        assert line, "the browser has ended"
        said = json.loads(line)
        assert "error" not in said, f"{said['error']} {said.get('complaints')}"
        return said["answer"]

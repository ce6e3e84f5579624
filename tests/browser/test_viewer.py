"""What a person sees of studies and results in the viewer that the node serves."""

from __future__ import annotations

from typing import Any

from tests.browser.browser import Browser
from tests.browser.studies import Study

Jobs = dict[tuple[str, str], dict[str, Any]]


def test_the_study_list_names_every_study(browser: Browser, sent: dict[str, Study]) -> None:
    browser.open("/ohif/")
    browser.wait_for("text=CT abdomen (synthetic)")

    shown = "\n".join(browser.texts("table, [role=table], #root"))

    assert [study.description for study in sent.values() if study.description not in shown] == []
    assert browser.complaints == []
    browser.picture("study-list")


def test_all_jobs_are_done(jobs: Jobs) -> None:
    assert {key: (job["state"], job["reason"]) for key, job in jobs.items() if job["state"] != "done"} == {}
    print({key: [result["kind"] for result in job["results"]] for key, job in jobs.items()})

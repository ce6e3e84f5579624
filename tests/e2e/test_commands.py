"""The command line beside a running node."""

import json

from tests.e2e.node import Node
from tests.e2e.series import PushedSeries


def test_doctor_finds_nothing_to_mend(node: Node, finished: PushedSeries) -> None:
    ended = node.command("doctor", "--json")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads(ended.stdout)


def test_jobs_are_listed_and_shown(node: Node, finished: PushedSeries) -> None:
    listed = json.loads(node.command("jobs", "list", "--json").stdout)["jobs"]
    ours = next(job for job in listed if job["series"] == [finished.series_uid])

    shown = json.loads(node.command("jobs", "show", ours["id"], "--json").stdout)

    assert shown["state"] == "done"
    assert shown["id"] == ours["id"]


def test_a_command_used_wrongly_ends_with_two(node: Node) -> None:
    assert node.command("jobs", "lisp").returncode == 2


def test_a_job_that_is_not_there_ends_with_one(node: Node) -> None:
    ended = node.command("jobs", "show", "none")

    assert ended.returncode == 1
    assert "none" in ended.stderr
    assert "Traceback" not in ended.stderr

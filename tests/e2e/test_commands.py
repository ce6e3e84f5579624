"""The command line beside a running node."""

import json
import subprocess

from tests.e2e.node import PROJECT, Node
from tests.e2e.series import PushedSeries


def inference_node(node: Node, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(PROJECT / ".venv/bin/inference-node"), *arguments]
    return subprocess.run(command, env=node.environment, capture_output=True, text=True, timeout=60, check=False)


def test_doctor_finds_nothing_to_mend(node: Node, finished: PushedSeries) -> None:
    ended = inference_node(node, "doctor", "--json")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads(ended.stdout)


def test_jobs_are_listed_and_shown(node: Node, finished: PushedSeries) -> None:
    listed = json.loads(inference_node(node, "jobs", "list", "--json").stdout)["jobs"]
    ours = next(job for job in listed if job["series"] == [finished.series_uid])

    shown = json.loads(inference_node(node, "jobs", "show", ours["id"], "--json").stdout)

    assert shown["state"] == "done"
    assert shown["id"] == ours["id"]


def test_a_command_used_wrongly_ends_with_two(node: Node) -> None:
    assert inference_node(node, "jobs", "lisp").returncode == 2


def test_a_job_that_is_not_there_ends_with_one(node: Node) -> None:
    ended = inference_node(node, "jobs", "show", "none")

    assert ended.returncode == 1
    assert "none" in ended.stderr
    assert "Traceback" not in ended.stderr

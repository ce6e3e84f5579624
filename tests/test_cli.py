import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orthanc_plugin import cli
from orthanc_plugin.doctor import Finding
from orthanc_plugin.jobs.ledger import Ledger
from tests.jobs.builders import order
from tests.ledgers import url_in


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """The one that the commands find by the environment."""
    monkeypatch.setenv("INFERENCE_DATA", str(tmp_path))
    monkeypatch.setenv("INFERENCE_SETTINGS", "{}")
    opened = Ledger(url_in(tmp_path))
    yield opened
    opened.close()


def test_a_list_is_a_table(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    job = ledger.propose(order())

    assert cli.main(["jobs", "list"]) == 0

    titles, line = capsys.readouterr().out.splitlines()
    assert titles.split() == ["id", "state", "priority", "model", "attempts", "created", "series"]
    assert line.split()[:5] == [job.id, "waiting", "routine", "muscle", "0"]
    assert line.split()[-1] == "1.2.1.1"


def test_a_list_goes_on_where_an_earlier_one_ended(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    ids = [ledger.propose(order(series)).id for series in (1, 2, 3)]

    assert cli.main(["jobs", "list", "--limit", "2"]) == 0
    shown = capsys.readouterr().out
    assert shown.endswith(f"There are more: --cursor {ids[1]}\n")

    assert cli.main(["jobs", "list", "--limit", "2", "--cursor", ids[1], "--json"]) == 0
    rest = json.loads(capsys.readouterr().out)
    assert ([job["id"] for job in rest["jobs"]], rest["next"]) == ([ids[0]], None)


def test_a_job_is_shown_with_its_reason(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    job = ledger.skip(order(model=""), "No model is for modality MR and body part HEAD.")

    assert cli.main(["jobs", "show", job.id]) == 0

    assert "reason       No model is for modality MR and body part HEAD.\n" in capsys.readouterr().out


def test_jobs_are_cancelled_and_tried_again(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    job = ledger.propose(order())

    assert cli.main(["jobs", "cancel", job.id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "cancelled"
    assert cli.main(["jobs", "retry", job.id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "waiting"


def test_what_fails_says_why_in_one_sentence(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["jobs", "show", "77"]) == 1
    assert capsys.readouterr() == ("", "There is no job '77'.\n")


def test_what_is_used_wrongly_says_how_it_is_used(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["jobs", "list", "--limit", "many"]) == 2
    assert capsys.readouterr().err == '"limit" is "many"; allowed is a whole number from 1 to 500.\n'
    for arguments in ([], ["jobs"], ["jobs", "show"], ["nothing"], ["jobs", "list", "--nothing"]):
        with pytest.raises(SystemExit) as caught:
            cli.main(arguments)
        assert caught.value.code == 2


@pytest.mark.parametrize(
    "command", [[], ["worker"], ["intake"], ["doctor"], ["jobs"], ["jobs", "list"], ["jobs", "retry"]]
)
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([*command, "--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("usage: inference-node")


def test_a_wrong_setting_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("INFERENCE_SETTINGS", '{"JobsAtOnce": 0}')
    assert cli.main(["jobs", "list"]) == 1
    assert capsys.readouterr().err == '"Inference.JobsAtOnce" is 0; allowed is a whole number from 1 to 64.\n'


def test_the_doctor_fails_when_something_is_to_mend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [Finding("python", True, "It is right."), Finding("disk", False, "It is full; free some space.")]
    monkeypatch.setattr("orthanc_plugin.doctor.findings", lambda: found)

    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().out == "ok    python: It is right.\nMEND  disk: It is full; free some space.\n"
    assert cli.main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[1] == {
        "subject": "disk",
        "well": False,
        "sentence": "It is full; free some space.",
    }
    found.pop()
    assert cli.main(["doctor"]) == 0


def test_whoever_stops_reading_gets_no_traceback(tmp_path: Path, ledger: Ledger) -> None:
    for series in range(1, 200):
        ledger.propose(order(series))
    command = f"{sys.executable} -m orthanc_plugin.cli jobs list --json --limit 500 | head -c 1"

    shown = subprocess.run(["bash", "-c", command], env=os.environ, capture_output=True, text=True, check=True)

    assert (shown.stdout, shown.stderr) == ("{", "")


def test_help_does_not_load_what_only_workers_need() -> None:
    source = (
        "import sys, orthanc_plugin.cli as cli; cli.parser(); print({'numpy', 'sqlalchemy', 'dbos'} & {*sys.modules})"
    )

    shown = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)

    assert shown.stdout == "set()\n"

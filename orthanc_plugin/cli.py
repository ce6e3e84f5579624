"""The command `inference-node`: its arguments in, an exit code out (0 done, 1 failed, 2 used wrongly)."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from orthanc_plugin import __version__, log, settings
from orthanc_plugin.errors import NodeError
from orthanc_plugin.models.commands import add_import, add_models
from orthanc_plugin.supervisor import end_with_parent
from orthanc_plugin.web.message import Wrong

DONE, FAILED, USED_WRONGLY = 0, 1, 2
LIMITS = {"limit": "at most so many (100)", "cursor": "go on where an earlier list ended"}
COLUMNS = ("id", "state", "priority", "model", "attempts", "created_at", "series")


def main(arguments: Sequence[str] | None = None) -> int:
    end_with_parent(os.environ)
    chosen = parser().parse_args(arguments)
    try:
        return int(chosen.command(chosen))
    except NodeError as error:
        print(error.sentence, file=sys.stderr)
        return USED_WRONGLY if isinstance(error, Wrong) else FAILED
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python would complain once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="inference-node", description="Runs ONNX models on the series in an Orthanc.")
    whole.add_argument("--version", action="version", version=__version__)
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    add(commands, "worker", worker, "carry out jobs until stopped; Orthanc's plugin starts one by itself")
    add(commands, "intake", intake, "turn what arrives into jobs; started by Orthanc's plugin alone")
    doctor_command = add(commands, "doctor", doctor, "check this installation and say what to mend")
    doctor_command.add_argument("--json", action="store_true", help="print the findings as JSON")
    add_jobs(commands.add_parser("jobs", help="see and steer the jobs", description="See and steer the jobs."))
    add_route(commands.add_parser("route", help="see why a model runs", description="See why a model runs."))
    add_lifecycle(commands)
    add_models(commands)
    add_import(commands)
    return whole


def add(commands: Any, name: str, command: Callable[..., int], says: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(name, help=says, description=f"{says[0].upper()}{says[1:]}.")
    made.set_defaults(command=command)
    return made


def add_jobs(jobs_parser: argparse.ArgumentParser) -> None:
    commands = jobs_parser.add_subparsers(required=True, metavar="COMMAND")
    listing = add(commands, "list", list_jobs, "list jobs, newest first")
    for name in ("study", "series", "state", "model", "limit", "cursor"):
        listing.add_argument(f"--{name}", default="", help=LIMITS.get(name, f"only with this {name}"))
    showing = add(commands, "show", show_jobs, "show all that is known of jobs")
    retrying = add(commands, "retry", retry_jobs, "try jobs again that ended without a result")
    cancelling = add(commands, "cancel", cancel_jobs, "cancel jobs that have not ended")
    for each in (showing, retrying, cancelling):
        each.add_argument("ids", nargs="+", metavar="ID")
    for each in (listing, showing, retrying, cancelling):
        each.add_argument("--json", action="store_true", help="print the jobs as JSON")


def add_lifecycle(commands: Any) -> None:
    says = "do the job of a result again, and see whether the same comes out (exit code 0) or not (1)"
    reproducing = add(commands, "reproduce", reproduce, says)
    reproducing.add_argument("uid", metavar="RESULT-UID", help="the SOPInstanceUID of one of the job's results")
    recalling = add(commands, "recall", recall, "list what a version of a model made; reject it, compute it anew")
    recalling.add_argument("named", metavar="MODEL[@VERSION]", help="the card's version, or first digits of a digest")
    recalling.add_argument("--reject", action="store_true", help="take the results back, or reject them")
    recalling.add_argument("--recompute", action="store_true", help="order them anew with the installed version")
    for each in (reproducing, recalling):
        each.add_argument("--json", action="store_true", help="print what was found as JSON")


def add_route(route_parser: argparse.ArgumentParser) -> None:
    commands = route_parser.add_subparsers(required=True, metavar="COMMAND")
    says = "show every model's rules with the values that they meet, from headers alone"
    explaining = add(commands, "explain", explain_route, says)
    explaining.add_argument("named", nargs="+", metavar="FILES-or-UID", help="DICOM files, folders or a stored series")
    explaining.add_argument("--json", action="store_true", help="print the routes as JSON")


def worker(_chosen: argparse.Namespace) -> int:
    from orthanc_plugin import retention
    from orthanc_plugin.archive.rest import RestArchive
    from orthanc_plugin.inference.device import Device
    from orthanc_plugin.inference.limits import Limits
    from orthanc_plugin.jobs import worker as jobs_worker
    from orthanc_plugin.pipeline import Rooms, carry_out
    from orthanc_plugin.readiness import make_ready
    from orthanc_plugin.routing.catalogue import Catalogue
    from orthanc_plugin.routing.versions import Versions

    log.configure()
    known = settings.from_environment()
    book = ledger()
    rooms = Rooms(
        RestArchive(known.orthanc_url, known.authorization(), rejected=book.rejections.of_series),
        Catalogue(known.models_folder, known.state_folder),
        Device(known.device, Limits(known.threads, known.host_memory_mb, known.device_memory_mb)),
        known.local_profile,
    )
    make_ready(rooms, book, socket.gethostname()).follow(lambda: rooms.models.models)
    retention.follow(book, lambda: rooms.models.models, Versions(known.state_folder), known.keep_versions)
    jobs_worker.run(known, lambda lease: carry_out(lease, rooms))


def intake(_chosen: argparse.Namespace) -> int:
    from orthanc_plugin.intake import process

    log.configure()
    process.run(settings.from_environment())
    return DONE


def explain_route(chosen: argparse.Namespace) -> int:
    from orthanc_plugin.explain import explain

    return explain(chosen)


def reproduce(chosen: argparse.Namespace) -> int:
    from orthanc_plugin.reproduce import reproduce

    return reproduce(chosen)


def recall(chosen: argparse.Namespace) -> int:
    from orthanc_plugin.recall import recall

    return recall(chosen)


def doctor(chosen: argparse.Namespace) -> int:
    from orthanc_plugin.doctor import findings

    found = findings()
    if chosen.json:
        print(json.dumps([finding.entries() for finding in found], indent=2))
    else:
        for finding in found:
            print(f"{'ok  ' if finding.well else 'MEND'}  {finding.subject}: {finding.sentence}")
    return DONE if all(finding.well for finding in found) else FAILED


def list_jobs(chosen: argparse.Namespace) -> int:
    from orthanc_plugin.web import jobs

    wanted = {name: getattr(chosen, name) for name in jobs.FILTERS if getattr(chosen, name)}
    page, cursor = ledger().jobs(**jobs.filters(wanted))
    views = [jobs.view(job) for job in page]
    if chosen.json:
        print(json.dumps({"jobs": views, "next": cursor}, indent=2))
    else:
        print_table(views)
        if cursor is not None:
            print(f"There are more: --cursor {cursor}")
    return DONE


def show_jobs(chosen: argparse.Namespace) -> int:
    book = ledger()
    return print_jobs((book.job(job_id) for job_id in chosen.ids), chosen.json)


def retry_jobs(chosen: argparse.Namespace) -> int:
    book = ledger()
    return print_jobs((book.retry(job_id) for job_id in chosen.ids), chosen.json)


def cancel_jobs(chosen: argparse.Namespace) -> int:
    book = ledger()
    return print_jobs((book.cancel(job_id) for job_id in chosen.ids), chosen.json)


def ledger() -> Any:
    from orthanc_plugin.jobs.ledger import Ledger

    return Ledger(settings.from_environment().database_url)


def print_jobs(found: Iterable[Any], as_json: bool) -> int:
    from orthanc_plugin.web import jobs

    views = [jobs.whole(job) for job in found]
    if as_json:
        print(json.dumps(views if len(views) > 1 else views[0], indent=2))
        return DONE
    for view in views:
        print("\n".join(f"{name:12} {shown(value)}" for name, value in view.items()), end="\n\n")
    return DONE


def print_table(views: Sequence[dict[str, Any]]) -> None:
    lines = [[name.removesuffix("_at") for name in COLUMNS]]
    lines += [[shown(view[name]) for name in COLUMNS] for view in views]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(shown(entry) for entry in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {entry}" for name, entry in value.items())
    return "" if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main())

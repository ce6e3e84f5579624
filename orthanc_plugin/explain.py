"""`route explain`: files, folders or a stored series in, each model's rules with value and verdict out."""

from __future__ import annotations

import argparse
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import RE_VALID_UID

from orthanc_plugin import settings
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.inference.region import RegionNetwork
from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.intake.pixels import Classifier, Pixels, of_files
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.headers import Headers, of_datasets, written
from orthanc_plugin.web import models
from orthanc_plugin.web.message import Wrong

MARKS = {"yes": "+", "no": "-", "unknown": "?"}


def explain(chosen: argparse.Namespace) -> int:
    known = settings.from_environment()
    catalogue = Catalogue(known.models_folder, known.state_folder, keeps=False)
    with closing(RegionNetwork.on_cpu()) as classifier:
        found = [
            {"series": uid, "routes": models.routes(catalogue, headers)}
            for uid, headers in series(chosen.named, known, classifier)
        ]
    if chosen.json:
        print(json.dumps({"series": found, "problems": list(catalogue.problems)}, indent=2))
        return 0
    for each in found:
        print("\n".join(lines(each)), end="\n\n")
    for problem in catalogue.problems:
        print(problem)
    return 0


def series(named: Sequence[str], known: settings.Settings, classifier: Classifier) -> Iterator[tuple[str, Headers]]:
    paths = [name for name in named if Path(name).exists()]
    for name in named:
        if name in paths:
            continue
        if not re.fullmatch(RE_VALID_UID, name):
            raise Wrong(f"{name} is neither a file nor a series UID; name what is there.")
        yield name, stored(name, known, classifier)
    yield from in_files(map(Path, paths), classifier)


def stored(uid: str, known: settings.Settings, classifier: Classifier) -> Headers:
    orthanc = Orthanc(known.orthanc_url, known.authorization())
    found = orthanc.find_series(uid)
    if not found:
        raise Unsuitable(f"There is no series {uid} in the archive; send it or correct its UID.", series_uid=uid)
    return replace(orthanc.headers(found[0]), pixels=Pixels(orthanc, classifier).of(found[0]))


def in_files(paths: Iterable[Path], classifier: Classifier) -> Iterator[tuple[str, Headers]]:
    """By series; in a folder what is no DICOM file is passed over, and one that is named must be."""
    by_series: dict[str, list[tuple[Path, Dataset]]] = {}
    for path in paths:
        inside = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        for file in inside:
            dataset = read(file)
            if dataset is not None:
                by_series.setdefault(str(written(dataset, "SeriesInstanceUID") or ""), []).append((file, dataset))
            elif file == path:
                raise Unsuitable(f"{file} is no DICOM file; name another one.")
    for uid, files in by_series.items():
        headers = of_datasets(dataset for _, dataset in files)
        yield uid, replace(headers, pixels=cache(of_files(files, classifier, uid)))


def read(file: Path) -> Dataset | None:
    try:
        with warnings.catch_warnings(action="ignore"):  # real files are odd, and their headers are only looked at
            return dcmread(file, stop_before_pixels=True)
    except (InvalidDicomError, OSError, EOFError, ValueError, KeyError):
        return None


def lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"series {found['series'] or 'without a UID'}"
    for route in found["routes"]:
        runs = "runs" if route["matches"] else "does not run"
        off = "" if route["switch"] == "on" else f" (switch: {route['switch']})"
        yield f"  {route['model']} {route['version']} {runs}{off}"
        yield from rules(route["rules"], "    ")
        for role, decision in route.get("roles", {}).items():
            whose = " of a later study" if decision["from"] == "prior" else ""
            yield f"    as {role}{whose}: {'fits' if decision['matches'] else 'does not fit'}"
            yield from rules(decision["rules"], "      ")
        yield from (f"    {remark}" for remark in route["remarks"])


def rules(entries: Iterable[dict[str, Any]], indent: str) -> Iterator[str]:
    for entry in entries:
        joins = "rules" in entry
        value = "" if joins else f": {entry['value'] or 'not stated'}"
        yield f"{indent}{MARKS[entry['verdict']]} {entry['rule']}{value}"
        yield from rules(entry.get("rules", ()), indent + "  ")

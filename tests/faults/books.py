"""A node and all that was ever sent to it in, what does not add up out; an empty list when the books balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pydicom.dataset import Dataset

from tests.e2e import results
from tests.e2e.node import Node
from tests.e2e.series import PushedSeries

ONE_EACH = ["SC", "SEG", "SR"]
UNENDED = ("waiting", "running", "retrying")
PROCESSES = {"orthanc": 1, "intake": 1, "worker": 1}


def of_series(node: Node, series: PushedSeries) -> list[str]:
    """Each series is a study of its own, so that its results can be counted by QIDO-RS alone."""
    return [*_of_arrival(node, series), *_of_results(node, series)]


def of_node(node: Node, sent: Sequence[PushedSeries]) -> list[str]:
    return [*_of_studies(node, sent), *_of_jobs(node, sent), *_of_processes(node)]


def _of_arrival(node: Node, series: PushedSeries) -> Iterator[str]:
    held = node.dicomweb().search_for_instances(series.study_uid, series.series_uid)
    missing = set(series.datasets()) - {str(Dataset.from_json(entry).SOPInstanceUID) for entry in held}
    if missing:
        yield f"series {series.series_uid} misses {len(missing)} of {len(series.files)} instances in the archive"
    standing = node.standing(series.series_uid)
    if len(standing) != 1:
        jobs = [(job["state"], job["reason"]) for job in node.jobs(series=series.series_uid)]
        yield f"series {series.series_uid} has {len(standing)} jobs whose results stand, of {jobs}"


def _of_results(node: Node, series: PushedSeries) -> Iterator[str]:
    found = results.search(node.dicomweb(), series.study_uid)
    if results.kinds(found) != ONE_EACH:
        yield f"study {series.study_uid} holds the results {results.kinds(found)}, not one of each"
        return
    segmentation = results.retrieve(node.dicomweb(), series.study_uid)["SEG"]
    for problem in results.misplaced_frames(segmentation, series.datasets()):
        yield f"SEG of series {series.series_uid}: {problem}"


def _of_studies(node: Node, sent: Sequence[PushedSeries]) -> Iterator[str]:
    held = {str(Dataset.from_json(entry).StudyInstanceUID) for entry in node.dicomweb().search_for_studies()}
    for ghost in held - {series.study_uid for series in sent}:
        yield f"study {ghost} was never sent"


def _of_jobs(node: Node, sent: Sequence[PushedSeries]) -> Iterator[str]:
    known = {series.series_uid for series in sent}
    for job in node.jobs():
        if job["state"] in UNENDED:
            yield f"job {job['id']} is still {job['state']}"
        if not known.issuperset(job["series"]):
            yield f"job {job['id']} is on a series that was never sent"


def _of_processes(node: Node) -> Iterator[str]:
    living = Counter(process.role for process in node.processes())
    for role, wanted in PROCESSES.items():
        if living[role] != wanted:
            yield f"there are {living[role]} {role} processes, not {wanted}"
    if living["device"] > 1:
        yield f"there are {living['device']} device processes, one is an orphan"

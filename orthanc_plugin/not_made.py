"""The error that ended a job in, a page that says so stored beside its source out, where a destination asks for it."""

from __future__ import annotations

import logging
from functools import partial
from io import BytesIO

import pydicom
from pydicom.dataset import Dataset

from orthanc_plugin import __version__
from orthanc_plugin.archive.protocol import Archive
from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode.identity import Origin
from orthanc_plugin.encode.lettering import typeface
from orthanc_plugin.encode.results import Result
from orthanc_plugin.encode.status import NOT_RUN, status_page
from orthanc_plugin.encode.syntax import smallest
from orthanc_plugin.errors import NodeError, Temporary, Unsuitable
from orthanc_plugin.jobs.job import STATUS, PlannedResult, Role
from orthanc_plugin.jobs.lease import Lease
from orthanc_plugin.publish import store, unchanged
from orthanc_plugin.record import ordered_at
from orthanc_plugin.routing.catalogue import Catalogue

FAILED = "Failed"
logger = logging.getLogger(__name__)


def tell(lease: Lease, archive: Archive, models: Catalogue, profile: Profile, error: NodeError) -> None:
    """Whatever goes wrong here changes nothing about how the job ends."""
    order = lease.job.order
    if STATUS not in profile.objects or order.shadow or isinstance(error, Temporary):
        return
    try:
        page = page_of(lease, archive, models, profile, error)
        lease.plan((PlannedResult(STATUS, page.SOPInstanceUID, page.SeriesInstanceUID, page.SOPClassUID),))
        lease.await_release(partial(unchanged, archive, order.input_set.roles))
        store(lease, archive, (Result(STATUS, page),))
    except NodeError as problem:
        logger.warning("job %s: no page says how it ended: %s", lease.job.id, problem.sentence)


def page_of(lease: Lease, archive: Archive, models: Catalogue, profile: Profile, error: NodeError) -> Dataset:
    order = lease.job.order
    origin = Origin.of(
        models.model(order.model, order.digest),
        parameters=order.parameters,
        provider="none",
        created_at=ordered_at(lease.job),
        software_version=__version__,
        encoding=f"{profile.encoding} {typeface()}",
    )
    headline = NOT_RUN if isinstance(error, Unsuitable) else FAILED
    page = status_page(headers(archive, order.input_set.roles[0]), origin, error.sentence, headline)
    return smallest(page, profile.transfer_syntaxes)


def headers(archive: Archive, role: Role) -> list[Dataset]:
    """Of the images that the job was for, in the order of their UIDs."""
    files = archive.read(role.series_uid, role.sop_instance_uids)
    read = (pydicom.dcmread(BytesIO(file), stop_before_pixels=True) for file in files)
    return sorted(read, key=lambda header: str(header.SOPInstanceUID))

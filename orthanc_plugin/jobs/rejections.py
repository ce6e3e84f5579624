"""What key objects reject in, the instances of a series that are not to be read out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from orthanc_plugin.jobs.database import Database
from orthanc_plugin.jobs.tables import rejected


class Rejections:
    """Good while the key object is there; images that come after it are rejected as well."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, document_uid: str, document_series_uid: str, instances: Mapping[str, Sequence[str]]) -> None:
        """`instances` are the SOPInstanceUIDs by SeriesInstanceUID; saying it again changes nothing."""
        lines = [
            {
                "document_uid": document_uid,
                "sop_instance_uid": uid,
                "series_uid": series_uid,
                "document_series_uid": document_series_uid,
            }
            for series_uid, uids in instances.items()
            for uid in uids
        ]
        if not lines:
            return
        with self._database.write() as connection:
            connection.execute(self._database.insert(rejected).on_conflict_do_nothing(), lines)

    def of_series(self, series_uid: str) -> frozenset[str]:
        question = sa.select(rejected.c.sop_instance_uid).where(rejected.c.series_uid == series_uid)
        with self._database.read() as connection:
            return frozenset(connection.execute(question).scalars())

    def lift(self, document_series_uid: str) -> tuple[str, ...]:
        """The key objects of a series went; answers which series they had rejected instances of."""
        of_it = rejected.c.document_series_uid == document_series_uid
        with self._database.write() as connection:
            series = connection.execute(sa.select(rejected.c.series_uid).where(of_it).distinct()).scalars().all()
            if series:
                connection.execute(sa.delete(rejected).where(of_it))
        return tuple(sorted(series))

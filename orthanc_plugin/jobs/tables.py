"""The ledger's tables; `migrations/` makes them, a test holds the two together."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa


class Moment(sa.types.TypeDecorator[datetime]):
    """A point in time, written in UTC since SQLite keeps no zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


metadata = sa.MetaData()

# A set without jobs is what the retention leaves of ended ones, so that nothing old is done anew.
input_sets = sa.Table(
    "input_sets",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    sa.Column("study_uid", sa.String(64), nullable=False, index=True),
)

# `instances` holds the SOPInstanceUIDs, one a line, deflated: thousands a series, a fifth of the size.
roles = sa.Table(
    "roles",
    metadata,
    sa.Column("input_set", sa.Integer, sa.ForeignKey("input_sets.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("series_uid", sa.String(64), nullable=False, index=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("instances", sa.LargeBinary, nullable=False),
)

# `attempt` is the number of the attempt whose turn it is, `begun` how many began; `fence` grows with each change.
jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("input_set", sa.Integer, sa.ForeignKey("input_sets.id"), nullable=False),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("parameters", sa.Text, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("released", sa.Boolean, nullable=False),
    sa.Column("limit_s", sa.Float),
    sa.Column("remarks", sa.Text, nullable=False, server_default="[]"),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("replaced", sa.Boolean, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("begun", sa.Integer, nullable=False),
    sa.Column("deaths", sa.Integer, nullable=False),
    sa.Column("setbacks", sa.Integer, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("worker", sa.String(32)),
    sa.Column("timings", sa.Text, nullable=False),
    sa.Column("record", sa.Text),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("due_at", Moment),
    sa.Column("started_at", Moment),
    sa.Column("finished_at", Moment),
    sa.UniqueConstraint("input_set", "digest", "parameters", name="one_job_for_one_order"),
    sa.Index("jobs_by_state", "state", "number"),
    sa.Index("jobs_by_worker", "worker"),
    sqlite_autoincrement=True,
)

# `stored` while the archive holds it; `superseded` when a later result took its place and it was left there.
results = sa.Table(
    "results",
    metadata,
    sa.Column("job", sa.Integer, sa.ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("sop_instance_uid", sa.String(64), primary_key=True),
    sa.Column("series_instance_uid", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("stored", sa.Boolean, nullable=False),
    sa.Column("was_there", sa.Boolean, nullable=False),
    sa.Column("sop_class_uid", sa.String(64), nullable=False, server_default=""),
    sa.Column("sha256", sa.String(64), nullable=False, server_default=""),
    sa.Column("superseded", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("results_by_uid", "sop_instance_uid"),
)

# Images and results that a key object rejects; `document_uid` is the key object's own.
rejected = sa.Table(
    "rejected",
    metadata,
    sa.Column("document_uid", sa.String(64), primary_key=True),
    sa.Column("sop_instance_uid", sa.String(64), primary_key=True),
    sa.Column("series_uid", sa.String(64), nullable=False, index=True),
    sa.Column("document_series_uid", sa.String(64), nullable=False, index=True),
)

# One row a life of a worker process: `here` and `process` tell another process on the same host whether it still lives.
workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("here", sa.String(128), nullable=False),
    sa.Column("process", sa.String(64), nullable=False),
    sa.Column("beats", sa.Integer, nullable=False),
    sa.Column("enrolled_at", Moment, nullable=False),
)

kept = sa.Table(
    "kept",
    metadata,
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

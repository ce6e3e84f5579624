"""What each job's results were made from, what became of them, and which images were rejected."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("record", sa.Text))
    op.add_column("results", sa.Column("sop_class_uid", sa.String(64), nullable=False, server_default=""))
    op.add_column("results", sa.Column("sha256", sa.String(64), nullable=False, server_default=""))
    op.add_column("results", sa.Column("superseded", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "rejected",
        sa.Column("document_uid", sa.String(64), primary_key=True),
        sa.Column("sop_instance_uid", sa.String(64), primary_key=True),
        sa.Column("series_uid", sa.String(64), nullable=False),
        sa.Column("document_series_uid", sa.String(64), nullable=False),
    )
    op.create_index("ix_rejected_series_uid", "rejected", ["series_uid"])
    op.create_index("ix_rejected_document_series_uid", "rejected", ["document_series_uid"])

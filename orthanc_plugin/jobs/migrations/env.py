"""Alembic's door: runs the revisions on the connection that `jobs.database` hands over, inside its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()

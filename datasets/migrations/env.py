"""Alembic's entry: runs the revisions on the connection that `datasets.migrate` hands over."""

from alembic import context

from datasets.tables import ledger

context.configure(connection=context.config.attributes["connection"], target_metadata=ledger)
with context.begin_transaction():
    context.run_migrations()

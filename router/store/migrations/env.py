"""Alembic's entry: runs on the connection that `router.store.upgrade` or a test hands over."""

from alembic import context

from router.store.outsidetables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()

"""Alembic's entry: runs the migrations on the connection that the caller opened."""  # noqa: INP001

from alembic import context

config = context.config
context.configure(
    connection=config.attributes["connection"],
    target_metadata=config.attributes.get("metadata"),
    transactional_ddl=False,
)
context.run_migrations()

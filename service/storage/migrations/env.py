"""Runs migrations on the connection that `service.storage.database` gives, inside its transaction."""

from alembic import context

from service.storage import clip_tables, labelling_tables, listening_tables  # noqa: F401  register their tables
from service.storage.tables import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    compare_type=True,
    transactional_ddl=True,  # also on SQLite: what is killed half-way has changed nothing
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()

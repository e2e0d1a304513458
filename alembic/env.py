"""Run migrations on the connection the product hands over; `mailer db upgrade` is the way in."""

from alembic import context

from mailer.store.schema import Base

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Run migrations with: mailer db upgrade")

context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    transactional_ddl=True,
    # SQLite cannot alter a table in place: Alembic copies it.
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()

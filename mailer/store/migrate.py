"""Bring a database to this version's schema, and refuse to start on any other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from mailer.bundled import bundled
from mailer.store.engine import Store
from mailer.store.errors import SchemaOutdated

if TYPE_CHECKING:
    from alembic.config import Config

# Any constant will do, as long as every upgrade of one database uses the same.
_ADVISORY_LOCK = 0x6D696772


def newest_revision() -> str:
    """The revision this version of the product works with."""
    # By the names of the files, which begin with it: every start asks, and the library takes 0.1 s to load.
    newest = max(path.name for path in (bundled("alembic") / "versions").glob("[0-9]*.py"))
    return newest.partition("_")[0]


def current_revision(store: Store) -> str | None:
    """The revision of the database; None for an empty one."""
    with store.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return revision


def upgrade(store: Store, revision: str = "head") -> None:
    """Apply migrations upwards, one host at a time, in one transaction."""
    from alembic import command

    with _migrating(store) as config:
        command.upgrade(config, revision)


def downgrade(store: Store, revision: str) -> None:
    """Apply migrations downwards to `revision` ("base" for an empty database)."""
    from alembic import command

    with _migrating(store) as config:
        command.downgrade(config, revision)


def require_current(store: Store) -> None:
    """Create the schema in an empty database; raise SchemaOutdated on a foreign revision."""
    found, wanted = current_revision(store), newest_revision()
    if found == wanted:
        return
    if found is None and _is_empty(store):
        upgrade(store)
        return
    raise SchemaOutdated(
        f"The database is at schema {found or 'unknown'}, this version of mailer needs {wanted}. "
        "Make a copy of it, then run: mailer db upgrade",
        found=found,
        wanted=wanted,
    )


def _is_empty(store: Store) -> bool:
    with store.read() as connection:
        return not inspect(connection).get_table_names()


@contextmanager
def _migrating(store: Store) -> Iterator[Config]:
    with store.write() as connection:
        if not store.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        yield _config(connection)


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(bundled("alembic")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config

"""The schema comes from migrations; they go up and down and equal the models, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from mailer.bundled import bundled
from mailer.store import SchemaOutdated, Store, migrate, open_store
from mailer.store.schema import Base


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def empty_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database without a single table."""
    if request.param == "sqlite":
        url = "sqlite:///empty.db"
    else:
        shared = request.getfixturevalue("postgresql_url")
        admin = create_engine(shared, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS empty WITH (FORCE)"))
            connection.execute(text("CREATE DATABASE empty"))
        admin.dispose()
        url = shared.rsplit("/", 1)[0] + "/empty"
    store = open_store(url, root=tmp_path)
    yield store
    store.dispose()


def _tables(store: Store) -> set[str]:
    with store.read() as connection:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}


def test_the_migrations_make_exactly_the_tables_of_the_models(empty_store: Store) -> None:
    migrate.upgrade(empty_store)
    with empty_store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_down_leaves_nothing_and_up_works_again(empty_store: Store) -> None:
    migrate.upgrade(empty_store)
    migrate.downgrade(empty_store, "base")
    assert _tables(empty_store) == set()
    migrate.upgrade(empty_store)
    assert _tables(empty_store) == set(Base.metadata.tables)


def test_an_empty_database_gets_its_schema_at_the_first_start(empty_store: Store) -> None:
    migrate.require_current(empty_store)
    assert migrate.current_revision(empty_store) == migrate.newest_revision()


def test_a_start_on_another_schema_says_so_and_how_to_upgrade(empty_store: Store) -> None:
    migrate.upgrade(empty_store)
    with empty_store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(SchemaOutdated, match="at schema 0000.*run: mailer db upgrade"):
        migrate.require_current(empty_store)


def test_a_database_of_something_else_is_not_taken_over(empty_store: Store) -> None:
    with empty_store.write() as connection:
        connection.execute(text("CREATE TABLE invoices (id INTEGER)"))
    with pytest.raises(SchemaOutdated, match="at schema unknown"):
        migrate.require_current(empty_store)
    assert _tables(empty_store) == {"invoices"}


def test_a_failed_migration_changes_nothing(empty_store: Store) -> None:
    with empty_store.write() as connection:
        connection.execute(text("CREATE TABLE workers (id INTEGER)"))  # the migration will trip over it
    with pytest.raises(Exception, match="workers"):
        migrate.upgrade(empty_store)
    assert _tables(empty_store) == {"workers"}


def test_the_newest_revision_by_file_names_is_the_head_of_the_chain() -> None:
    """One chain, named in order; the library that knows is loaded for a migration only."""
    script = ScriptDirectory(str(bundled("alembic")))
    assert script.get_heads() == [migrate.newest_revision()]
    assert [each.revision for each in script.walk_revisions()] == sorted(
        (path.name.partition("_")[0] for path in (bundled("alembic") / "versions").glob("[0-9]*.py")),
        reverse=True,
    )

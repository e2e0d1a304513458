"""What every test may lean on: a real store on both databases, a site folder, its settings and secrets."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest
from sqlalchemy import create_engine, text

from mailer.audit import Ledger
from mailer.keyring import Secrets, create_secrets
from mailer.settings import Settings, load_settings
from mailer.site import SiteFolder
from mailer.store import Store, migrate, open_store
from tests.postgres import find_binaries, running_postgres
from tests.real import require_real

# In CI a law is tried on the same examples each time: a red build then always means a changed tree.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")

#: The cast: Ada confirmed long ago, Bob never confirmed, Cleo left, Dan complained.
SETTINGS = """
[site]
name = "Ohm & Volt"
legal_name = "Ohm & Volt Electronics GmbH"
base_url = "http://127.0.0.1:8025"
postal_address = "Lötstraße 12, 10115 Berlin, Germany"
privacy_contact = "privacy@shop.example"
language = "en"

[smtp.main]
host = "127.0.0.1"
port = 2525
tls = "none"

[sending]
return_path = "bounce@bounce.shop.example"

[lists.weekly]
title = "Ohm & Volt Weekly"
from = "Ohm & Volt <news@shop.example>"
list_id = "weekly.lists.shop.example"
description = "New parts, clearance stock and one circuit worth building."
frequency = "every Friday"

[lists.clearance]
title = "Clearance bin"
from = "Ohm & Volt <news@shop.example>"
list_id = "clearance.lists.shop.example"
description = "What leaves the shelves for good."
frequency = "once a month"

[fields.first_name]
type = "text"
default = ""
columns = ["First Name", "FNAME"]

[fields.country]
type = "text"
default = ""
columns = ["Country"]
"""


@pytest.fixture
def site_folder(tmp_path: Path) -> SiteFolder:
    """A site as staff would have it: settings, secrets, an empty campaigns folder."""
    root = tmp_path / "site"
    root.mkdir()
    folder = SiteFolder(root)
    folder.settings_path.write_text(SETTINGS, encoding="utf-8")
    folder.campaigns.mkdir()
    create_secrets(folder.secrets_path)
    return folder


@pytest.fixture
def settings(site_folder: SiteFolder) -> Settings:
    """The settings of the site folder, no environment in the way."""
    return load_settings(site_folder.settings_path, {})


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    """Fresh keys."""
    return create_secrets(tmp_path / "keys.toml")


@pytest.fixture
def ledger(secrets: Secrets) -> Ledger:
    """The writing end of the ledger, with those keys."""
    return Ledger(secrets)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database; tests copy it instead of migrating each time."""
    root = tmp_path_factory.mktemp("sqlite")
    store = open_store("sqlite:///template.db", root=root)
    migrate.upgrade(store)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.dispose()
    return root / "template.db"


@pytest.fixture
def sqlite_store(tmp_path: Path, _sqlite_template: Path) -> Iterator[Store]:
    """An empty, migrated SQLite store in a file."""
    (tmp_path / "data").mkdir(mode=0o700)
    shutil.copy(_sqlite_template, tmp_path / "data" / "mailer.db")
    store = open_store("sqlite:///data/mailer.db", root=tmp_path)
    yield store
    store.dispose()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of a migrated database in a cluster of this test run's own."""
    require_real("postgresql", found=find_binaries() is not None)
    # Not below pytest's own folder: that one is closed to PostgreSQL's user.
    with TemporaryDirectory(prefix="mailer-postgresql-") as folder, running_postgres(Path(folder)) as url:
        store = open_store(url, root=Path("/"))
        migrate.upgrade(store)
        store.dispose()
        yield url


@pytest.fixture
def postgresql_store(postgresql_url: str, tmp_path: Path) -> Iterator[Store]:
    """A migrated PostgreSQL store, emptied of what the test before left."""
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        names = connection.scalars(
            text(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            )
        ).all()
        connection.execute(text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE"))
    engine.dispose()
    store = open_store(postgresql_url, root=tmp_path)
    yield store
    store.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def store(request: pytest.FixtureRequest) -> Store:
    """The same test on both databases."""
    opened: Store = request.getfixturevalue(f"{request.param}_store")
    return opened

"""A site with people on its list: made once per size and database, copied for each measurement."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Literal

from sqlalchemy import create_engine

from benchmarks.relay import relay_port
from mailer.application import Site, open_site
from mailer.audit import seal
from mailer.subscribers.importing import Declaration, ImportOptions
from tests.postgres import find_binaries, running_postgres

Database = Literal["SQLite", "PostgreSQL"]
SLUG = "bench"
#: What staff would write: a campaign of 10 to 12 KB on the wire, and its layout.
OWN_FILES = Path(__file__).parent / "site"
_ending = ExitStack()
atexit.register(_ending.close)
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Stage:
    """A site's folder, and the environment that its commands run in."""

    root: Path
    environ: Mapping[str, str]
    database: Database

    def open(self) -> Site:
        """The site, in this process."""
        return open_site(self.root, self.environ)

    def start(self, *words: str, before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """A `mailer` command of this site as an own process; `before` goes in front of it."""
        command = [*before, sys.executable, "-m", "mailer", *words]
        return subprocess.Popen(command, cwd=self.root, env=dict(self.environ), stdout=subprocess.DEVNULL)

    def twin(self) -> Stage:
        """A second host of the same site: own folder and journals, the same secrets and database."""
        root = scratch() / f"site-{next(_numbers)}"
        shutil.copytree(self.root, root)
        return replace(self, root=root)


def stage(database: Database, people: int, *, connections: int) -> Stage:
    """A fresh copy of the site with so many confirmed people; senders use so many connections."""
    made, root = _prepared(database, people), scratch() / f"site-{next(_numbers)}"
    shutil.copytree(made.root, root)
    environ = {**made.environ, "MAILER_SENDING__CONNECTIONS": str(connections)}
    if database == "PostgreSQL":
        copy = f"run_{next(_numbers)}"
        _maintain(
            f"CREATE DATABASE {copy} TEMPLATE {_people_database(people)} STRATEGY file_copy", "CHECKPOINT"
        )
        environ["MAILER_DATABASE__URL"] = _database_url(copy)
    return Stage(root, environ, database)


def drop(used: Stage) -> None:
    """Remove a stage that was measured, so that the disk does not fill."""
    shutil.rmtree(used.root, ignore_errors=True)
    if used.database == "PostgreSQL":
        name = used.environ["MAILER_DATABASE__URL"].rpartition("/")[2]
        _maintain(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def has_postgres() -> bool:
    """Whether PostgreSQL is installed."""
    return find_binaries() is not None


@cache
def postgres_url() -> str:
    """The maintenance database of a cluster of our own, as PostgreSQL is by default: fsync and all."""
    return _ending.enter_context(running_postgres(scratch() / "postgres", durable=True))


@cache
def postgres_pid() -> int:
    """The server's first process; all others descend from it."""
    postgres_url()
    return int((scratch() / "postgres/cluster/postmaster.pid").read_text().split("\n")[0])


@cache
def scratch() -> Path:
    """A folder for this run, removed at its end."""
    path = Path(_ending.enter_context(tempfile.TemporaryDirectory(prefix="mailer-bench-")))
    path.chmod(0o711)  # PostgreSQL runs as another user, in a folder of its own below
    return path


@cache
def _prepared(database: Database, people: int) -> Stage:
    root = scratch() / f"people-{database}-{people}"
    # The commands run in the site's folder, and are those of this tree.
    tree = {"PYTHONPATH": str(Path(__file__).parents[1])}
    environ = {**os.environ, **tree, "MAILER_SMTP__MAIN__PORT": str(relay_port())}
    if database == "PostgreSQL":
        _maintain(f"CREATE DATABASE {_people_database(people)}")
        environ["MAILER_DATABASE__URL"] = _database_url(_people_database(people))
    command = [sys.executable, "-m", "mailer", "init", str(root)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environ)
    (root / "campaigns" / SLUG).mkdir()
    shutil.copy(OWN_FILES / "campaign.md", root / "campaigns" / SLUG)
    shutil.copy(OWN_FILES / "small.mjml", root / "templates" / "email")
    made = Stage(root, environ, database)
    _fill(made, people)
    return made


def _fill(made: Stage, people: int) -> None:
    path, site = people_file(made.root / "people.csv", range(people)), made.open()
    site.imports.run(path, "news", options=ImportOptions(declaration=Declaration(by="the bench")))
    # A site that sends has sealed what was imported long ago.
    seal(site.store, site.secrets, site.head_path)
    site.close()
    path.unlink()


def people_file(path: Path, numbers: range) -> Path:
    """Write people with evidence of consent as another tool exports them."""
    with path.open("w") as file:
        file.write("Email,First Name,Confirmed at,Confirm IP\n")
        file.writelines(f"reader{n}@d{n % 50}.example,Reader {n},2024-03-01,192.0.2.7\n" for n in numbers)
    return path


def _people_database(people: int) -> str:
    return f"people_{people}"


def _database_url(name: str) -> str:
    return postgres_url().rpartition("/")[0] + f"/{name}"


def _maintain(*statements: str) -> None:
    engine = create_engine(postgres_url(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()

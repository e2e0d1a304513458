"""A real PostgreSQL for the tests: its own cluster in a temporary folder, on a free loopback port."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql")


def find_binaries() -> Path | None:
    """The newest installed PostgreSQL's folder of programs, or None."""
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    found = shutil.which("initdb")
    return Path(found).parent if found else None


@contextmanager
def running_postgres(folder: Path, *, durable: bool = False) -> Iterator[str]:
    """Start a cluster below `folder`; yields the URL of its maintenance database.

    Tests need no disk behind it; `durable` leaves all as PostgreSQL is by default.
    """
    binaries = find_binaries()
    assert binaries is not None
    data, port = folder / "cluster", _free_port()
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        _hand_to_postgres(folder)
    _run(
        str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"
    )
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c max_connections=200"
    )
    if not durable:
        options += " -c fsync=off -c full_page_writes=off"
    _run(str(binaries / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
    finally:
        _run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")


def _hand_to_postgres(folder: Path) -> None:
    """PostgreSQL refuses to run as root: the folder becomes its own user's."""
    owner = pwd.getpwnam("postgres")
    os.chown(folder, owner.pw_uid, owner.pw_gid)


def _run(*command: str) -> None:
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*as_postgres, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

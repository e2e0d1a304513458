"""A site at work: the server and `mailer work` in processes of their own, told to misbehave, killed, looked at."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from mailer.application import Site, open_site
from mailer.site import SiteFolder
from mailer.store import StoreBusy
from mailer.store.schema import Campaign, Delivery, Subscriber, Subscription, Worker
from mailer.store.vocabulary import DeliveryState
from mailer.tokens import LinkClaim, Purpose, sign_link
from tests.faults import sites
from tests.faults.script import Script, as_json
from tests.faults.taken import Accepted, Turned, read_book, read_log

ROOT = Path(__file__).parents[2]
PATCHED = Path(__file__).parent / "patched"
WAITING = (DeliveryState.QUEUED, DeliveryState.ATTEMPTING, DeliveryState.DEFERRED)


@dataclass
class RunningSite:
    """One site on disk, and the processes around it."""

    root: Path
    port: int
    url: str | None = None  #: of a PostgreSQL database
    people: int = 100
    names: Sequence[str] | None = None  #: local parts; default: p0000 and so on
    fields: Mapping[str, str] = field(default_factory=dict)  #: unusual first names
    sending: str = ""  #: further lines of [sending]
    relay: str = 'tls = "none"'  #: how to talk to the server
    workers: int = 2  #: sender processes of one `mailer work`
    connections: int = 4  #: of one `mailer work`
    patches: dict[str, Any] = field(default_factory=dict)  #: see patched/sitecustomize.py
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    server: subprocess.Popen[bytes] | None = None
    orphans: set[int] = field(default_factory=set)  #: sender processes that may outlive their parent

    @property
    def log(self) -> Path:
        """What the server accepted."""
        return self.root / "accepted.jsonl"

    def log_of(self, port: int | None) -> Path:
        """The same of the server at this port; None: of the first one."""
        return self.log if port is None else self.root / f"accepted-{port}.jsonl"

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the workers."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
        path = f"{PATCHED}{os.pathsep}{ROOT}"
        return plain | {"PYTHONPATH": path, "MAILER_FAULTS": json.dumps(self.patches)} | self.database

    @property
    def database(self) -> dict[str, str]:
        """Where the data is, as the environment says it."""
        return sites.environ_of(self.url)

    def build(self) -> RunningSite:
        """Write the site, its people and a campaign that is due now."""
        names = list(self.names) if self.names is not None else sites.plain_names(self.people)
        self.people = len(names)
        sites.build_site(self.root, names, url=self.url, fields=self.fields)
        return self.configure()

    def configure(self) -> RunningSite:
        """Write the settings as this test wants them."""
        sending = f"connections = {self.connections}\n{self.sending}"
        settings = sites.settings_text(self.port, sending=sending, relay=self.relay)
        SiteFolder(self.root).settings_path.write_text(settings)
        return self

    @contextlib.contextmanager
    def open(self) -> Iterator[Site]:
        """The site, seen from the test."""
        site = open_site(self.root, self.database)
        try:
            yield site
        finally:
            site.close()

    # --- processes ------------------------------------------------------------------------

    def start_server(
        self,
        rules: Sequence[dict[str, Any]] = (),
        *,
        delay: float = 0.0,
        script: Script | None = None,
        refuse: bool = False,
        port: int | None = None,
    ) -> subprocess.Popen[bytes]:
        """The scripted server, until the test ends; with a port of its own it is a further one."""
        plain = as_json(script or Script())
        plain |= {"rules": [*plain["rules"], *rules]}
        if script is None:
            plain |= {"delay_seconds": delay}
        command = [sys.executable, "-m", "tests.faults.serve", "--port", str(port or self.port)]
        command += ["--log", str(self.log_of(port)), "--script", json.dumps(plain)] + ["--refuse"] * refuse
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        pipe = subprocess.PIPE
        server = subprocess.Popen(command, cwd=ROOT, env=environ, stdin=pipe, stdout=pipe)
        self.processes.append(server)
        if port is None:
            self.server = server
        assert server.stdout is not None
        assert server.stdout.readline(), "the server did not start"
        return server

    def order(self, server: subprocess.Popen[bytes] | None = None, **order: Any) -> dict[str, Any]:
        """Tell the server something; returns what it has seen so far."""
        server = server or self.server
        assert server is not None
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(order).encode() + b"\n")
        server.stdin.flush()
        seen: dict[str, Any] = json.loads(server.stdout.readline())
        return seen

    def start_worker(self, *, root: Path | None = None) -> subprocess.Popen[bytes]:
        """`mailer work`, as a user runs it; `root`: from another folder of the same site."""
        with (self.root / "work.log").open("ab") as log:
            command = [sys.executable, "-m", "mailer", "work", "--workers", str(self.workers)]
            command += ["--site", str(root or self.root)]
            worker = subprocess.Popen(command, env=self.environ, stdout=log, stderr=log)
        self.processes.append(worker)
        return worker

    def senders(self, worker: subprocess.Popen[bytes]) -> list[int]:
        """The sender processes below a `mailer work`, as the workers table and the system agree."""
        children = children_of(worker.pid)
        self.orphans.update(children)
        with self.open() as site, site.store.read() as connection:
            pids = set(connection.scalars(select(Worker.pid).where(Worker.stopped_at.is_(None))))
        return sorted(pids & {worker.pid, *children})

    def end(self) -> None:
        """Kill what still runs; these processes are ours."""
        for process in self.processes:
            if process.poll() is None:
                self.orphans.update(children_of(process.pid))
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        for pid in self.orphans:
            if is_ours(pid, self.root):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    # --- looking --------------------------------------------------------------------------

    @property
    def accepted(self) -> list[Accepted]:
        """What the first server took."""
        return read_log(self.log)

    @property
    def book(self) -> list[Accepted | Turned]:
        """All that the servers wrote down."""
        books = [read_book(path) for path in sorted(self.root.glob("accepted*.jsonl"))]
        return books[0] if len(books) == 1 else sorted(itertools.chain(*books), key=lambda entry: entry.at)

    @property
    def taken(self) -> int:
        """How many messages the server took, without reading them."""
        return int(self.order()["taken"])

    def work_log(self) -> str:
        """What the workers said."""
        path = self.root / "work.log"
        return path.read_text() if path.exists() else ""

    def rows(self) -> list[Any]:
        """Every delivery with its address."""
        with self.open() as site, site.store.read() as connection:
            return list(
                connection.execute(
                    select(Delivery.__table__, Subscriber.email)
                    .join(Subscription, Subscription.id == Delivery.subscription_id)
                    .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
                    .order_by(Delivery.id)
                )
            )

    def counts(self) -> dict[str, int]:
        """Deliveries per state, and who is not yet written out as 'unwritten'; law 1 in one snapshot."""
        with self.open() as site, site.store.read() as connection:
            found = connection.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
            counts = {state.value: count for state, count in found}
            audience = connection.scalar(select(Campaign.audience_count))
        counts["unwritten"] = (self.people if audience is None else audience) - sum(counts.values())
        return counts

    def has_begun(self) -> bool:
        """Whether the audience is fixed; whoever leaves before is not in it."""
        with self.open() as site, site.store.read() as connection:
            return connection.scalar(select(Campaign.audience_count)) is not None

    def tokens(self) -> dict[str, str]:
        """The unsubscribe token of everybody, by address, as in the mail of the campaign."""
        with self.open() as site, site.store.read() as connection:
            campaign = connection.scalars(select(Campaign.tag)).first() or b""
            people = connection.execute(
                select(Subscriber.email, Subscription.tag).join(
                    Subscription, Subscription.subscriber_id == Subscriber.id
                )
            )
            return {
                row.email: sign_link(site.tokens, Purpose.UNSUBSCRIBE, LinkClaim(row.tag, campaign))
                for row in people
            }

    def freeze(self, pid: int) -> None:
        """Suspend a process, but not while it holds SQLite's one write lock: then nobody could go on."""
        for _ in range(100):
            os.kill(pid, signal.SIGSTOP)
            try:
                with self.open() as site, site.store.write(patience_seconds=1.0):
                    return
            except StoreBusy:
                os.kill(pid, signal.SIGCONT)
                time.sleep(0.05)
        raise AssertionError("the lock was never free")

    def journals(self) -> list[str]:
        """Journal folders of workers that have not stopped cleanly."""
        with self.open() as site, site.store.read() as connection:
            return list(connection.scalars(select(Worker.journal).where(Worker.stopped_at.is_(None))))

    def unburied(self) -> list[int]:
        """Dead senders whose journal nobody has read yet."""
        with self.open() as site, site.store.read() as connection:
            pids = connection.scalars(select(Worker.pid).where(Worker.stopped_at.is_(None))).all()
        return [pid for pid in pids if not is_ours(pid, self.root)]

    def settled(self) -> bool:
        """Whether every delivery of the audience has come to its end."""
        return self.waiting() == 0

    def waiting(self) -> int:
        """How many of the audience have not come to their end."""
        counts = self.counts()
        return counts["unwritten"] + sum(counts.get(state.value, 0) for state in WAITING)

    def wait(self, condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
        """Poll until it holds; fail with the workers' log."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"it did not happen in time; {self.counts()}; the workers said:\n{self.work_log()[-4000:]}"
                )
            time.sleep(0.05)


def free_port() -> int:
    """A port that nobody uses, out of reach of the system's own choices for outgoing connections."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def children_of(pid: int) -> list[int]:
    """The processes that `pid` has forked and that still are."""
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def is_ours(pid: int, root: Path) -> bool:
    """Whether this process still is one that works on the site at `root`."""
    with contextlib.suppress(OSError):
        return str(root).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9, and wait until it is gone."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def kill_all(site: RunningSite, process: subprocess.Popen[bytes]) -> None:
    """kill -9 of a `mailer work` and all below it, at once."""
    pids = children_of(process.pid)
    site.orphans.update(pids)
    kill(process)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while any(is_ours(pid, site.root) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)


def stop(process: subprocess.Popen[bytes], *, seconds: float = 20.0) -> int:
    """SIGTERM, as systemd does; returns the exit code."""
    process.send_signal(signal.SIGTERM)
    return process.wait(seconds)

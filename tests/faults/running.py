"""A site with a campaign that is due, a server and workers in processes of their own, and what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from mailer import clock
from mailer.addresses import parse_address
from mailer.application import Site, open_site
from mailer.keyring import address_hash, create_secrets
from mailer.site import SiteFolder
from mailer.store import migrate, open_store
from mailer.store.schema import Delivery, MailingList, Subscriber, Subscription, Worker
from mailer.store.vocabulary import DeliveryState, SubscriptionState
from tests.conftest import SETTINGS
from tests.faults.smtp_server import Accepted, read_log

ROOT = Path(__file__).parents[2]
CAMPAIGN = """\
---
subject: "Resistors are back, {{ subscriber.first_name | default('friend') }}"
preheader: All values of the E24 series.
list: weekly
---
# Resistors are back

Hello {{ subscriber.first_name | default("friend") }}, all values of the E24 series are in stock again.

[See the shelf](http://127.0.0.1:8025/shelf)
"""


@dataclass
class RunningSite:
    """One site on disk, and the processes around it."""

    root: Path
    port: int
    url: str | None = None  #: of a PostgreSQL database
    people: int = 100
    sending: str = ""  #: further lines of [sending]
    relay: str = 'tls = "none"'  #: how to talk to the server
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """What the server accepted."""
        return self.root / "accepted.jsonl"

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the workers."""
        extra = {"MAILER_DATABASE__URL": self.url} if self.url else {}
        return {**os.environ, "PYTHONPATH": str(ROOT)} | extra

    def build(self) -> RunningSite:
        """Write the site, its people and a campaign that is due now."""
        folder = SiteFolder(self.root)
        settings = SETTINGS.replace("port = 2525", f"port = {self.port}")
        settings = settings.replace('tls = "none"', self.relay)
        settings = settings.replace("[sending]\n", f"[sending]\n{self.sending}\n")
        folder.settings_path.write_text(settings)
        create_secrets(folder.secrets_path)
        (folder.campaigns / "parts").mkdir(parents=True)
        (folder.campaigns / "parts" / "campaign.md").write_text(CAMPAIGN)
        store = open_store(self.url or "sqlite:///data/mailer.db", root=self.root)
        if not self.url:
            migrate.upgrade(store)
        store.dispose()
        with self.open() as site:
            self._add_people(site)
            site.campaigns.schedule("parts", "now", expect=self.people)
        return self

    @contextlib.contextmanager
    def open(self) -> Iterator[Site]:
        """The site, seen from the test."""
        site = open_site(self.root, self.environ)
        try:
            yield site
        finally:
            site.close()

    def _add_people(self, site: Site) -> None:
        now = clock.now()
        with site.store.write() as connection:
            list_id = connection.execute(
                select(MailingList.id).where(MailingList.name == "weekly")
            ).scalar_one()
            for number in range(self.people):
                address = parse_address(f"p{number:04}@example.net")
                person = connection.execute(
                    insert(Subscriber)
                    .values(
                        email=str(address),
                        email_key=address.key,
                        email_hash=address_hash(site.secrets, address),
                        domain=address.domain,
                        language="en",
                        fields={"first_name": f"Ada{number}"},
                        created_at=now,
                        updated_at=now,
                    )
                    .returning(Subscriber.id)
                ).scalar_one()
                connection.execute(
                    insert(Subscription).values(
                        subscriber_id=person,
                        list_id=list_id,
                        tag=os.urandom(16),
                        state=SubscriptionState.CONFIRMED,
                        source="form",
                        requested_at=now,
                        confirmed_at=now,
                    )
                )

    # --- processes ------------------------------------------------------------------------

    def start_server(self, rules: Sequence[dict[str, Any]] = (), *, delay: float = 0.0) -> None:
        """The scripted server, until the test ends."""
        command = [sys.executable, "-m", "tests.faults.smtp_server", "--port", str(self.port)]
        command += ["--log", str(self.log), "--rules", json.dumps(list(rules)), "--delay", str(delay)]
        server = subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=subprocess.PIPE)
        self.processes.append(server)
        assert server.stdout is not None
        assert server.stdout.readline()

    def start_worker(self) -> subprocess.Popen[bytes]:
        """`mailer work`, as a user runs it."""
        with (self.root / "work.log").open("ab") as log:
            command = [sys.executable, "-m", "mailer", "work", "--site", str(self.root)]
            worker = subprocess.Popen(command, env=self.environ, stdout=log, stderr=log)
        self.processes.append(worker)
        return worker

    def end(self) -> None:
        """Kill what still runs; these processes are ours."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    # --- looking --------------------------------------------------------------------------

    @property
    def accepted(self) -> list[Accepted]:
        """What the server took."""
        return read_log(self.log)

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

    def journals(self) -> list[str]:
        """Journal folders of workers that have not stopped cleanly."""
        with self.open() as site, site.store.read() as connection:
            return list(connection.scalars(select(Worker.journal).where(Worker.stopped_at.is_(None))))

    def settled(self) -> bool:
        """Whether every delivery of the audience has come to its end."""
        rows = self.rows()
        waiting = {DeliveryState.QUEUED, DeliveryState.ATTEMPTING, DeliveryState.DEFERRED}
        return len(rows) == self.people and not any(row.state in waiting for row in rows)

    def wait(self, condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
        """Poll until it holds; fail with the workers' log."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"it did not happen in time; the workers said:\n{self.work_log()[-4000:]}"
                )
            time.sleep(0.05)

    def check_conservation(self, *, unknown: int) -> Counter[str]:
        """Laws 1 and 2: nobody twice, nobody lost, at most so many in doubt. Returns the states."""
        rows = self.rows()
        assert len(rows) == self.people
        copies = Counter(message.recipient for message in self.accepted)
        assert [name for name, count in copies.items() if count > 1] == []
        states = Counter(row.state.value for row in rows)
        assert states["unknown"] <= unknown, states
        for row in rows:
            if row.state is DeliveryState.ACCEPTED:
                assert copies[row.email] == 1, f"{row.email} is accepted, but the server never saw it"
            elif row.state is not DeliveryState.UNKNOWN:
                assert copies[row.email] == 0, f"{row.email} is {row.state}, but the server took it"
        return states


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9, and wait until it is gone."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def stop(process: subprocess.Popen[bytes], *, seconds: float = 15.0) -> int:
    """SIGTERM, as systemd does; returns the exit code."""
    process.send_signal(signal.SIGTERM)
    return process.wait(seconds)

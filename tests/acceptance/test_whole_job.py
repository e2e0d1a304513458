"""The main job with real parts only: `mailer init`, `mailer up`, a real Postfix, on both databases.

Somebody signs up and confirms by the link in the mail that Postfix stored, the old tool's CSV is
imported, a campaign leaves, one reader goes with one click, and the next campaign passes them by.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from mailer.demo.stage import free_ports
from mailer.demo.visitor import Page, open_page, post, press
from tests.real.postfix import Postfix, running_postfix, untraced

pytestmark = pytest.mark.real

PATIENCE_SECONDS = 30.0
#: A form that comes back faster than a person can type is shown again (D9).
TYPING_SECONDS = 2.2

ADA = "ada@example.net"
READERS = tuple(f"reader{number}@example.com" for number in range(12))
LEAVER = READERS[3]
#: In the old tool's file, and not to be mailed: one left there, one never confirmed.
LEFT, UNPROVEN = "left@example.org", "unproven@example.org"

INIT_OPTIONS = (
    *("--name", "Ohm & Volt", "--legal-name", "Ohm & Volt Electronics GmbH"),
    *("--postal-address", "Lötstraße 12, 10115 Berlin, Germany"),
    *("--privacy-contact", "privacy@ohm-and-volt.example"),
    *("--from", "Ohm & Volt <news@ohm-and-volt.example>"),
)
IMPORT_OPTIONS = ("--list", "news", "--source", "old newsletter tool", "--declared-by", "Mira Volt")
CAMPAIGN = """---
subject: "{subject}"
preheader: Rail-to-rail op-amps are back, and one circuit for the weekend.
list: news
---

# A bench supply from the parts drawer

Hello {{{{ subscriber.first_name | default("there") }}}},

it is soldering weather. **OPA2192** is back on the shelf: 2,400 pieces, 50 per order.
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """One mail as Postfix stored it: whom it was delivered to, and what a strict parser makes of it."""

    recipient: str
    message: EmailMessage

    @classmethod
    def read(cls, stored: bytes) -> Stored:
        """Envelope recipient from Postfix's own trace field, the rest as it was submitted."""
        found = re.search(rb"^Delivered-To: (\S+)$", stored, re.MULTILINE)
        assert found is not None, stored[:400]
        message = BytesParser(policy=policy.default).parsebytes(untraced(stored))
        assert isinstance(message, EmailMessage)
        return cls(found[1].decode(), message)

    def part(self, subtype: str) -> str:
        """The text of the `plain` or `html` part."""
        body = self.message.get_body(preferencelist=(subtype,))
        assert body is not None, f"no {subtype} part"
        return str(body.get_content())

    def one_click_url(self) -> str:
        """The URI of List-Unsubscribe (RFC 8058); plain http, because the site is on loopback."""
        found = re.search(r"<(http[^>]+)>", str(self.message["List-Unsubscribe"]))
        assert found is not None, self.message["List-Unsubscribe"]
        return found[1]

    def link(self, path: str) -> str:
        """The link below `path` in the text part."""
        found = re.search(rf"http://\S+{re.escape(path)}[A-Za-z0-9_.-]+", self.part("plain"))
        assert found is not None, self.part("plain")
        return found[0]


class Job:
    """A site folder, the relay it sends to, and the commands typed in it."""

    def __init__(self, folder: Path, postfix: Postfix, environ: dict[str, str]) -> None:
        self.folder, self.postfix = folder, postfix
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("MAILER_")}
        self._environ = kept | {"PYTHONPATH": str(Path(__file__).parents[2])} | environ

    def run(self, *words: str) -> str:
        """Type one command; its output. Anything but exit code 0 fails the test."""
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [sys.executable, "-m", "mailer", *words],
            **self._where(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"mailer {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def ask(self, *words: str) -> Any:
        """The answer of a reading command, from its --json."""
        return json.loads(self.run(*words, "--json"))

    @contextmanager
    def up(self) -> Iterator[subprocess.Popen[bytes]]:
        """`mailer up`, from the moment its pages answer; killed at the end if it still runs."""
        with (self.folder.parent / "up.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "mailer", "up"], **self._where(), stdout=log, stderr=log
            )
        try:
            wait(lambda: process.poll() is not None or self._answers(), f"{self.url}: {self.log}")
            assert process.poll() is None, self.log
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    @property
    def log(self) -> str:
        """What `mailer up` has said."""
        return (self.folder.parent / "up.log").read_text(encoding="utf-8", errors="replace")

    def stored(self, subject: str | None = None) -> list[Stored]:
        """The mails that Postfix stored: all of them, or those with this subject."""
        mails = [Stored.read(stored) for stored in self.postfix.messages(0)]
        return [mail for mail in mails if subject is None or mail.message["Subject"] == subject]

    def write_campaign(self, slug: str, subject: str) -> None:
        """A campaign folder, as staff would write it."""
        folder = self.folder / "campaigns" / slug
        folder.mkdir(parents=True)
        (folder / "campaign.md").write_text(CAMPAIGN.format(subject=subject), encoding="utf-8")

    def send(self, slug: str, subject: str, *, expect: int) -> list[Stored]:
        """Write, check, schedule at once, wait for the end; what Postfix stored."""
        self.write_campaign(slug, subject)
        self.run("campaign", "check", slug)
        self.run("campaign", "schedule", slug, "--now", "--expect", str(expect))
        wait(
            lambda: self.ask("campaign", "status", slug)["state"] == "finished",
            f"{slug} to finish",
            every=0.5,
        )
        # Accepted is not yet in the Maildir: Postfix's queue manager has the last steps.
        wait(lambda: len(self.stored(subject)) >= expect, f"{expect} stored mails of {slug}")
        return self.stored(subject)

    def _answers(self) -> bool:
        try:
            return open_page(f"{self.url}/readyz").status == 200
        except OSError:
            return False

    def _where(self) -> dict[str, Any]:
        return {"cwd": self.folder, "env": self._environ}


def wait(until: Callable[[], bool], what: str, *, every: float = 0.05) -> None:
    """Wait until it is so; fail the test when it never is."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not until():
        assert time.monotonic() < end, f"we waited {PATIENCE_SECONDS:.0f} s for {what}"
        time.sleep(every)


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    """One relay for the module; each test clears its Maildir before it starts."""
    with running_postfix() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def job(request: pytest.FixtureRequest, postfix: Postfix, tmp_path: Path) -> Job:
    """A site from `mailer init`; on PostgreSQL by one environment variable and nothing else."""
    for path in (postfix.folder / "inbox").glob("*/*"):
        path.unlink()
    environ = {}
    if request.param == "postgresql":
        environ["MAILER_DATABASE__URL"] = _fresh_database(request.getfixturevalue("postgresql_url"))
    folder = tmp_path / "site"
    folder.mkdir()
    job = Job(folder, postfix, environ)
    job.run("init", ".", "--base-url", job.url, "--smtp-port", str(postfix.port), *INIT_OPTIONS)
    return job


def _fresh_database(cluster: str) -> str:
    """The URL of an empty database of its own: not even migrated."""
    name = f"whole_job_{uuid4().hex[:12]}"
    engine = create_engine(cluster, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(cluster).set(database=name).render_as_string(hide_password=False)


def sign_up(job: Job, address: str) -> Page:
    """Fill in the real form as slowly as a person does."""
    page = open_page(f"{job.url}/subscribe/news")
    time.sleep(TYPING_SECONDS)
    return press(page, email=address, consent="yes")


def confirm(job: Job, address: str) -> None:
    """Follow the link in the stored mail and press the button."""
    wait(lambda: any(mail.recipient == address for mail in job.stored()), f"the mail to {address}")
    (mail,) = [mail for mail in job.stored() if mail.recipient == address]
    assert not list(faults(mail.message))
    assert mail.message["List-Unsubscribe"] is None, "there is nothing yet to leave"
    page = open_page(mail.link("/confirm/"))
    assert status_of(job, address) == ["pending"], "looking changes nothing"
    assert press(page).status == 200


def status_of(job: Job, address: str) -> list[str]:
    """The states of this address's subscriptions, as the CLI shows them."""
    return [entry["state"] for entry in job.ask("subscriber", "show", address)["subscriptions"]]


def import_csv(job: Job) -> None:
    """The old tool's export: evidence per row, one who left, one without evidence."""
    evidence = ("2024-03-01 10:00:00", "192.0.2.7")
    rows = [
        ("Email", "Status", "Confirmed at", "Confirm IP"),
        *((address, "subscribed", *evidence) for address in READERS),
        (READERS[0].upper(), "subscribed", *evidence),
        (LEFT, "unsubscribed", *evidence),
        (UNPROVEN, "pending", "", ""),
    ]
    with (job.folder / "old.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    before = len(job.stored())
    job.run("subscriber", "import", "old.csv", *IMPORT_OPTIONS)
    assert len(job.stored()) == before, "an import mails nobody"


def faults(message: EmailMessage) -> Iterator[object]:
    """What a strict parser has against any part or any header field."""
    for part in message.walk():
        yield from part.defects
        for value in part.values():
            yield from value.defects


def assert_way_out(mail: Stored) -> None:
    """Law 4 on the bytes that arrived: sentence and link in both parts, both headers."""
    url = mail.one_click_url()
    for subtype in ("plain", "html"):
        shown = mail.part(subtype)
        assert url in shown, subtype
        assert re.search(r"unsubscribe", re.sub(r"<[^>]*>|http\S+", " ", shown), re.IGNORECASE), subtype
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.rule("A5", "A11", "B20", "D7", "F8")
def test_the_whole_job_from_init_to_a_clean_stop(job: Job) -> None:
    with job.up() as running:
        assert sign_up(job, ADA).status == 202
        confirm(job, ADA)
        import_csv(job)

        people = {ADA, *READERS}
        first = job.send("week-47", "Week 47: a bench supply", expect=len(people))
        assert Counter(mail.recipient for mail in first) == Counter(people), "one copy each"
        assert len({mail.message["Message-ID"] for mail in first}) == len(people)
        assert len({mail.one_click_url() for mail in first}) == len(people), "a link of their own"
        for mail in first:
            assert not list(faults(mail.message))
            assert mail.message["To"].addresses[0].addr_spec == mail.recipient
            assert_way_out(mail)

        leave(job, first)
        second = job.send("week-48", "Week 48: seven capacitors", expect=len(people) - 1)
        assert Counter(mail.recipient for mail in second) == Counter(people - {LEAVER})

        job.run("audit", "verify")
        running.terminate()
        assert running.wait(PATIENCE_SECONDS) == 0, job.log
    assert "Traceback" not in job.log
    assert not any(address in job.log for address in (*people, LEFT, UNPROVEN)), "no address in a log line"
    # Nothing came after: one confirmation and the two campaigns.
    assert len(job.stored()) == 1 + len(first) + len(second)


def leave(job: Job, mails: list[Stored]) -> None:
    """The one-click POST of a mailbox provider; what link scanners do before it changes nothing."""
    (url,) = [mail.one_click_url() for mail in mails if mail.recipient == LEAVER]
    assert open_page(url).status == 200
    assert status_of(job, LEAVER) == ["confirmed"]
    # Providers send it again when they are not sure; the second answer is the same.
    for _ in range(2):
        assert post(url, {"List-Unsubscribe": "One-Click"}).status == 200

"""A sender that did everything in docs/deliverability.md: the whole page, and nothing bad on it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailer.application import open_site
from mailer.dkim import create_key, record_text
from mailer.doctor.model import Line
from mailer.store import migrate, open_store
from tests.delivery.certificates import Authority
from tests.doctor.front import pages
from tests.doctor.name_server import free_port
from tests.doctor.practice import Practice, said
from tests.doctor.signing import Key, signed
from tests.doctor.zones import spoilt
from tests.faults.script import Script
from tests.faults.smtp_server import SmtpServer

RESULTS = b"Authentication-Results: mx.example.net; dkim=pass; spf=pass; dmarc=pass\r\n"


@contextmanager
def relay(script: Script) -> Iterator[int]:
    """A scripted relay in a loop of its own; gives its port."""
    port, loop, ready = free_port(), asyncio.new_event_loop(), threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        async with SmtpServer(script).running(port):
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    ready.wait(5)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)
        loop.close()


@pytest.fixture
def page(practice: Practice, tmp_path: Path) -> list[Line]:
    """Everything in place: names, keys, relay, pages, database, a proof that came back."""
    authority, proof_key = Authority(tmp_path), Key.make(1024)
    practice.tls = "starttls"
    practice.smtp = f'ca_file = "{authority.file}"\n'
    practice.more += '\n[dkim]\nselector = "s1"\n'
    folder = practice.write()
    store = open_store("sqlite:///data/mailer.db", root=folder.root)
    migrate.upgrade(store)
    store.dispose()
    key = create_key(folder.root / "data" / "dkim", "s1")
    zone = spoilt(
        {
            ("s1._domainkey.shop.test", "TXT"): [record_text(key)],
            ("p._domainkey.shop.test", "TXT"): [proof_key.record],
            ("default._bimi.shop.test", "TXT"): ["v=BIMI1; l=https://shop.test/logo.svg"],
        }
    )
    with relay(Script(tls=authority.server().context())) as port:
        practice.port = port
        practice.write()
        site = open_site(folder.root, {})
        with pages(site) as web_port:
            practice.base_url = f"http://127.0.0.1:{web_port}"
            lines = practice.look(zone=zone, proof=RESULTS + signed(proof_key, selector="p"))
        site.close()
    return lines


def test_a_sender_that_did_everything_passes(page: list[Line]) -> None:
    assert not [line for line in page if line.verdict.value in ("failure", "warning")], said(page)


def test_what_is_left_are_notes_for_people_and_the_clock(page: list[Line]) -> None:
    left = {line.check for line in page if line.verdict.value in ("note", "skipped")}
    assert left == {"clock", "web", "proof", "roles", "registrations"}, said(page)


def test_each_check_has_something_to_say(page: list[Line]) -> None:
    assert {line.check for line in page if line.verdict.value == "ok"} >= {
        "files", "database", "relay", "ehlo", "ptr", "spf", "dkim", "dmarc", "alignment",
        "bounce-mx", "answer-mx", "one-click", "proof", "bimi",
    }  # fmt: skip


def test_no_sentence_holds_a_secret_or_a_token(page: list[Line], practice: Practice) -> None:
    secrets = (practice.root / "secrets.toml").read_text()
    values = [
        line.partition('"')[2].rstrip('"')
        for line in secrets.splitlines()
        if "secret" in line or "key =" in line
    ]
    assert len(values) >= 3
    assert not any(value and value in said(page) for value in values)

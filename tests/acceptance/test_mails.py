"""From a folder to the mail on the wire: each folder of `mails` holds what was written and what leaves.

`case.toml` says who reads it, `campaign/` is what staff wrote, `expected.txt` is the mail as people get
it: envelope, header fields as they stand on the wire, the text part, and all that the HTML part shows.
Keys, tags and the clock are fixed, so nothing but the MIME boundary is masked. After a change that is
meant: `MAILER_REWRITE_MAILS=1 pytest tests/acceptance/test_mails.py`, and read the difference.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import update

from mailer import clock
from mailer.addresses import parse_address
from mailer.application import Site
from mailer.delivery.claim import Claims
from mailer.delivery.sender import Letter
from mailer.keyring import Secrets, TokenKey
from mailer.settings import load_settings
from mailer.site import SiteFolder
from mailer.store import Store
from mailer.store.schema import Campaign, Subscriber, Subscription
from mailer.subscribers.evidence import Evidence
from mailer.subscribers.lists import sync_lists
from tests.acceptance.shown import Shown

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CASES = sorted(path.parent for path in (Path(__file__).parent / "mails").glob("*/case.toml"))
REWRITE = bool(os.environ.get("MAILER_REWRITE_MAILS"))
PROOFS = '[sending]\nproof_addresses = ["mia@shop.example"]\n'


def _key(name: str) -> bytes:
    return hashlib.sha256(f"acceptance: {name}".encode()).digest()


KEYS = Secrets((TokenKey("k1", _key("tokens"), date(2026, 11, 1)),), _key("addresses"), _key("ledger"))


@dataclass(frozen=True)
class Case:
    """One folder."""

    path: Path
    kind: str
    address: str
    language: str
    fields: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Case:
        """What `case.toml` says."""
        told = tomllib.loads((path / "case.toml").read_text(encoding="utf-8"))
        assert told.pop("says").endswith(".")
        return cls(**{"path": path, "kind": "campaign", "language": "en", "fields": {}} | told)

    @property
    def expected(self) -> Path:
        """The mail."""
        return self.path / "expected.txt"


@pytest.fixture
def site(site_folder: SiteFolder, sqlite_store: Store) -> Site:
    """The shop with fixed keys."""
    text = site_folder.settings_path.read_text(encoding="utf-8")
    site_folder.settings_path.write_text(text.replace("[sending]\n", PROOFS), encoding="utf-8")
    settings = load_settings(site_folder.settings_path, {})
    sync_lists(sqlite_store, settings)
    return Site(site_folder, settings, KEYS, store=sqlite_store)


def _join(site: Site, case: Case, list_name: str) -> None:
    """Sign up; the tag and the nonce, drawn at random, are set to what the expected mail has."""
    evidence = Evidence(
        "192.0.2.7", "Mozilla/5.0", f"http://127.0.0.1:8025/subscribe/{list_name}", "Yes.", "2026-11-22.en",
        case.language,
    )  # fmt: skip
    site.joining.request(list_name, parse_address(case.address), fields={}, evidence=evidence)
    site.joining.process_requests()
    with site.store.write() as connection:
        connection.execute(update(Subscription).values(tag=_key("tag")[:16], confirm_nonce=_key("nonce")[:8]))
        connection.execute(update(Subscriber).values(fields=dict(case.fields)))


def _confirmed(site: Site) -> None:
    with site.store.write() as connection:
        connection.execute(
            update(Subscription).values(state="confirmed", confirmed_at=clock.now(), confirm_nonce=None)
        )


def _letter(site: Site, case: Case) -> Letter:
    """The mail of this case, by the way it takes in service."""
    if case.kind == "confirmation":
        _join(site, case, "weekly")
        return _build(site, Claims(site.store, 1).take_system(1))
    shutil.copytree(case.path / "campaign", site.folder.campaigns / "week-48")
    if case.kind == "proof":
        site.campaigns.proof("week-48")
        return _build(site, Claims(site.store, 1).take_system(1))
    _join(site, case, site.campaigns.load("week-48").list_name)
    Claims(site.store, 1).take_system(1)  # the confirmation mail is under way
    _confirmed(site)
    assert not site.campaigns.check("week-48").errors
    site.campaigns.schedule("week-48", "now", expect=1)
    with site.store.write() as connection:
        connection.execute(update(Campaign).values(tag=_key("campaign")[:6]))
    (campaign,) = site.campaigns.start_due(clock.now())
    while site.campaigns.materialise_slice(campaign):
        pass
    return _build(site, Claims(site.store, 1).take_campaigns(1))


def _build(site: Site, claims: list[Any]) -> Letter:
    (claim,) = claims
    return site.messages.build(claim)


def _written(letter: Letter) -> str:
    assert b"\r" not in letter.data.replace(b"\r\n", b"")
    message = BytesParser(EmailMessage, policy=policy.default).parsebytes(letter.data)
    assert not message.defects
    text, html = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    head = letter.data.partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n")
    return "\n".join(
        (
            f"MAIL FROM:<{letter.envelope.return_path}>",
            f"RCPT TO:<{letter.envelope.recipient}>",
            f"\n===== header\n{head.replace(str(message.get_boundary()), '(boundary)')}",
            f"\n===== text part\n{text}",
            f"===== HTML part\n{Shown.of(html)}",
        )
    )


@pytest.mark.parametrize("path", CASES, ids=[path.name for path in CASES])
def test_what_was_written_becomes_exactly_this_mail(path: Path, site: Site) -> None:
    case = Case.read(path)
    with time_machine.travel(NOON, tick=False):
        written = _written(_letter(site, case))
    if REWRITE:
        case.expected.write_text(written, encoding="utf-8")
    assert written == case.expected.read_text(encoding="utf-8")

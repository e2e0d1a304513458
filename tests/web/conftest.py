"""A real site behind the real application, people in it, and a browser-like client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
import time_machine
from httpx import Response
from sqlalchemy import select

from mailer.addresses import parse_address
from mailer.application import Site
from mailer.keyring import address_hash, load_secrets
from mailer.settings import load_settings
from mailer.site import SiteFolder
from mailer.store import Store
from mailer.store.schema import Campaign, LedgerEntry, MailingList, SignupRequest, Subscriber, Subscription
from mailer.subscribers.evidence import Evidence
from mailer.subscribers.links import sign_confirm, sign_not_me
from mailer.subscribers.lists import sync_lists
from mailer.tokens import LinkClaim, Purpose, sign_link
from mailer.web.app import create_app
from tests.web.client import Client

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
#: Appended to the settings every test knows: what only the pages look at.
EXTRA = """
[fields.newsletter_name]
label = "First name"
on_form = true

[fields.reader_since]
type = "date"
label = "Reader since"
on_form = true

[fields.years]
type = "number"
label = "Years at the bench"
on_form = true

[fields.pro]
type = "boolean"
label = "I solder for a living"
on_form = true

[lists.staff]
title = "Staff only"
from = "Ohm & Volt <news@shop.example>"
list_id = "staff.lists.shop.example"
description = "Not for the public."
frequency = "now and then"
public = false
"""
CAMPAIGN_TEXT = """---
subject: Week 47 at the bench
preheader: Two new parts, one circuit worth building, and what leaves the shelves this week.
list: weekly
---

# Week 47

Good morning {{ subscriber.first_name | default("there") }}, this copy is for {{ subscriber.email }}.
"""
SEEN = Evidence(
    "192.0.2.7", "Mozilla/5.0", "http://127.0.0.1:8025/subscribe/weekly", "Yes.", "2026-11-22.en", "en"
)


@dataclass
class Reader(HTMLParser):
    """What a page holds, as far as tests ask: forms with their fields, links, headings, text."""

    title: str = ""
    lang: str = ""
    forms: list[dict[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    inputs: list[dict[str, str | None]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    @classmethod
    def of(cls, html: str) -> Reader:
        """Read a page."""
        reader = cls()
        reader.feed(html)
        reader.text = " ".join(reader.text.split())
        return reader

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what matters of a tag."""
        values = dict(attrs)
        self.tags.append(tag)
        self.lang = values.get("lang") or self.lang if tag == "html" else self.lang
        self.roles += [values["role"] or ""] if "role" in values else []
        if tag == "form":
            self.forms.append({name: value or "" for name, value in attrs})
        elif tag == "button":
            self.buttons.append((values.get("name") or "", values.get("value") or ""))
        elif tag == "input":
            self.inputs.append(values)
        elif tag == "a":
            self.links.append(values.get("href") or "")
        self.loads += [str(values[name]) for name in ("src", "srcset") if name in values]
        self.loads += [str(values["href"])] if tag == "link" else []

    def handle_data(self, data: str) -> None:
        """Collect text; the first of it inside <title> is the title."""
        if self.tags and self.tags[-1] == "title" and not self.title:
            self.title = data.strip()
        self.text += f" {data}"

    def input(self, name: str) -> dict[str, str | None]:
        """The input of that name."""
        return next(each for each in self.inputs if each.get("name") == name)


@dataclass
class Desk:
    """A site, its application, and short words for what tests do with them."""

    site: Site
    clock: Any
    client: Client

    @classmethod
    def of(cls, site: Site, clock: Any) -> Desk:
        """A desk on the application of `site`."""
        return cls(site, clock, Client(create_app(site)))

    @property
    def store(self) -> Store:
        """The site's store."""
        return self.site.store

    def join(
        self, email: str, list_name: str = "weekly", *, language: str = "en", confirm: bool = True
    ) -> bytes:
        """Sign up (and confirm); returns the subscription's tag."""
        evidence = Evidence(
            **{**{name: getattr(SEEN, name) for name in SEEN.__slots__}, "language": language}
        )
        self.site.joining.request(list_name, parse_address(email), fields={}, evidence=evidence)
        self.site.joining.process_requests()
        if confirm:
            self.site.joining.confirm(self.confirm_token(email, list_name), evidence)
        return bytes(self.row(email, list_name).tag)

    def row(self, email: str, list_name: str = "weekly") -> Any:
        """The subscription of one person on one list, or None."""
        query = (
            select(Subscription.__table__)
            .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
            .join(MailingList, MailingList.id == Subscription.list_id)
            .where(Subscriber.email_key == parse_address(email).key, MailingList.name == list_name)
        )
        with self.store.read() as connection:
            return connection.execute(query).first()

    def state(self, email: str, list_name: str = "weekly") -> str | None:
        """Where that subscription stands, or None."""
        row = self.row(email, list_name)
        return str(row.state) if row else None

    def states(self) -> list[tuple[int, str]]:
        """Every subscription and where it stands."""
        with self.store.read() as connection:
            query = select(Subscription.id, Subscription.state).order_by(Subscription.id)
            return [(row.id, str(row.state)) for row in connection.execute(query)]

    def confirm_token(self, email: str, list_name: str = "weekly") -> str:
        """The token of the confirm link alive for them."""
        row = self.row(email, list_name)
        return sign_confirm(self.site.tokens, row.tag, nonce=row.confirm_nonce)

    def leave_token(self, tag: bytes, campaign: bytes = b"") -> str:
        """The token of an opt-out link."""
        return sign_link(self.site.tokens, Purpose.UNSUBSCRIBE, LinkClaim(tag, campaign))

    def not_me_token(self, email: str) -> str:
        """The token of a not-me link."""
        return sign_not_me(self.site.tokens, address_hash(self.site.secrets, parse_address(email)))

    def freeze(self, slug: str) -> bytes:
        """Schedule a campaign to everybody who is on its list now; its tag."""
        plan = self.site.campaigns.plan(slug)
        self.site.campaigns.commit(plan, expect=plan.audience)
        with self.store.read() as connection:
            return bytes(connection.scalars(select(Campaign.tag).where(Campaign.slug == slug)).one())

    def events(self, event: str) -> list[Any]:
        """The ledger's entries of one kind."""
        with self.store.read() as connection:
            query = select(LedgerEntry.__table__).where(LedgerEntry.event == event).order_by(LedgerEntry.id)
            return list(connection.execute(query))

    def requests(self) -> list[Any]:
        """The sign-ups waiting to be judged."""
        with self.store.read() as connection:
            return list(connection.execute(select(SignupRequest.__table__).order_by(SignupRequest.id)))

    def get(self, path: str, **headers: str) -> Reader:
        """GET a page that is there, and read it."""
        answer = self.client.get(path, headers=headers)
        assert answer.status_code == 200, (path, answer.status_code)
        return Reader.of(answer.text)

    def form(self, list_name: str = "weekly", **changed: str) -> dict[str, str]:
        """The sign-up form as a person sends it: loaded, read for five seconds, filled in, ticked."""
        stamp = str(self.get(f"/subscribe/{list_name}").input("stamp")["value"])
        self.clock.shift(timedelta(seconds=5))
        return {"email": "ada@example.net", "consent": "yes", "website": "", "stamp": stamp} | changed

    def subscribe(self, list_name: str = "weekly", **changed: str) -> Response:
        """Fill in the form and send it."""
        return self.client.post(f"/subscribe/{list_name}", data=self.form(list_name, **changed))


def make_site(folder: SiteFolder, store: Store, environ: Mapping[str, str] | None = None) -> Site:
    """A site over a store that a fixture made."""
    settings = load_settings(folder.settings_path, environ or {})
    sync_lists(store, settings)
    return Site(folder, settings, load_secrets(folder.secrets_path), store=store)


@pytest.fixture
def web_folder(site_folder: SiteFolder) -> SiteFolder:
    """The shared site folder with the settings that only pages look at."""
    text = site_folder.settings_path.read_text(encoding="utf-8")
    site_folder.settings_path.write_text(text + EXTRA, encoding="utf-8")
    return site_folder


@pytest.fixture
def site(web_folder: SiteFolder, sqlite_store: Store) -> Site:
    """A real site on the embedded database."""
    return make_site(web_folder, sqlite_store)


@pytest.fixture
def desk(site: Site) -> Iterator[Desk]:
    """The application on a clock that stands still."""
    with time_machine.travel(START, tick=False) as clock:
        yield Desk.of(site, clock)

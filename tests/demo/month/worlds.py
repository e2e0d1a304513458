"""A small month for the tests: its plan, and messages of it."""

from __future__ import annotations

from datetime import UTC, datetime

from mailer.demo.month.original import Original
from mailer.demo.month.people import Person
from mailer.demo.month.plan import Plan
from mailer.demo.month.providers import PROVIDERS, Provider, providers

START = datetime(2026, 11, 2, tzinfo=UTC)
PLAN = Plan(seed=7, people=600, days=14, start=START)
RETURN_PATH = "bounces+0123@ohm-and-volt.example"
TOKEN = "uTOKEN.k1"
HEADER = (
    "From: Ohm & Volt <news@ohm-and-volt.example>\r\nTo: {address}\r\nMessage-ID: <abc@ohm-and-volt.example>\r\n"
    "List-Unsubscribe: <http://127.0.0.1/u/{token}>,\r\n"
    " <mailto:leave@ohm-and-volt.example?subject=unsubscribe%20{token}>\r\n"
    "Subject: Week 1: what is new on the shelf"
)


def provider_with(mta: str) -> Provider:
    """The first provider whose server is of this kind."""
    return next(one for one in providers() if one.mta == mta)


def person(provider: Provider = PROVIDERS[0], **fate: datetime) -> Person:
    """Somebody with a mailbox there."""
    return Person(3, "Ada", f"ada.ohm.3@{provider.domain}", provider, "shop-customers", **fate)


def original(whom: Person) -> Original:
    """A message to them."""
    header = HEADER.format(address=whom.address, token=TOKEN).encode()
    return Original(whom, RETURN_PATH, header, START)

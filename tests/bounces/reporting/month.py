"""A month of a small shop, seeded, with the four things that go wrong in it; and a way to write single rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert

from mailer.bounces.model import REASONS, Fault
from mailer.store import Store
from mailer.store.schema import (
    Artefact,
    Campaign,
    Delivery,
    MailingList,
    Report,
    Subscriber,
    Subscription,
)
from mailer.store.vocabulary import (
    CampaignState,
    DeliveryKind,
    DeliveryState,
    ReportKind,
    ReportSeverity,
    ReportSource,
    SubscriptionState,
)

#: The month ends here; its campaigns leave on Tuesdays and Fridays before.
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
PROVIDERS = {
    "gmail.com": "google",
    "gmx.de": "gmx-webde",
    "outlook.com": "outlook",
    "yahoo.com": "yahoo",
    "club.example": "club.example",
}
_DOMAINS = tuple(PROVIDERS)


@dataclass
class World:
    """Writes rows straight into the tables."""

    store: Store
    random: Random = field(default_factory=lambda: Random(7))
    _people: int = 0
    _campaigns: int = 0
    _reports: list[dict[str, Any]] = field(default_factory=list)

    def campaigns_only(self) -> None:
        """For a site whose lists come from its settings."""
        with self.store.write() as connection:
            connection.execute(insert(Artefact), [{"hash": "h", "content": b"", "created_at": LONG_AGO}])

    def lists(self, *names: str) -> None:
        self.campaigns_only()
        with self.store.write() as connection:
            rows = [
                {"name": name, "list_id": name, "title": name, "created_at": LONG_AGO, "removed_at": None}
                for name in names
            ]
            connection.execute(insert(MailingList), rows)

    def people(self, count: int, *, domain: str, origin: str = "form", list_id: int = 1) -> range:
        """New subscribers on a list; their subscription ids."""
        ids = range(self._people + 1, self._people + count + 1)
        self._people += count
        persons = [
            {
                "id": number,
                "email": f"reader{number}@{domain}",
                "email_key": f"reader{number}@{domain}",
                "email_hash": self.hash_of(number),
                "domain": domain,
                "language": "en",
                "created_at": LONG_AGO,
                "updated_at": LONG_AGO,
            }
            for number in ids
        ]
        joined = [
            {
                "id": number,
                "subscriber_id": number,
                "list_id": list_id,
                "tag": number.to_bytes(16, "big"),
                "state": SubscriptionState.CONFIRMED,
                "source": origin,
                "requested_at": LONG_AGO,
            }
            for number in ids
        ]
        with self.store.write() as connection:
            connection.execute(insert(Subscriber), persons)
            connection.execute(insert(Subscription), joined)
        return ids

    @staticmethod
    def hash_of(number: int) -> bytes:
        return number.to_bytes(32, "big")

    def campaign(self, slug: str, at: datetime, *, list_id: int = 1) -> int:
        """A campaign that is over; its id."""
        self._campaigns += 1
        row = {
            "id": self._campaigns,
            "tag": self._campaigns.to_bytes(6, "big"),
            "slug": slug,
            "subject": slug,
            "list_id": list_id,
            "state": CampaignState.FINISHED,
            "artefact_hash": "h",
            "scheduled_at": at,
            "timezone": "UTC",
            "expected_count": 1,
            "created_at": at,
            "started_at": at,
            "finished_at": at + timedelta(days=1),
        }
        with self.store.write() as connection:
            connection.execute(insert(Campaign), [row])
        return self._campaigns

    def send(
        self,
        campaign: int,
        people: Sequence[int],
        *,
        domain: str,
        at: datetime,
        hours: float = 1.0,
        state: DeliveryState = DeliveryState.ACCEPTED,
        relay: str = "smtp.example:25",
    ) -> None:
        """One delivery to each, answered within `hours`."""
        rows = [
            {
                "stream": campaign,
                "kind": DeliveryKind.CAMPAIGN,
                "campaign_id": campaign,
                "subscription_id": person,
                "domain": domain,
                "state": state,
                "attempts": 1,
                "created_at": at,
                "settled_at": at + timedelta(hours=hours) * (place / max(len(people), 1)),
                "relay": relay,
            }
            for place, person in enumerate(people)
        ]
        with self.store.write() as connection:
            connection.execute(insert(Delivery), rows)

    def report(
        self,
        count: int,
        *,
        reason: str = "userunknown",
        at: datetime,
        hours: float = 0.0,
        campaign: int | None = None,
        domain: str = "gmail.com",
        provider: str | None = None,
        origin: str = "form",
        list_id: int | None = 1,
        severity: ReportSeverity | None = None,
        relay: str = "smtp.example:25",
        email_hash: bytes | None = None,
    ) -> None:
        """So many reports of one kind, spread over `hours`."""
        cause = REASONS[reason]
        complaint = cause.fault is Fault.SENDER and reason == "feedback"
        hard = ReportSeverity.HARD if cause.dead else ReportSeverity.SOFT
        rows = [
            {
                "received_at": at + timedelta(hours=hours) * (place / max(count, 1)),
                "kind": ReportKind.COMPLAINT if complaint else ReportKind.BOUNCE,
                "campaign_id": campaign,
                "domain": domain,
                "reason": reason,
                "fault": cause.fault.value,
                "rule": "a rule",
                "source": ReportSource.MAIL,
                "severity": severity or (ReportSeverity.COMPLAINT if complaint else hard),
                "cause_group": cause.group,
                "email_hash": email_hash,
                "list_id": list_id,
                "origin": origin,
                "provider": provider or PROVIDERS.get(domain, domain),
                "relay": relay,
            }
            for place in range(count)
        ]
        if rows:
            with self.store.write() as connection:
                connection.execute(insert(Report), rows)


#: When each of the four began.
LISTING_AT = NOW - timedelta(days=20, hours=-3)
IMPORT_AT = NOW - timedelta(days=13, hours=-3)
DKIM_AT = NOW - timedelta(days=9, hours=-3)
SPIKE_AT = NOW - timedelta(days=5, hours=-3)
#: Readers by domain, of the whole list.
SIZES = {"gmail.com": 1200, "gmx.de": 600, "outlook.com": 500, "yahoo.com": 300, "club.example": 100}


def quiet_month(store: Store) -> World:
    """Seven campaigns, and the few failures that every list has."""
    world = World(store)
    world.lists("weekly", "clearance")
    people = {domain: world.people(size, domain=domain) for domain, size in SIZES.items()}
    for place, days in enumerate((56, 45, 27, 20, 13, 9, 5)):
        at = NOW - timedelta(days=days, hours=-3)
        campaign = world.campaign(f"issue-{place + 1}", at)
        for domain, readers in people.items():
            world.send(campaign, readers, domain=domain, at=at)
            for reason, often in (("userunknown", 0.003), ("mailboxfull", 0.004), ("blocked", 0.001)):
                count = sum(world.random.random() < often for _ in readers)
                world.report(count, reason=reason, at=at, hours=30, campaign=campaign, domain=domain)
        world.report(1, reason="feedback", at=at, hours=20, campaign=campaign)
    return world


def listing(world: World) -> None:
    """GMX refuses four of ten messages of one campaign, from its first minutes on."""
    count = int(SIZES["gmx.de"] * 0.4)
    world.report(count, reason="blocked", at=LISTING_AT, hours=2, campaign=4, domain="gmx.de")


def bad_import(world: World) -> None:
    """Of 400 imported addresses a fifth does not exist."""
    readers = world.people(400, domain="gmail.com", origin="import:fair")
    world.send(5, readers, domain="gmail.com", at=IMPORT_AT)
    world.report(80, at=IMPORT_AT, hours=3, campaign=5, origin="import:fair")


def dkim_break(world: World) -> None:
    """For one campaign three providers say that the signature is broken."""
    for domain in ("gmail.com", "outlook.com", "yahoo.com"):
        count = SIZES[domain] // 10
        world.report(count, reason="authfailure", at=DKIM_AT, hours=1, campaign=6, domain=domain)


def complaint_spike(world: World) -> None:
    """One reader of a hundred calls a campaign spam."""
    for domain, count in (("gmail.com", 5), ("outlook.com", 9), ("yahoo.com", 13)):
        world.report(count, reason="feedback", at=SPIKE_AT, hours=20, campaign=7, domain=domain)


def bad_month(store: Store) -> World:
    """All four of them."""
    world = quiet_month(store)
    for trouble in (listing, bad_import, dkim_break, complaint_spike):
        trouble(world)
    return world

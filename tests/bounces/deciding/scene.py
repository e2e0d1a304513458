"""A site whose mail comes back: people, a campaign that was sent, and whoever decides about it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select, update

from mailer import clock
from mailer.addresses import parse_address
from mailer.alerts import Alerts
from mailer.audit import Ledger
from mailer.bounces.deciding import Deciding, Limits
from mailer.bounces.intake import keep
from mailer.keyring import Secrets, address_hash
from mailer.return_path import encode_return_path
from mailer.settings import Settings
from mailer.store import Store
from mailer.store.schema import (
    Artefact,
    Campaign,
    Delivery,
    Freeze,
    Hold,
    MailingList,
    Report,
    ReturnedMail,
    Subscriber,
    Subscription,
    Suppression,
)
from mailer.store.vocabulary import CampaignState, DeliveryKind, DeliveryState, SubscriptionState
from mailer.subscribers.leaving import Leaving
from mailer.subscribers.lists import sync_lists
from mailer.tokens import LinkClaim, Purpose, Tokens, sign_link
from tests.bounces.deciding.letters import dsn

BASE = parse_address("bounce@bounce.shop.example")
AUTHSERV = "mx.shop.example"


@dataclass
class Scene:
    """Everything a test of decisions needs; times are the clock's."""

    store: Store
    settings: Settings
    secrets: Secrets
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        sync_lists(self.store, self.settings)
        self.ledger = Ledger(self.secrets)
        self.tokens = Tokens(self.secrets, confirm_seconds=3600)
        self.leaving = Leaving(self.store, self.settings, self.tokens, self.ledger)
        self.alerts = Alerts(self.store, [])
        self.deciding = self.another()
        self.campaign = self.add_campaign("parts")

    def another(self, limits: Limits | None = None) -> Deciding:
        """One more process that decides about the same mail."""
        return Deciding(
            self.store,
            limits or self.limits,
            self.secrets,
            ledger=self.ledger,
            tokens=self.tokens,
            leaving=self.leaving,
            alerts=self.alerts,
            authserv_id=AUTHSERV,
        )

    # --- people and what was sent ---------------------------------------------------------------

    def add_campaign(self, slug: str, state: CampaignState = CampaignState.SENDING) -> int:
        """A campaign to the first list."""
        now = clock.now()
        digest = slug.ljust(64, "0")
        with self.store.write() as connection:
            connection.execute(insert(Artefact).values(hash=digest, content=b"", created_at=now))
            list_id = connection.scalar(select(MailingList.id).where(MailingList.name == "weekly"))
            row = {
                "tag": os.urandom(6),
                "slug": slug,
                "subject": "parts",
                "list_id": list_id,
                "state": state,
                "artefact_hash": digest,
                "scheduled_at": now,
                "started_at": now,
                "timezone": "UTC",
                "expected_count": 1,
                "created_at": now,
            }
            return connection.execute(insert(Campaign).values(row).returning(Campaign.id)).scalar_one()

    def person(self, email: str) -> int:
        """A confirmed reader; returns the subscription's id, the same for the same address."""
        address, now = parse_address(email), clock.now()
        with self.store.write() as connection:
            known = connection.scalar(
                select(Subscription.id).join(Subscriber).where(Subscriber.email_key == address.key)
            )
            if known is not None:
                return known
            values = {"email": email, "email_key": address.key, "domain": address.domain, "language": "en"}
            values |= {"email_hash": address_hash(self.secrets, address), "fields": {}}
            person = connection.execute(
                insert(Subscriber).values(**values, created_at=now, updated_at=now).returning(Subscriber.id)
            ).scalar_one()
            joined = {"subscriber_id": person, "list_id": 1, "tag": os.urandom(16), "source": "import:old"}
            joined |= {"state": SubscriptionState.CONFIRMED, "requested_at": now, "confirmed_at": now}
            return connection.execute(
                insert(Subscription).values(**joined).returning(Subscription.id)
            ).scalar_one()

    def sent(
        self, email: str, *, campaign: int | None = None, state: DeliveryState = DeliveryState.ACCEPTED
    ) -> int:
        """A message that went to them now; returns the delivery's id."""
        subscription, now = self.person(email), clock.now()
        waits = state in (DeliveryState.QUEUED, DeliveryState.DEFERRED)
        slug = os.urandom(4).hex()
        campaign = campaign or self.add_campaign(slug)
        row = {"stream": campaign, "campaign_id": campaign, "kind": DeliveryKind.CAMPAIGN, "state": state}
        row |= {"subscription_id": subscription, "domain": parse_address(email).domain, "attempts": 1}
        row |= {"created_at": now, "attempted_at": now, "settled_at": None if waits else now}
        row |= {"next_attempt_at": now if waits else None, "relay": "relay.example:25"}
        row |= {"message_id": f"{os.urandom(12).hex()}@shop.example"}
        with self.store.write() as connection:
            return connection.execute(insert(Delivery).values(row).returning(Delivery.id)).scalar_one()

    def path(self, delivery: int) -> str:
        """The return path that only this delivery has."""
        return encode_return_path(self.secrets, delivery, BASE)

    def link(self, email: str) -> str:
        """The token of their unsubscribe link."""
        subscription = self.person(email)
        (tag,) = [row.tag for row in self.rows(Subscription) if row.id == subscription]
        return sign_link(self.tokens, Purpose.UNSUBSCRIBE, LinkClaim(tag))

    # --- what comes back ------------------------------------------------------------------------

    def receive(self, raw: bytes, *, source: str = "pipe", envelope_to: str | None = None) -> Any:
        """It comes in and is decided; returns its row."""
        keep(self.store, raw, source=source, envelope_to=envelope_to)
        self.deciding.process_waiting()
        return self.rows(ReturnedMail)[-1]

    def bounce(
        self, email: str, status: str = "5.1.1", said: str = "550 5.1.1 user unknown", **more: Any
    ) -> Any:
        """A message goes to them and comes back at once."""
        delivery = self.sent(email, campaign=more.pop("campaign", None))
        return self.receive(dsn(self.path(delivery), email, status, said, **more))

    def full(self, email: str, **more: Any) -> Any:
        """The same: their mailbox is full."""
        return self.bounce(email, "4.2.2", "452 4.2.2 mailbox full", **more)

    # --- what is so now -------------------------------------------------------------------------

    def rows(self, table: Any) -> list[Any]:
        """Every row, in order."""
        with self.store.read() as connection:
            return list(connection.execute(select(table.__table__).order_by(table.__table__.c.id)))

    def reasons(self, email: str) -> set[str]:
        """Why they are not mailed."""
        email_hash = address_hash(self.secrets, parse_address(email))
        return {row.reason.value for row in self.rows(Suppression) if bytes(row.email_hash) == email_hash}

    def effects(self) -> list[str]:
        """What followed from each report."""
        return [row.effect.value for row in self.rows(Report)]

    def freezes(self) -> list[Any]:
        """The alarms."""
        return self.rows(Freeze)

    def holds(self) -> list[Any]:
        """The holds."""
        return self.rows(Hold)

    def state_of(self, delivery: int) -> DeliveryState:
        """Where a delivery stands."""
        (row,) = [row for row in self.rows(Delivery) if row.id == delivery]
        state: DeliveryState = row.state
        return state

    def change(self, table: Any, **values: Any) -> None:
        """Write into every row of a table: what somebody else did."""
        with self.store.write() as connection:
            connection.execute(update(table).values(**values))


def days(number: float) -> timedelta:
    """So many days."""
    return timedelta(days=number)

"""People on lists, put into the store directly: these tests are about campaigns, not about joining."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from mailer import clock
from mailer.addresses import parse_address
from mailer.audit import Ledger
from mailer.campaigns.service import Campaigns
from mailer.keyring import Secrets, address_hash
from mailer.rendering import Renderer
from mailer.rendering.from_settings import field_specs, site_identity
from mailer.settings import Settings
from mailer.site import SiteFolder
from mailer.store import Store
from mailer.store.schema import (
    Artefact,
    Campaign,
    Delivery,
    MailingList,
    Subscriber,
    Subscription,
    Suppression,
)
from mailer.store.vocabulary import (
    ALL_LISTS,
    CampaignState,
    DeliveryState,
    SubscriptionState,
    SuppressionReason,
)
from mailer.subscribers.lists import sync_lists
from mailer.tokens import Tokens


@dataclass
class Crowd:
    """The people of a test, and what they do."""

    store: Store
    secrets: Secrets
    lists: dict[str, int]
    joined: int = field(default=0)

    def join(
        self,
        count: int = 1,
        *,
        list_name: str = "weekly",
        state: SubscriptionState = SubscriptionState.CONFIRMED,
        **fields: Any,
    ) -> list[int]:
        """New people on a list; returns their subscription ids."""
        now = clock.now() - timedelta(days=30)
        with self.store.write() as connection:
            people = [self._person(number, fields, now) for number in range(self.joined, self.joined + count)]
            statement = insert(Subscriber).returning(Subscriber.id, sort_by_parameter_order=True)
            ids = connection.scalars(statement, people).all()
            rows = [self._subscription(id_, list_name, state, now) for id_ in ids]
            statement = insert(Subscription).returning(Subscription.id, sort_by_parameter_order=True)
            subscriptions = list(connection.scalars(statement, rows))
        self.joined += count
        return subscriptions

    def _person(self, number: int, fields: dict[str, Any], now: datetime) -> dict[str, Any]:
        address = parse_address(f"reader{number}@inbox{number % 3}.example")
        return {
            "email": str(address),
            "email_key": address.key,
            "email_hash": address_hash(self.secrets, address),
            "domain": address.domain,
            "language": "en",
            "fields": fields,
            "created_at": now,
            "updated_at": now,
        }

    def _subscription(
        self, subscriber_id: int, list_name: str, state: SubscriptionState, now: datetime
    ) -> dict[str, Any]:
        confirmed = state is not SubscriptionState.PENDING
        return {
            "subscriber_id": subscriber_id,
            "list_id": self.lists[list_name],
            "tag": os.urandom(16),
            "state": state,
            "source": "form",
            "requested_at": now,
            "confirmed_at": now if confirmed else None,
            "unsubscribed_at": now if state is SubscriptionState.UNSUBSCRIBED else None,
        }

    def leave(self, subscription_id: int) -> None:
        """Opt out now, and settle what was waiting, as an opt-out does."""
        now = clock.now()
        with self.store.write() as connection:
            connection.execute(
                update(Subscription)
                .where(Subscription.id == subscription_id)
                .values(state=SubscriptionState.UNSUBSCRIBED, unsubscribed_at=now)
            )
            connection.execute(
                update(Delivery)
                .where(Delivery.subscription_id == subscription_id, Delivery.next_attempt_at.is_not(None))
                .values(
                    state=DeliveryState.SKIPPED,
                    skip_reason="unsubscribed",
                    next_attempt_at=None,
                    settled_at=now,
                )
            )

    def confirm(self, subscription_id: int) -> None:
        """Press the button of the confirmation mail."""
        with self.store.write() as connection:
            connection.execute(
                update(Subscription)
                .where(Subscription.id == subscription_id)
                .values(state=SubscriptionState.CONFIRMED, confirmed_at=clock.now(), unsubscribed_at=None)
            )

    def suppress(
        self,
        subscription_id: int,
        *,
        reason: SuppressionReason = SuppressionReason.COMPLAINT,
        list_id: int = ALL_LISTS,
    ) -> None:
        """Never mail this person."""
        with self.store.write() as connection:
            hash_ = connection.scalar(
                select(Subscriber.email_hash)
                .join(Subscription, Subscription.subscriber_id == Subscriber.id)
                .where(Subscription.id == subscription_id)
            )
            connection.execute(
                insert(Suppression).values(
                    email_hash=hash_, list_id=list_id, reason=reason, source="test", created_at=clock.now()
                )
            )

    def erase(self, subscription_id: int) -> None:
        """Delete the person, row and all."""
        with self.store.write() as connection:
            subscriber = connection.scalar(
                select(Subscription.subscriber_id).where(Subscription.id == subscription_id)
            )
            connection.execute(delete(Delivery).where(Delivery.subscription_id == subscription_id))
            connection.execute(delete(Subscription).where(Subscription.id == subscription_id))
            connection.execute(delete(Subscriber).where(Subscriber.id == subscriber))

    def count(self) -> int:
        """How many subscriptions there are."""
        with self.store.read() as connection:
            return connection.scalar(select(func.count()).select_from(Subscription)) or 0


def crowd_of(store: Store, settings: Settings, secrets: Secrets) -> Crowd:
    """Nobody yet, on the lists of the settings."""
    sync_lists(store, settings)
    with store.read() as connection:
        lists = dict(connection.execute(select(MailingList.name, MailingList.id)).all())
    return Crowd(store, secrets, lists)


@pytest.fixture
def crowd(store: Store, settings: Settings, secrets: Secrets) -> Crowd:
    """Nobody yet, on the lists of the settings."""
    return crowd_of(store, settings, secrets)


ScheduleRow = Callable[..., int]


def add_campaign_row(
    store: Store,
    crowd: Crowd,
    slug: str = "week-48",
    *,
    expected: int,
    list_name: str = "weekly",
    **values: Any,
) -> int:
    """A scheduled campaign's row without a folder behind it; returns its id."""
    now = clock.now()
    with store.write() as connection:
        hash_ = os.urandom(32).hex()
        connection.execute(insert(Artefact).values(hash=hash_, content=b"{}", created_at=now))
        row = {
            "tag": os.urandom(6),
            "slug": slug,
            "subject": "Week 48",
            "list_id": crowd.lists[list_name],
            "state": CampaignState.SCHEDULED,
            "artefact_hash": hash_,
            "scheduled_at": now - timedelta(seconds=1),
            "timezone": "UTC",
            "expected_count": expected,
            "drift_approved": False,
            "created_at": now,
            "materialised_upto": 0,
        }
        return connection.execute(insert(Campaign).values(row | values).returning(Campaign.id)).scalar_one()


@pytest.fixture
def campaign_row(store: Store, crowd: Crowd) -> ScheduleRow:
    """`add_campaign_row` on the store of the test."""
    return partial(add_campaign_row, store, crowd)


def service_of(
    store: Store, settings: Settings, secrets: Secrets, site_folder: SiteFolder, ledger: Ledger
) -> Campaigns:
    """The service over a site's folder, its lists known to the database."""
    sync_lists(store, settings)
    renderer = Renderer(
        template_dirs=site_folder.template_folders, site=site_identity(settings), fields=field_specs(settings)
    )
    tokens = Tokens(secrets, confirm_seconds=86_400)
    return Campaigns(
        store, settings, folder=site_folder.campaigns, renderer=renderer, ledger=ledger, tokens=tokens
    )


@pytest.fixture
def campaigns(
    store: Store, settings: Settings, secrets: Secrets, site_folder: SiteFolder, ledger: Ledger
) -> Campaigns:
    """The service, on both databases."""
    return service_of(store, settings, secrets, site_folder, ledger)


WriteCampaign = Callable[..., Path]

#: A campaign with nothing to complain about.
GOOD = """\
---
subject: Ten red LEDs for you
preheader: Clearance stock, a new resistor kit, and one circuit that is worth building.
list: weekly
---

# Ten red LEDs

Hello {{ subscriber.first_name | default("there") }}, here is what is new this week in the shop.

- A kit of six hundred resistors, sorted by value
- Ten red LEDs for the price of eight
"""


@pytest.fixture
def write_campaign(site_folder: SiteFolder) -> WriteCampaign:
    """Write a campaign folder: text by file name, or bytes; `campaign.md` may be given first."""

    def write(slug: str = "week-48", text: str = GOOD, **files: str | bytes) -> Path:
        folder = site_folder.campaigns / slug
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "campaign.md").write_text(text, encoding="utf-8")
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    return write


@pytest.fixture
def sqlite_campaigns(request: pytest.FixtureRequest, sqlite_store: Store) -> tuple[Campaigns, Crowd, Store]:
    """The service, its people and its store on SQLite alone, where the database is not the question."""
    settings, secrets = request.getfixturevalue("settings"), request.getfixturevalue("secrets")
    site_folder, ledger = request.getfixturevalue("site_folder"), request.getfixturevalue("ledger")
    crowd = crowd_of(sqlite_store, settings, secrets)
    return service_of(sqlite_store, settings, secrets, site_folder, ledger), crowd, sqlite_store

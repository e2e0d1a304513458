"""The post of a site in a test: people who were written to, and mail that comes back about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select, update

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
    BounceScore,
    Delivery,
    RaisedAlert,
    Report,
    ReturnedMail,
    Subscriber,
    Subscription,
    Suppression,
)
from mailer.store.vocabulary import DeliveryState
from mailer.subscribers.leaving import Leaving
from mailer.tokens import Tokens
from tests.delivery.world import World

BASE = parse_address("bounce@bounce.shop.example")


@dataclass
class Post:
    """A world whose deliveries were accepted, and the service that decides."""

    world: World
    secrets: Secrets
    settings: Settings
    limits: Limits = field(default_factory=Limits)

    @property
    def store(self) -> Store:
        """The database."""
        return self.world.store

    @property
    def deciding(self) -> Deciding:
        """A new service, as each process has its own."""
        ledger = Ledger(self.secrets)
        tokens = Tokens(self.secrets, confirm_seconds=86_400)
        return Deciding(
            self.store,
            self.limits,
            self.secrets,
            ledger=ledger,
            tokens=tokens,
            leaving=Leaving(self.store, self.settings, tokens, ledger),
            alerts=Alerts(self.store, ["mail"]),
            authserv_id="mx.shop.example",
        )

    def send(self, names: Sequence[str], *, state: DeliveryState = DeliveryState.ACCEPTED) -> None:
        """Write to these people; the relay took it."""
        self.world.build(names)
        now = clock.now()
        with self.store.write() as connection:
            for row in connection.execute(select(Subscriber.id, Subscriber.email)).all():
                known = address_hash(self.secrets, parse_address(row.email))
                connection.execute(update(Subscriber).where(Subscriber.id == row.id).values(email_hash=known))
            connection.execute(
                update(Delivery).values(
                    state=state, next_attempt_at=None, attempted_at=now, settled_at=now, relay="relay:25"
                )
            )
            for delivery_id in connection.scalars(select(Delivery.id)).all():
                connection.execute(
                    update(Delivery)
                    .where(Delivery.id == delivery_id)
                    .values(message_id=f"copy{delivery_id}@shop.example")
                )

    def send_again(self, name: str) -> None:
        """One more message to somebody, in a campaign of its own."""
        now = clock.now()
        campaign = self.world.add_campaign(f"later{now.timestamp()}", [name])
        values = {
            "state": DeliveryState.ACCEPTED,
            "next_attempt_at": None,
            "attempted_at": now,
            "settled_at": now,
        }
        with self.store.write() as connection:
            connection.execute(update(Delivery).where(Delivery.campaign_id == campaign).values(**values))

    def score(self, name: str) -> float | None:
        """What somebody's soft bounces count."""
        known = address_hash(self.secrets, parse_address(f"{name}@example.net"))
        with self.store.read() as connection:
            return connection.scalar(select(BounceScore.score).where(BounceScore.email_hash == known))

    def delivery(self, name: str) -> int:
        """The newest delivery to somebody."""
        with self.store.read() as connection:
            found = connection.scalar(
                select(func.max(Delivery.id))
                .join(Subscription, Subscription.id == Delivery.subscription_id)
                .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
                .where(Subscriber.email == f"{name}@example.net")
            )
        assert found is not None, name
        return found

    def return_path(self, name: str) -> str:
        """Where a bounce about somebody comes to."""
        return encode_return_path(self.secrets, self.delivery(name), BASE)

    def arrive(self, raw: bytes, *, source: str = "pipe", envelope_to: str | None = None) -> bool:
        """Keep one message and decide what waits."""
        new = keep(self.store, raw, source=source, envelope_to=envelope_to)
        self.deciding.process_waiting()
        return new

    def bounce(
        self, name: str, status: str = "5.1.1", words: str = "550 5.1.1 no such user", **more: Any
    ) -> None:
        """A delivery status notification about somebody comes to their return path."""
        self.arrive(dsn(self.return_path(name), f"{name}@example.net", status=status, words=words, **more))

    # --- what became of it --------------------------------------------------------------------

    def reasons(self, name: str) -> set[str]:
        """Why somebody is not mailed."""
        known = address_hash(self.secrets, parse_address(f"{name}@example.net"))
        with self.store.read() as connection:
            rows = connection.scalars(select(Suppression.reason).where(Suppression.email_hash == known))
            return {reason.value for reason in rows}

    def effects(self) -> list[str]:
        """What followed from each report, in order."""
        with self.store.read() as connection:
            return [
                effect.value
                for effect in connection.scalars(select(Report.effect).order_by(Report.id))
                if effect
            ]

    def mails(self) -> list[str]:
        """Where each message stands."""
        with self.store.read() as connection:
            return [
                state.value
                for state in connection.scalars(select(ReturnedMail.state).order_by(ReturnedMail.id))
            ]

    def alerts(self) -> list[str]:
        """What ops were told."""
        with self.store.read() as connection:
            return list(connection.scalars(select(RaisedAlert.kind).order_by(RaisedAlert.id)))


def dsn(
    to: str,
    recipient: str,
    *,
    status: str = "5.1.1",
    words: str = "550 5.1.1 no such user",
    action: str = "failed",
    number: int = 0,
) -> bytes:
    """A notification as Postfix writes it."""
    return (
        f"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.net (Mail Delivery System)\r\nTo: {to}\r\n"
        f"Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n"
        f"Message-ID: <{number}.{status}.{action}@mx.example.net>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nI'm sorry to have to inform you.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; {words}\r\n\r\n--b--\r\n"
    ).encode()

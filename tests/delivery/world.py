"""A campaign on a real store and a sender in this process: what the tests of delivery stand on."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from mailer import clock
from mailer.addresses import parse_address
from mailer.delivery import queries
from mailer.delivery.claim import Claim, Claims
from mailer.delivery.courier import BodyWithheld, Go
from mailer.delivery.dialogue import Timeouts
from mailer.delivery.engine import Engine, EngineOptions
from mailer.delivery.journal import Journal
from mailer.delivery.model import Attempt, Envelope, Outcome
from mailer.delivery.paced import Paced
from mailer.delivery.record import Records
from mailer.delivery.relays import Relay, Relays
from mailer.delivery.retry import RetryPolicy
from mailer.delivery.sender import Letter
from mailer.delivery.smtp import SmtpCourier
from mailer.delivery.watch import Watch
from mailer.settings import SmtpSettings
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
    SYSTEM_STREAM,
    CampaignState,
    DeliveryKind,
    DeliveryState,
    SubscriptionState,
    SuppressionReason,
)

SHORT = Timeouts(connect=2.0, mail=0.6, rcpt=0.6, data=0.6, dot=0.6, rset=0.6, quit=0.2)


def hash_of(name: str) -> bytes:
    """The keyed hash that this world's people have."""
    return hashlib.sha256(name.encode()).digest()


class TinyMessages:
    """Builds a small message per claim, without rendering: the engine is what is tested."""

    def __init__(self) -> None:
        self.failing: dict[str, Exception] = {}

    def prepare(self, claims: Iterable[Claim]) -> None:
        """Nothing to load."""

    def build(self, claim: Claim) -> Letter:
        """One message that names its recipient."""
        address = parse_address(claim.email or claim.context["address"])
        if address.local in self.failing:
            raise self.failing[address.local]
        date = clock.now().replace(microsecond=0)
        message_id = f"{claim.id}.{claim.campaign_tag.hex()}@shop.example"
        data = (
            f"From: news@shop.example\r\nTo: {address}\r\nMessage-ID: <{message_id}>\r\n"
            f"Subject: parts\r\n\r\nHello {address.local}\r\n.\r\n..dots\r\n"
        ).encode()
        envelope = Envelope(f"bounce+{claim.id}@bounce.shop.example", address, str(claim.id))
        return Letter(envelope, data, message_id, hashlib.sha256(data).digest(), date)


@dataclass
class World:
    """One list, one sending campaign, a person per name."""

    store: Store
    root: Path
    list_id: int = 0
    campaign_id: int = 0
    messages: TinyMessages = field(default_factory=TinyMessages)
    bounced: list[Attempt] = field(default_factory=list)  #: refused for good, or once too often
    jitter: Callable[[], float] = lambda: 0.0
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    watch: Watch | None = None

    def build(self, names: Sequence[str] = ()) -> World:
        """Create the list and the campaign, and queue a delivery to everybody named."""
        now = clock.now()
        with self.store.write() as connection:
            self.list_id = connection.execute(
                insert(MailingList)
                .values(name="weekly", list_id="weekly.shop.example", title="Weekly", created_at=now)
                .returning(MailingList.id)
            ).scalar_one()
        self.campaign_id = self.add_campaign("parts", names)
        return self

    def add_campaign(
        self, slug: str, names: Sequence[str], *, state: CampaignState = CampaignState.SENDING
    ) -> int:
        """A campaign of that slug with a queued delivery per name."""
        now = clock.now()
        content = slug.encode()
        digest = hashlib.sha256(content).hexdigest()
        with self.store.write() as connection:
            connection.execute(insert(Artefact).values(hash=digest, content=content, created_at=now))
            campaign = connection.execute(
                insert(Campaign)
                .values(
                    tag=os.urandom(6),
                    slug=slug,
                    subject="parts",
                    list_id=self.list_id,
                    state=state,
                    artefact_hash=digest,
                    scheduled_at=now,
                    timezone="UTC",
                    expected_count=len(names),
                    created_at=now,
                    audience_bound=1,
                    audience_count=len(names),
                    materialised_upto=1,
                )
                .returning(Campaign.id)
            ).scalar_one()
        for name in names:
            domain = name.partition("@")[2].lower() or "example.net"
            self.queue(self.subscribe(name), campaign_id=campaign, domain=domain)
        return campaign

    def subscribe(self, name: str, state: SubscriptionState = SubscriptionState.CONFIRMED) -> int:
        """A person; returns the subscription's id."""
        now = clock.now()
        email = name if "@" in name else f"{name}@example.net"
        with self.store.write() as connection:
            found = connection.execute(
                select(Subscription.id)
                .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
                .where(Subscriber.email_key == email.lower())
            ).scalar()
            if found is not None:
                return found
            person = connection.execute(
                insert(Subscriber)
                .values(
                    email=email,
                    email_key=email.lower(),
                    email_hash=hash_of(name),
                    domain="example.net",
                    language="en",
                    fields={},
                    created_at=now,
                    updated_at=now,
                )
                .returning(Subscriber.id)
            ).scalar_one()
            return connection.execute(
                insert(Subscription)
                .values(
                    subscriber_id=person,
                    list_id=self.list_id,
                    tag=os.urandom(16),
                    state=state,
                    source="form",
                    requested_at=now,
                )
                .returning(Subscription.id)
            ).scalar_one()

    def queue(
        self,
        subscription_id: int | None,
        *,
        campaign_id: int | None = None,
        kind: DeliveryKind = DeliveryKind.CAMPAIGN,
        **values: Any,
    ) -> int:
        """A delivery that is due now."""
        now = clock.now()
        row = {
            "stream": campaign_id or SYSTEM_STREAM,
            "kind": kind,
            "campaign_id": campaign_id,
            "subscription_id": subscription_id,
            "domain": "example.net",
            "state": DeliveryState.QUEUED,
            "next_attempt_at": now,
            "created_at": now,
        }
        with self.store.write() as connection:
            return connection.execute(
                insert(Delivery).values(**row | values).returning(Delivery.id)
            ).scalar_one()

    def queue_proof(self, name: str = "ops") -> int:
        """A piece of system mail."""
        return self.queue(None, kind=DeliveryKind.PROOF, context={"address": f"{name}@shop.example"})

    # --- what happens to people and campaigns meanwhile -------------------------------------

    def set_campaign(self, state: CampaignState, campaign_id: int | None = None) -> None:
        """Pause, cancel, resume."""
        with self.store.write() as connection:
            connection.execute(
                update(Campaign).where(Campaign.id == (campaign_id or self.campaign_id)).values(state=state)
            )

    def leave(self, name: str, *, skip_waiting: bool = False) -> None:
        """A person opts out; the deliveries are left as they are unless asked."""
        with self.store.write() as connection:
            subscription = self._subscription(connection, name)
            connection.execute(
                update(Subscription)
                .where(Subscription.id == subscription)
                .values(state=SubscriptionState.UNSUBSCRIBED)
            )
        self.suppress(name, SuppressionReason.UNSUBSCRIBED, list_id=self.list_id)

    def suppress(self, name: str, reason: SuppressionReason, *, list_id: int = ALL_LISTS) -> None:
        """An address is not to be mailed."""
        with self.store.write() as connection:
            connection.execute(
                insert(Suppression).values(
                    email_hash=hash_of(name),
                    list_id=list_id,
                    reason=reason,
                    source="test",
                    created_at=clock.now(),
                )
            )

    def _subscription(self, connection: Any, name: str) -> int:
        found: int = connection.execute(
            select(Subscription.id)
            .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
            .where(Subscriber.email == f"{name}@example.net")
        ).scalar_one()
        return found

    # --- looking ------------------------------------------------------------------------------

    def rows(self) -> list[Any]:
        """Every delivery, in order."""
        with self.store.read() as connection:
            return list(connection.execute(select(Delivery.__table__).order_by(Delivery.id)))

    def row(self, delivery_id: int) -> Any:
        """One delivery."""
        return next(row for row in self.rows() if row.id == delivery_id)

    def states(self) -> dict[str, str]:
        """The state of each person's delivery, by name."""
        with self.store.read() as connection:
            found = connection.execute(
                select(Subscriber.email, Delivery.state)
                .join(Subscription, Subscription.subscriber_id == Subscriber.id)
                .join(Delivery, Delivery.subscription_id == Subscription.id)
            )
            return {row.email.partition("@")[0]: row.state.value for row in found}

    def counts(self) -> dict[str, int]:
        """Deliveries per state."""
        with self.store.read() as connection:
            return Counter(state.value for state in connection.scalars(select(Delivery.state)))

    def make_due(self) -> None:
        """Let every waiting delivery be due now."""
        with self.store.write() as connection:
            connection.execute(
                update(Delivery)
                .where(Delivery.next_attempt_at.is_not(None))
                .values(next_attempt_at=clock.now() - timedelta(seconds=1))
            )

    # --- sending ------------------------------------------------------------------------------

    @property
    def records(self) -> Records:
        """How this world records outcomes."""
        return Records(self.policy, lambda _connection, attempts: self.bounced.extend(attempts), self.jitter)

    @property
    def dead(self) -> list[int]:
        """Deliveries of which a server said that nobody is there."""
        return sorted(one.delivery_id for one in self.bounced if one.outcome and one.outcome.suppress)

    def new_worker(self) -> tuple[int, Journal]:
        """A registered worker and its journal."""
        journal = Journal.create(self.root / "journals")
        with self.store.write() as connection:
            worker = queries.add_worker(
                connection, host="here", pid=os.getpid(), journal=str(journal.path), now=clock.now()
            )
        return worker, journal

    def engine(
        self,
        *ports: int,
        connections: int = 2,
        relays: Sequence[Relay] = (),
        paced: Paced | None = None,
        **options: Any,
    ) -> tuple[Engine, Journal]:
        """An engine that sends to a server on this port, to servers on several, or to these relays."""
        worker, journal = self.new_worker()
        engine = Engine(
            self.store,
            worker_id=worker,
            claims=Claims(self.store, worker),
            records=self.records,
            journal=journal,
            messages=self.messages,
            relays=Relays(relays or [relay(port, connections=connections) for port in ports]),
            paced=paced,
            options=EngineOptions(**{"stop_seconds": 2.0} | options),
            watch=self.watch,
        )
        return engine, journal

    @asynccontextmanager
    async def sending(self, *ports: int, **options: Any) -> Any:
        """An engine at work while the block runs; then stopped cleanly."""
        engine, journal = self.engine(*ports, **options)
        stop = asyncio.Event()
        task = asyncio.create_task(engine.run(stop))
        try:
            yield task
        finally:
            stop.set()
            clean = await task
            journal.close(remove=clean)

    async def send_all(self, *ports: int, seconds: float = 8.0, **options: Any) -> None:
        """Send until nothing is waiting or under way, or the time is over."""
        async with self.sending(*ports, **options):
            await self.settled(seconds=seconds)

    async def settled(self, *, seconds: float = 8.0) -> None:
        """Wait until nothing is due or being attempted."""
        await until(self._is_settled, seconds=seconds)

    def _is_settled(self) -> bool:
        now = clock.now()
        return not any(
            row.state is DeliveryState.ATTEMPTING
            or (row.next_attempt_at is not None and row.next_attempt_at <= now)
            for row in self.rows()
        )


class Package:
    """One message in the courier's hands, and what it was told about it."""

    def __init__(
        self, envelope: Envelope, data: bytes, *, before_body: Callable[[Go], None] = lambda go: go(None)
    ) -> None:
        self.envelope = envelope
        self.data = data
        self.before_body = before_body
        self.outcomes: list[Outcome] = []
        self.withheld_for: list[BodyWithheld] = []

    def ended(self, outcome: Outcome) -> None:
        """This became of it."""
        self.outcomes.append(outcome)

    def withheld(self, reason: BodyWithheld) -> None:
        """Nothing of its body left."""
        self.withheld_for.append(reason)

    @property
    def outcome(self) -> Outcome:
        """What became of it, told exactly once."""
        (outcome,) = self.outcomes
        return outcome


def intended(journal: Journal, attempt: Attempt) -> asyncio.Future[None]:
    """Done when the journal holds the intent; fails with what forbids the body."""
    written: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def go(refusal: BodyWithheld | None) -> None:
        if refusal is None:
            written.set_result(None)
        else:
            written.set_exception(refusal)

    journal.intend(attempt, go)
    return written


def courier(port: int, timeouts: Timeouts = SHORT, **settings: Any) -> SmtpCourier:
    """A courier to a server on this host."""
    relay = SmtpSettings(**{"host": "127.0.0.1", "port": port, "tls": "none"} | settings)
    return SmtpCourier(relay, ehlo_name="sender.shop.example", timeouts=timeouts)


def relay(port: int, *, name: str = "", connections: int = 2, **options: Any) -> Relay:
    """A relay on this host; by default it takes everything, with a weight of 1."""
    return Relay(name or f"relay{port}", connections, lambda: courier(port), **options)


async def until(condition: Callable[[], bool], *, seconds: float = 8.0) -> None:
    """Poll until it holds; fail when it does not in time."""
    deadline = clock.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        if clock.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        await asyncio.sleep(0.02)

"""Judge one sign-up: caps, suppressions, then a pending subscription and its confirmation mail."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from mailer import clock
from mailer.addresses import EmailAddress
from mailer.audit import Ledger
from mailer.keyring import Secrets, address_hash
from mailer.settings import Settings
from mailer.store.vocabulary import Stream
from mailer.subscribers import caps, queries
from mailer.subscribers.evidence import Evidence
from mailer.subscribers.links import NONCE_BYTES
from mailer.subscribers.model import Event, SignupVerdict, after, judge_signup
from mailer.tokens import TAG_BYTES


@dataclass(frozen=True, slots=True)
class Signup:
    """A wish to join a list, with what it is founded on."""

    list_name: str
    address: EmailAddress
    evidence: Evidence
    source: str  #: "form", "api", "staff", "import:<name>"
    fields: Mapping[str, Any] = field(default_factory=dict)
    asked_back: bool = False  #: "I left by mistake", from the page of an opt-out link
    capped_by: frozenset[str] = caps.PUBLIC


class Judge:
    """Turns sign-ups into verdicts, inside the caller's write transaction."""

    def __init__(self, settings: Settings, secrets: Secrets, ledger: Ledger) -> None:
        self.caps = caps.Caps(secrets, settings.privacy)
        self._life = timedelta(days=settings.privacy.unconfirmed_days)
        self._secrets = secrets
        self._ledger = ledger

    def judge(self, connection: Connection, signup: Signup) -> SignupVerdict:
        """Queue a confirmation mail if this sign-up deserves one, and say what it came to."""
        now = clock.now()
        self.caps.enter(connection, now)
        joined = queries.active_list(connection, signup.list_name)
        if joined is None:
            return SignupVerdict.NO_LIST
        email_hash = address_hash(self._secrets, signup.address)
        person = queries.lock_person_of_hash(connection, email_hash)
        standing = queries.standing_on_list(connection, person, list_id=joined.id) if person else None
        reasons = queries.reasons_in_scope(connection, email_hash, list_id=joined.id)
        verdict = judge_signup(standing.state if standing else None, reasons)
        if verdict is not SignupVerdict.INVITED:
            return verdict
        keys = self.caps.keys(signup.address, signup.evidence.ip, kinds=signup.capped_by)
        if self.caps.exceeded(connection, keys, now):
            return SignupVerdict.CAPPED
        self.caps.count(connection, keys.values(), now)
        self._invite(connection, signup, joined=joined, email_hash=email_hash, standing=standing, now=now)
        return verdict

    def _invite(
        self,
        connection: Connection,
        signup: Signup,
        *,
        joined: queries.ListRow,
        email_hash: bytes,
        standing: queries.Standing | None,
        now: datetime,
    ) -> None:
        """Give the subscription a new nonce and life, and the confirmation mail a place in the queue."""
        step = {
            "state": after(standing.state if standing else None, Event.REQUEST),
            "source": signup.source,
            "requested_at": now,
            "expires_at": now + self._life,
            # A new nonce: the link of an earlier mail is void from here on (D3).
            "confirm_nonce": os.urandom(NONCE_BYTES),
        }
        if standing:
            subscription = standing.subscription_id
            queries.void_confirmation(connection, subscription, now=now)
            queries.change_subscription(connection, subscription, **step)
        else:
            person = queries.ensure_person(
                connection, signup.address, email_hash=email_hash, language=signup.evidence.language, now=now
            )
            subscription = queries.add_subscription(
                connection, subscriber_id=person, list_id=joined.id, tag=os.urandom(TAG_BYTES), **step
            )
        delivery = queries.queue_confirmation(connection, subscription, domain=signup.address.domain, now=now)
        consent = self._record(connection, signup, email_hash=email_hash, delivery=delivery)
        queries.change_subscription(connection, subscription, consent_id=consent)

    def _record(self, connection: Connection, signup: Signup, *, email_hash: bytes, delivery: int) -> int:
        """The first half of the evidence (C3); what was asked for is taken over when it is confirmed."""
        return self._ledger.append(
            connection,
            stream=Stream.CONSENT,
            event="resubscribe_requested" if signup.asked_back else "requested",
            subject=email_hash,
            payload={
                **signup.evidence.as_payload(),
                "list": signup.list_name,
                "source": signup.source,
                "fields": dict(signup.fields),
                "delivery": delivery,
            },
        )

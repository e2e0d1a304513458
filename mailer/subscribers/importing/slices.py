"""One slice of an import: look all its people up in three statements, write them in a few more."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, update

from mailer import clock
from mailer.audit import Entry, Ledger
from mailer.settings import PrivacySettings
from mailer.store.bulk import insert_rows
from mailer.store.ids import next_ids
from mailer.store.schema import Delivery, Subscriber, Subscription
from mailer.store.vocabulary import DeliveryKind, SkipReason, Stream, SubscriptionState
from mailer.subscribers import queries
from mailer.subscribers.caps import Caps
from mailer.subscribers.importing import reasons
from mailer.subscribers.importing.decisions import NOBODY, Action, decide
from mailer.subscribers.importing.invitations import Pacer
from mailer.subscribers.importing.lookup import lock_people, look_up
from mailer.subscribers.importing.model import Decided, Target
from mailer.subscribers.importing.refusals import refusal_payload, suppress_all
from mailer.subscribers.importing.rows import ImportRow
from mailer.subscribers.links import NONCE_BYTES
from mailer.subscribers.model import after

#: The longest that data of someone who never confirmed may be kept (C7); an invitation shortens it.
UNINVITED_LIFE = timedelta(days=30)


@dataclass(slots=True)
class Written:
    """What one slice came to."""

    decided: list[Decided]
    fields_filled: int = 0
    invited: list[datetime] = field(default_factory=list)


class SliceWriter:
    """Decides and writes slices, each inside the caller's transaction."""

    def __init__(
        self, target: Target, ledger: Ledger, *, caps: Caps, privacy: PrivacySettings, pacer: Pacer
    ) -> None:
        self._target = target
        self._ledger = ledger
        self._caps = caps
        self._pacer = pacer
        self._life = timedelta(days=privacy.unconfirmed_days)

    def judge(self, connection: Connection, rows: Sequence[ImportRow]) -> Written:
        """Decide for each row; changes nothing. No address may occur twice."""
        held = look_up(connection, self._target.list_id, [row.email_hash for row in rows])
        decided = []
        for row in rows:
            known = held.get(row.email_hash, NOBODY)
            decided.append(Decided(row, known, decide(row, known, invite=self._target.invite)))
        written = Written(decided)
        if self._target.invite:
            self._plan_invitations(connection, written)
        return written

    def write(self, connection: Connection, rows: Sequence[ImportRow]) -> Written:
        """Decide and write; holds when the caller's transaction does."""
        if connection.dialect.name == "postgresql":
            lock_people(connection, [row.email_hash for row in rows])
        written = self.judge(connection, rows)
        now = clock.now()
        by_action: dict[Action, list[Decided]] = defaultdict(list)
        for one in written.decided:
            by_action[one.decision.action].append(one)
        self._write_people(connection, by_action[Action.ADD], now)
        changed = by_action[Action.ADD] + by_action[Action.PROMOTE] + by_action[Action.INVITE]
        _allocate(connection, changed)
        self._record(connection, changed, by_action[Action.SUPPRESS])
        self._write_subscriptions(connection, by_action[Action.ADD], now)
        self._change_subscriptions(connection, by_action[Action.PROMOTE] + by_action[Action.INVITE])
        self._write_invitations(connection, changed, now)
        suppress_all(connection, self._target, by_action[Action.SUPPRESS], now=now)
        written.fields_filled = _fill_fields(connection, written.decided, now)
        return written

    def _plan_invitations(self, connection: Connection, written: Written) -> None:
        """Give every row that is held a due time, unless its address was mailed too often lately."""
        wanted = [one for one in written.decided if _wants_invitation(one)]
        counters = [self._caps.address_key(one.row.address) for one in wanted]
        over = self._caps.over(connection, counters, clock.now()) if wanted else set()
        allowed = []
        for one, counter in zip(wanted, counters, strict=True):
            if counter not in over:
                allowed.append(one)
            else:
                nothing = one.decision.action is Action.INVITE
                action = Action.NOTHING if nothing else one.decision.action
                one.decision = one.decision._replace(action=action, key=reasons.PENDING_CAPPED)
        written.invited = self._pacer.peek(len(allowed))
        for one, due in zip(allowed, written.invited, strict=True):
            one.due = due

    def _write_people(self, connection: Connection, added: list[Decided], now: datetime) -> None:
        new = [one for one in added if one.held.subscriber_id is None]
        for one, row_id in zip(new, next_ids(connection, Subscriber, len(new)), strict=True):
            one.subscriber_id = row_id
        for one in added:
            one.subscriber_id = one.held.subscriber_id or one.subscriber_id
        insert_rows(connection, Subscriber, _PERSON, [self._person(one, now) for one in new])

    def _person(self, one: Decided, now: datetime) -> tuple[Any, ...]:
        row, address = one.row, one.row.address
        language = row.language or self._target.language
        return (
            *(one.subscriber_id, str(address), address.key, row.email_hash, address.domain),
            *(language, row.fields, now, now),
        )

    def _write_subscriptions(self, connection: Connection, added: list[Decided], now: datetime) -> None:
        rows = []
        for one in added:
            whose = (one.subscription_id, one.subscriber_id, self._target.list_id, one.row.tag)
            rows.append((*whose, self._target.source, now, *self._step(one, now)))
        insert_rows(connection, Subscription, (*_SUBSCRIPTION, *_STEP), rows)

    def _step(self, one: Decided, now: datetime) -> tuple[Any, ...]:
        """The columns of a subscription that say where it stands."""
        assert one.decision.event is not None
        state = after(one.held.state, one.decision.event)
        if state is SubscriptionState.CONFIRMED:
            return state, None, None, one.row.consent.at if one.row.consent else now, one.ledger_id
        if one.due is None:
            return state, now + UNINVITED_LIFE, None, None, one.ledger_id
        return state, one.due + self._life, os.urandom(NONCE_BYTES), None, one.ledger_id

    def _change_subscriptions(self, connection: Connection, changed: list[Decided]) -> None:
        """Confirm what was pending, invite what was not."""
        if not changed:
            return
        now = clock.now()
        promoted = [one.subscription_id for one in changed if one.decision.action is Action.PROMOTE]
        queries.skip_waiting(connection, promoted, reason=SkipReason.STALE, now=now)
        statement = (
            update(Subscription)
            .where(Subscription.id == bindparam("target"))
            .values({name: bindparam(name) for name in _STEP})
        )
        steps = [dict(zip(_STEP, self._step(one, now), strict=True)) for one in changed]
        connection.execute(
            statement,
            [{"target": one.subscription_id, **step} for one, step in zip(changed, steps, strict=True)],
        )

    def _write_invitations(self, connection: Connection, changed: list[Decided], now: datetime) -> None:
        invited = [one for one in changed if one.due is not None]
        if not invited:
            return
        connection.execute(insert(Delivery), [_invitation(one, now) for one in invited])
        self._caps.count(connection, [self._caps.address_key(one.row.address) for one in invited], now)

    def _record(self, connection: Connection, changed: list[Decided], suppressed: list[Decided]) -> None:
        """One consent record for each person whose standing changes."""
        entries = [
            Entry(Stream.CONSENT, "imported", self._payload(one), one.row.email_hash) for one in changed
        ] + [
            Entry(Stream.CONSENT, "suppressed", refusal_payload(one, self._target), one.row.email_hash)
            for one in suppressed
        ]
        ids = self._ledger.append_many(connection, entries)
        for one, ledger_id in zip(changed, ids, strict=False):
            one.ledger_id = ledger_id

    def _payload(self, one: Decided) -> dict[str, object]:
        payload: dict[str, object] = {
            "list": self._target.list_name,
            "source": self._target.source,
            "origin": self._target.origin,
            "line": one.row.line,
            "outcome": one.decision.key,
        }
        if self._target.declaration.by:
            payload["declared_by"] = self._target.declaration.by
        if one.delivery_id is not None:
            payload["delivery"] = one.delivery_id
        if consent := one.row.consent:
            payload["consent"] = {
                name: value
                for name, value in (
                    ("at", consent.at_text),
                    ("ip", consent.ip),
                    ("evidence", consent.note),
                    ("requested_at", consent.requested_at),
                    ("requested_ip", consent.requested_ip),
                )
                if value
            }
        return payload


_PERSON = (
    *("id", "email", "email_key", "email_hash", "domain"),
    *("language", "fields", "created_at", "updated_at"),
)
_SUBSCRIPTION = ("id", "subscriber_id", "list_id", "tag", "source", "requested_at")
_STEP = ("state", "expires_at", "confirm_nonce", "confirmed_at", "consent_id")


def _wants_invitation(one: Decided) -> bool:
    held = one.decision.event is not None and one.decision.key.startswith("pending.")
    return held and one.decision.action in (Action.ADD, Action.INVITE)


def _invitation(one: Decided, now: datetime) -> dict[str, Any]:
    mail = queries.system_mail(DeliveryKind.CONFIRMATION, domain=one.row.address.domain, now=now, due=one.due)
    return {"id": one.delivery_id, "subscription_id": one.subscription_id, **mail}


def _allocate(connection: Connection, changed: list[Decided]) -> None:
    """The ids of subscriptions and deliveries, before they are written: the ledger names them."""
    added = [one for one in changed if one.held.subscription_id is None]
    for one, row_id in zip(added, next_ids(connection, Subscription, len(added)), strict=True):
        one.subscription_id = row_id
    for one in changed:
        one.subscription_id = one.held.subscription_id or one.subscription_id
    invited = [one for one in changed if one.due is not None]
    for one, row_id in zip(invited, next_ids(connection, Delivery, len(invited)), strict=True):
        one.delivery_id = row_id


def _fill_fields(connection: Connection, decided: list[Decided], now: datetime) -> int:
    """Merge fields that a known person lacks; what they have, and who said no, is left alone."""
    changes = []
    for one in decided:
        if one.held.subscriber_id is None or one.decision.event is None:
            continue
        if one.decision.key.startswith(reasons.KEPT_OUT):
            continue
        missing = {name: value for name, value in one.row.fields.items() if name not in one.held.fields}
        if missing:
            fields = {**one.held.fields, **missing}
            changes.append({"target": one.held.subscriber_id, "new_fields": fields, "now": now})
    if changes:
        statement = (
            update(Subscriber)
            .where(Subscriber.id == bindparam("target"))
            .values(fields=bindparam("new_fields"), updated_at=bindparam("now"))
        )
        connection.execute(statement, changes)
    return len(changes)

"""What waits for a person, and what a person decides about single messages."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from mailer.addresses import AddressInvalid, parse_address
from mailer.audit import Ledger
from mailer.bounces.deciding.alike import members
from mailer.bounces.deciding.effects import Effects
from mailer.bounces.deciding.model import MailUnknown, OpenFreeze, Review, ReviewMail
from mailer.bounces.deciding.policy import ALIKE_WITHIN
from mailer.bounces.deciding.reading import raw_or_none, reading_of
from mailer.store import Store
from mailer.store.schema import Campaign, Freeze, Report, ReturnedMail, Subscriber
from mailer.store.vocabulary import (
    FreezeScope,
    ReportEffect,
    ReturnedState,
    Stream,
    SuppressionReason,
)

_OPEN = (ReturnedState.REVIEW, ReturnedState.UNREADABLE)


def review(store: Store, *, limit: int) -> Review:
    """Open alarms, oldest first, and the newest messages that wait. Raises StoreError."""
    with store.read() as connection:
        freezes = connection.execute(
            select(Freeze.__table__).where(Freeze.closed_at.is_(None)).order_by(Freeze.id)
        ).all()
        rows = connection.execute(
            select(
                ReturnedMail.id,
                ReturnedMail.received_at,
                ReturnedMail.source,
                ReturnedMail.kind,
                ReturnedMail.rule,
                ReturnedMail.note,
                ReturnedMail.state,
            )
            .where(ReturnedMail.state.in_(_OPEN))
            .order_by(ReturnedMail.id.desc())
            .limit(limit)
        ).all()
        return Review(
            freezes=tuple(
                OpenFreeze(
                    row.id,
                    row.scope.value,
                    row.key,
                    _label(connection, row.scope, row.key),
                    row.reason,
                    row.opened_at,
                    _people(connection, row),
                    dict(row.facts),
                )
                for row in freezes
            ),
            mails=tuple(
                ReviewMail(
                    row.id,
                    row.received_at,
                    row.source,
                    None if row.kind is None else row.kind.value,
                    row.rule,
                    row.note,
                    row.state.value,
                )
                for row in rows
            ),
        )


def _label(connection: Connection, scope: FreezeScope, key: str) -> str:
    if scope is FreezeScope.PROVIDER:
        return key
    return connection.scalar(select(Campaign.slug).where(Campaign.id == int(key))) or key


def _people(connection: Connection, freeze: object) -> int:
    since = freeze.opened_at - ALIKE_WITHIN  # type: ignore[attr-defined]  # a row of freezes
    frozen = members(freeze.scope, freeze.key, freeze.reason, since=since)  # type: ignore[attr-defined]  # likewise
    statement = select(func.count(Report.email_hash.distinct())).where(
        frozen, Report.effect == ReportEffect.FROZEN
    )
    return connection.scalar(statement) or 0


def dismiss(store: Store, ledger: Ledger, mail_id: int, *, why: str) -> None:
    """Take one message off the list. Raises MailUnknown."""
    with store.write() as connection:
        changed = connection.execute(
            update(ReturnedMail)
            .where(ReturnedMail.id == mail_id, ReturnedMail.state.in_(_OPEN))
            .values(state=ReturnedState.DISMISSED)
        )
        if changed.rowcount != 1:
            raise MailUnknown(f"No message {mail_id} waits to be looked at; see `mailer bounce review`.")
        payload = {"mail": mail_id, "why": why}
        ledger.append(connection, stream=Stream.AUDIT, event="dismissed", payload=payload)


def message(store: Store, ledger: Ledger, mail_id: int) -> bytes:
    """A message as it came; it names people, so the look is recorded (F4). Raises MailUnknown."""
    with store.write() as connection:
        raw = raw_or_none(connection, mail_id)
        if not raw:
            raise MailUnknown(f"There is no message {mail_id}, or it is not kept any more.")
        ledger.append(connection, stream=Stream.AUDIT, event="returned_mail_shown", payload={"mail": mail_id})
        return raw


def opt_out(store: Store, effects: Effects, mail_id: int, *, why: str) -> bool:
    """Opt out who wrote a message that waits, by a person's word; False: nobody of that address is stored.

    Raises MailUnknown.
    """
    with store.write() as connection:
        waiting = select(ReturnedMail.source).where(
            ReturnedMail.id == mail_id, ReturnedMail.state == ReturnedState.REVIEW
        )
        source = connection.scalar(waiting.with_for_update())
        raw = None if source is None else raw_or_none(connection, mail_id)
        reading = None if source is None or not raw else reading_of(source, raw, mail_id=mail_id)
        if reading is None or not reading.sender:
            raise MailUnknown(f"No message {mail_id} with a sender waits; see `mailer bounce review`.")
        left = suppress_sender(connection, effects, reading.sender, note=f"wrote so; by staff: {why}")
        mine = update(ReturnedMail).where(ReturnedMail.id == mail_id)
        connection.execute(
            mine.values(state=ReturnedState.SETTLED, note="Left all lists, by a person's word.")
        )
        return left


VOUCHED = "wrote so, and their server vouches for it"


def suppress_sender(connection: Connection, effects: Effects, sender: str, *, note: str = VOUCHED) -> bool:
    """Opt out whoever wrote, on every list; False when nobody of that address is stored (C33)."""
    try:
        key = parse_address(sender).key
    except AddressInvalid:
        return False
    email_hash = connection.scalar(select(Subscriber.email_hash).where(Subscriber.email_key == key))
    if email_hash is None:
        return False
    effects.suppress(connection, email_hash, SuppressionReason.UNSUBSCRIBED, note=note[:500])
    return True

"""Forget raw mails once their retention is over (C24); what was read in them stays."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import null, select, update

from mailer import clock
from mailer.store import Store
from mailer.store.schema_returns import ReturnedMail
from mailer.store.vocabulary import ReturnedState

#: Mails per transaction: they are large, and an opt-out may wait for the lock.
SLICE = 50


def forget_old_mails(store: Store, *, keep_days: int) -> int:
    """Empty what is older, with the address that it came to; returns how many.

    What nobody has read yet stays: it would count for nothing. Raises StoreError.
    """
    before = clock.now() - timedelta(days=keep_days)
    old = (
        select(ReturnedMail.id)
        .where(
            ReturnedMail.received_at < before,
            ReturnedMail.raw.is_not(None),
            ReturnedMail.state != ReturnedState.WAITING,
        )
        .order_by(ReturnedMail.received_at)
        .limit(SLICE)
    )
    total = 0
    while True:
        with store.write() as connection:
            ids = connection.scalars(old).all()
            statement = update(ReturnedMail).where(ReturnedMail.id.in_(ids))
            connection.execute(statement.values(raw=null(), envelope_to=null()))
        total += len(ids)
        if len(ids) < SLICE:
            return total
        store.let_others_write()

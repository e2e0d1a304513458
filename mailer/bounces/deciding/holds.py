"""What becomes of a hold when its day is over (A76)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from mailer.bounces.deciding.effects import Effects
from mailer.store import Store
from mailer.store.bulk import breathe
from mailer.store.schema import Hold, Report
from mailer.store.vocabulary import HoldEnd, ReportEffect

#: Holds ended in one transaction.
_SLICE = 100


def ripen(store: Store, effects: Effects, *, now: datetime) -> int:
    """Suppress whoever was held for long enough; returns how many. Raises StoreError.

    A hold that an alarm covered was ended when the alarm was raised: what is due here is nobody's
    doing but the address's own.
    """
    done = 0
    while True:
        with store.write() as connection:
            due = connection.execute(
                select(Hold.id, Hold.email_hash, Hold.report_id)
                .where(Hold.due_at <= now)
                .order_by(Hold.due_at, Hold.id)
                .limit(_SLICE)
                .with_for_update(skip_locked=True)
            ).all()
            for row in sorted(due, key=lambda row: bytes(row.email_hash)):
                effects.believe(connection, row.email_hash)
                ended = {"due_at": None, "end": HoldEnd.SUPPRESSED, "ended_at": now}
                connection.execute(update(Hold).where(Hold.id == row.id).values(**ended))
                connection.execute(
                    update(Report)
                    .where(Report.id == row.report_id, Report.effect == ReportEffect.HELD)
                    .values(effect=ReportEffect.SUPPRESSED)
                )
        done += len(due)
        if len(due) < _SLICE:
            return done
        breathe(store)

"""What time does: a hold's day ends, a false alarm is undone, and whoever gets mail again is free (A76, A78)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from mailer.bounces.deciding.alarm import Alarms
from mailer.bounces.deciding.alike import Place, covering
from mailer.bounces.deciding.effects import SOURCE, Effects, has_success, last_bounced
from mailer.bounces.deciding.policy import SUCCESS_AFTER
from mailer.store import Store
from mailer.store.schema import Hold, Report, Suppression
from mailer.store.vocabulary import HoldEnd, ReportEffect, ReportSeverity, SuppressionReason

#: People acted on in one transaction.
_SLICE = 100
#: What arrived before a suppression shows so within SUCCESS_AFTER; then nothing more can arrive.
_LOOKED_BACK = SUCCESS_AFTER + timedelta(days=2)


def ripen(store: Store, effects: Effects, alarms: Alarms, *, now: datetime) -> int:
    """Do what is due; returns how many people it was about. Raises StoreError."""
    slices: tuple[Callable[[Connection], int], ...] = (
        lambda connection: alarms.apply_discarded(connection, limit=_SLICE, now=now),
        lambda connection: _end_holds(connection, effects, now=now),
    )
    done = sum(_all_of(store, one) for one in slices)
    return done + _free_the_living(store, effects, now=now)


def _all_of(store: Store, step: Callable[[Connection], int]) -> int:
    done = 0
    while True:
        with store.write() as connection:
            count = step(connection)
        done += count
        if count < _SLICE:
            return done
        store.let_others_write()


def _end_holds(connection: Connection, effects: Effects, *, now: datetime) -> int:
    """Suppress who was held for long enough, but for whom an alarm covers that was raised meanwhile."""
    due = connection.execute(
        select(Hold.id, Hold.email_hash, Hold.provider, Hold.campaign_id, Hold.report_id)
        .where(Hold.due_at <= now)
        .order_by(Hold.due_at, Hold.id)
        .limit(_SLICE)
        .with_for_update(skip_locked=True)
    ).all()
    for row in sorted(due, key=lambda row: bytes(row.email_hash)):
        group = connection.scalar(select(Report.cause_group).where(Report.id == row.report_id)) or ""
        frozen = covering(connection, Place(row.provider, row.campaign_id, group), now=now)
        if frozen:
            why, held = "many failed alike", (SuppressionReason.HELD,)
            effects.free(connection, row.email_hash, held, why=why, end=HoldEnd.RELEASED, now=now)
            effect = ReportEffect.FROZEN
        else:
            believed = effects.believe(connection, row.email_hash)
            end = HoldEnd.SUPPRESSED if believed else HoldEnd.LIFTED
            ended = {"due_at": None, "end": end, "ended_at": now}
            connection.execute(update(Hold).where(Hold.id == row.id).values(**ended))
            effect = ReportEffect.SUPPRESSED if believed else ReportEffect.RELEASED
        same = Report.email_hash == row.email_hash, Report.effect == ReportEffect.HELD
        connection.execute(update(Report).where(*same).values(effect=effect))
    return len(due)


def _free_the_living(store: Store, effects: Effects, *, now: datetime) -> int:
    """Lift what soft scores did to people of whom later mail turns out to have arrived (A78)."""
    with store.read() as connection:
        young = select(Suppression.email_hash).where(
            Suppression.reason == SuppressionReason.SOFT_BOUNCE,
            Suppression.source == SOURCE,
            Suppression.created_at > now - _LOOKED_BACK,
        )
        alive = [one for one in connection.scalars(young) if _is_alive(connection, one, now=now)]
    for email_hash in sorted(alive):
        with store.write() as connection:
            why, soft = "later mail arrived", (SuppressionReason.SOFT_BOUNCE,)
            effects.free(connection, email_hash, soft, why=why, end=HoldEnd.LIFTED, now=now)
            effects.forget_score(connection, email_hash)
            counted = Report.email_hash == email_hash, Report.severity == ReportSeverity.SOFT
            connection.execute(
                update(Report)
                .where(*counted, Report.effect == ReportEffect.SUPPRESSED)
                .values(effect=ReportEffect.RELEASED)
            )
        store.let_others_write()
    return len(alive)


def _is_alive(connection: Connection, email_hash: bytes, *, now: datetime) -> bool:
    bounced = last_bounced(connection, email_hash)
    return bounced is not None and has_success(
        connection, email_hash, after=bounced, before=now - SUCCESS_AFTER
    )

"""What a report does to a person, in the caller's transaction: held, scored, suppressed, or set free again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from mailer.audit import Ledger
from mailer.bounces.deciding.policy import SUCCESS_AFTER, Limits, Score, is_too_much, scored
from mailer.store.bulk import dialect_insert
from mailer.store.schema import BounceScore, Delivery, Hold, Report, Subscriber, Subscription, Suppression
from mailer.store.types import UtcDateTime
from mailer.store.vocabulary import (
    ALL_LISTS,
    DeliveryState,
    HoldEnd,
    ReportEffect,
    Stream,
    SuppressionReason,
)
from mailer.subscribers import queries
from mailer.subscribers.suppressions import Block, suppress

SOURCE = "bounces"


class Effects:
    """The writing side of the policy."""

    def __init__(self, ledger: Ledger, limits: Limits) -> None:
        self._ledger = ledger
        self._limits = limits

    def hold(
        self,
        connection: Connection,
        email_hash: bytes,
        *,
        report_id: int,
        provider: str,
        campaign_id: int | None,
        note: str,
        now: datetime,
    ) -> ReportEffect:
        """Mail nothing to this address for a day; then `ripen` suppresses it (A76)."""
        block = Block(email_hash, SuppressionReason.HELD, source=SOURCE, note=note)
        if suppress(connection, self._ledger, block):
            connection.execute(
                insert(Hold).values(
                    email_hash=email_hash,
                    report_id=report_id,
                    provider=provider,
                    campaign_id=campaign_id,
                    held_at=now,
                    due_at=now + self._limits.hold,
                )
            )
        return ReportEffect.HELD

    def score(self, connection: Connection, email_hash: bytes, *, note: str, now: datetime) -> ReportEffect:
        """Count one soft bounce; suppress when it is one too many (A78)."""
        queries.lock_person_of_hash(connection, email_hash)
        row = connection.execute(
            select(BounceScore.score, BounceScore.first_at, BounceScore.last_at).where(
                BounceScore.email_hash == email_hash
            )
        ).first()
        before = None if row is None else Score(row.score, row.first_at, row.last_at)
        sent_at = None if before is None else last_bounced(connection, email_hash)
        success = sent_at is not None and has_success(
            connection, email_hash, after=sent_at, before=now - SUCCESS_AFTER
        )
        after = scored(before, at=now, had_success=success)
        if after is None:
            return ReportEffect.NOTED
        save_score(connection, email_hash, after)
        if not is_too_much(after, self._limits):
            return ReportEffect.SCORED
        block = Block(email_hash, SuppressionReason.SOFT_BOUNCE, source=SOURCE, note=note)
        suppress(connection, self._ledger, block)
        return ReportEffect.SUPPRESSED

    def believe(self, connection: Connection, email_hash: bytes) -> bool:
        """A hold becomes a suppression; False: somebody has lifted it meanwhile, and it stays lifted."""
        queries.lock_person_of_hash(connection, email_hash)
        held = queries.remove_suppressions(
            connection, email_hash, reasons=(SuppressionReason.HELD,), list_ids=(ALL_LISTS,)
        )
        if held:
            note = "A hard bounce, believed after its day of grace."
            self.suppress(connection, email_hash, SuppressionReason.HARD_BOUNCE, note=note)
        return bool(held)

    def suppress(
        self, connection: Connection, email_hash: bytes, reason: SuppressionReason, *, note: str
    ) -> ReportEffect:
        """Mail nothing to this address any more, on any list (A82)."""
        suppress(connection, self._ledger, Block(email_hash, reason, source=SOURCE, note=note))
        return ReportEffect.SUPPRESSED

    def free(
        self,
        connection: Connection,
        email_hash: bytes,
        reasons: Collection[SuppressionReason],
        *,
        why: str,
        end: HoldEnd,
        now: datetime,
    ) -> bool:
        """Take back what reports did to an address; what anybody else said of it stays. True if there was any."""
        queries.lock_person_of_hash(connection, email_hash)
        # What staff or an import said of the address is not ours to take back.
        ours = (
            delete(Suppression)
            .where(
                Suppression.email_hash == email_hash,
                Suppression.list_id == ALL_LISTS,
                Suppression.reason.in_(reasons),
                Suppression.source == SOURCE,
            )
            .returning(Suppression.reason)
        )
        removed = connection.scalars(ours).all()
        if SuppressionReason.HELD in reasons:
            open_holds = (Hold.email_hash == email_hash) & Hold.due_at.is_not(None)
            connection.execute(update(Hold).where(open_holds).values(due_at=None, end=end, ended_at=now))
        for reason in removed:
            payload = {"reason": reason.value, "why": why, "by": SOURCE}
            self._ledger.append(
                connection, stream=Stream.CONSENT, event="lifted", payload=payload, subject=email_hash
            )
        return bool(removed)

    def forget_score(self, connection: Connection, email_hash: bytes) -> None:
        """Nothing counts against this address any more."""
        connection.execute(delete(BounceScore).where(BounceScore.email_hash == email_hash))

    def unscore(self, connection: Connection, email_hash: bytes) -> None:
        """Take one soft bounce back."""
        score = BounceScore.score
        mine = BounceScore.email_hash == email_hash
        connection.execute(update(BounceScore).where(mine).values(score=score - 1.0))
        connection.execute(delete(BounceScore).where(mine, score < 0.5))


def save_score(connection: Connection, email_hash: bytes, score: Score) -> None:
    """Write a score over the one that is there."""
    values = {"score": score.value, "first_at": score.first_at, "last_at": score.last_at}
    statement = dialect_insert(connection, BounceScore).values(email_hash=email_hash, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[BounceScore.email_hash], set_=values))


def last_bounced(connection: Connection, email_hash: bytes) -> datetime | None:
    """When the newest message was sent of which a report counted against this address."""
    counted = select(func.max(Delivery.attempted_at, type_=UtcDateTime)).where(
        Delivery.id == Report.delivery_id,
        Report.email_hash == email_hash,
        Report.effect.in_((ReportEffect.SCORED, ReportEffect.SUPPRESSED)),
    )
    return connection.scalar(counted)


def has_success(connection: Connection, email_hash: bytes, *, after: datetime, before: datetime) -> bool:
    """Whether a message that was sent after `after` was accepted before `before`, and no report came (A78)."""
    mine = (
        select(Subscription.id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(Subscriber.email_hash == email_hash)
    )
    reported = select(Report.id).where(Report.delivery_id == Delivery.id).exists()
    statement = select(Delivery.id).where(
        Delivery.subscription_id.in_(mine),
        Delivery.state == DeliveryState.ACCEPTED,
        Delivery.attempted_at > after,
        Delivery.settled_at < before,
        ~reported,
    )
    return connection.scalar(statement.limit(1)) is not None

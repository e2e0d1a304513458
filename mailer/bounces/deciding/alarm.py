"""What the alarm of alike failures does: the held are set free, the campaign stops, ops are told; and its end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, literal, select, update

from mailer.alerts import Alert, Alerts
from mailer.audit import Ledger
from mailer.bounces.deciding.alike import LATE, Alarm, members, set_effect, share_of
from mailer.bounces.deciding.effects import Effects
from mailer.bounces.deciding.policy import ALIKE_WITHIN
from mailer.campaigns import queries as campaign_queries
from mailer.campaigns.breakers.rules import Breaker
from mailer.campaigns.model import Move, after
from mailer.errors import MailerError
from mailer.store.schema import Campaign, Freeze, Hold, Report
from mailer.store.vocabulary import (
    CampaignState,
    FreezeScope,
    HoldEnd,
    ReportEffect,
    ReportSeverity,
    Stream,
    SuppressionReason,
)

#: The breaker that such a pause is recorded under; somebody must say what was mended.
BREAKER = Breaker.ALIKE.value
#: A provider that gets a smaller part of a campaign stops nothing; ops are told.
WORTH_PAUSING = 0.05


class FreezeUnknown(MailerError):
    """There is no open alarm of that number."""


class Alarms:
    """Opens and ends freezes."""

    def __init__(self, ledger: Ledger, effects: Effects, alerts: Alerts) -> None:
        self._ledger = ledger
        self._effects = effects
        self._alerts = alerts

    def raise_in(self, connection: Connection, alarm: Alarm, *, now: datetime) -> None:
        """Take back what these failures did to people, stop their campaign, tell ops."""
        alike = members(alarm.scope, alarm.key, alarm.group, since=now - ALIKE_WITHIN)
        self._set_free(connection, alike, now=now)
        sentence = _sentence(connection, alarm)
        paused = [self._pause(connection, one, sentence) for one in _campaigns(connection, alarm, alike)]
        facts: dict[str, object] = {
            "freeze": alarm.freeze_id,
            "scope": alarm.scope.value,
            "group": alarm.group,
        }
        self._ledger.append(
            connection, stream=Stream.AUDIT, event="freeze", payload={**facts, "reason": sentence}
        )
        self._alerts.raise_in(connection, _alert(alarm, sentence, facts, paused=any(paused)))

    def _set_free(self, connection: Connection, alike: Any, *, now: datetime) -> None:
        """Take back what the last day's reports did: holds, scores, and a suppression that these made."""
        held = select(Report.id).where(alike, Report.effect == ReportEffect.HELD)
        holds = select(Hold.email_hash, literal(SuppressionReason.HELD.value).label("reason")).where(
            Hold.report_id.in_(held), Hold.due_at.is_not(None)
        )
        counted = (ReportEffect.SCORED, ReportEffect.SUPPRESSED)
        soft = alike & (Report.severity == ReportSeverity.SOFT) & Report.effect.in_(counted)
        scores = select(Report.email_hash, literal(SuppressionReason.SOFT_BOUNCE.value).label("reason"))
        rows = connection.execute(holds.union_all(scores.where(soft, Report.email_hash.is_not(None)))).all()
        # By hash: whoever else acts on the same people locks them in this order.
        for row in sorted(rows, key=lambda row: (bytes(row.email_hash), row.reason)):
            reason = SuppressionReason(row.reason)
            if reason is SuppressionReason.SOFT_BOUNCE:
                self._effects.unscore(connection, row.email_hash)
            why, end = "many failed alike", HoldEnd.RELEASED
            self._effects.free(connection, row.email_hash, (reason,), why=why, end=end, now=now)
        frozen = update(Report).values(effect=ReportEffect.FROZEN)
        connection.execute(frozen.where(soft | (alike & (Report.effect == ReportEffect.HELD))))

    def _pause(self, connection: Connection, campaign_id: int, sentence: str) -> bool:
        campaign = campaign_queries.campaign_by_id(connection, campaign_id, lock=True)
        if campaign is None or campaign.state is not CampaignState.SENDING:
            return False
        target = after(campaign.state, Move.PAUSE, slug=campaign.slug)
        move = campaign_queries.move(campaign.id, was=campaign.state, to=target)
        connection.execute(move.values(reason=sentence, breaker=BREAKER))
        payload = {"campaign": campaign.id, "slug": campaign.slug, "breaker": BREAKER, "reason": sentence}
        self._ledger.append(connection, stream=Stream.AUDIT, event="pause", payload=payload)
        return True

    def release(self, connection: Connection, freeze_id: int, *, why: str, now: datetime) -> int:
        """The people were not to blame: their reports count for nothing. Returns how many reports.

        Raises FreezeUnknown.
        """
        freeze = self._close(connection, freeze_id, decision="release", why=why, now=now)
        released = set_effect(_of(freeze), was=ReportEffect.FROZEN, to=ReportEffect.RELEASED)
        return connection.execute(released).rowcount

    def discard(self, connection: Connection, freeze_id: int, *, why: str, now: datetime) -> None:
        """The alarm was false: what was frozen counts from now on (`apply_discarded`). Raises FreezeUnknown."""
        self._close(connection, freeze_id, decision="discard", why=why, now=now)

    def apply_discarded(self, connection: Connection, *, limit: int, now: datetime) -> int:
        """Let so many of the reports count whose alarm was called false; returns how many did.

        Not all at once, for a freeze may cover very many people; to stop half-way loses nothing.
        """
        ended = select(Freeze.__table__).where(Freeze.decision == "discard", Freeze.closed_at > now - LATE)
        for freeze in connection.execute(ended.order_by(Freeze.id)).all():
            frozen = connection.execute(
                select(Report.__table__)
                .where(
                    _of(freeze),
                    Report.received_at <= freeze.closed_at,
                    Report.effect == ReportEffect.FROZEN,
                    Report.email_hash.is_not(None),
                )
                .order_by(Report.email_hash)
                .limit(limit)
                .with_for_update(skip_locked=True)
            ).all()
            for row in frozen:
                self._count(connection, row, now=now)
            if frozen:
                return len(frozen)
        return 0

    def _count(self, connection: Connection, row: Row[Any], *, now: datetime) -> None:
        note = f"{row.reason} ({row.rule})"[:200]
        if row.severity is ReportSeverity.HARD:
            effect = self._effects.hold(
                connection,
                row.email_hash,
                report_id=row.id,
                provider=row.provider,
                campaign_id=row.campaign_id,
                note=note,
                now=now,
            )
        else:
            effect = self._effects.score(connection, row.email_hash, note=note, now=now)
        connection.execute(update(Report).where(Report.id == row.id).values(effect=effect))

    def _close(
        self, connection: Connection, freeze_id: int, *, decision: str, why: str, now: datetime
    ) -> Row[Any]:
        freeze = connection.execute(
            select(Freeze.__table__)
            .where(Freeze.id == freeze_id, Freeze.closed_at.is_(None))
            .with_for_update()
        ).first()
        if freeze is None:
            raise FreezeUnknown(f"There is no open alarm {freeze_id}; see `mailer bounce review`.")
        connection.execute(
            update(Freeze).where(Freeze.id == freeze_id).values(closed_at=now, last_at=now, decision=decision)
        )
        payload = {"freeze": freeze_id, "decision": decision, "why": why}
        self._ledger.append(connection, stream=Stream.AUDIT, event="freeze_ended", payload=payload)
        return freeze


def _campaigns(connection: Connection, alarm: Alarm, alike: Any) -> list[int]:
    """Which campaigns an alarm stops: its own, or those of which the provider gets a part worth it."""
    if alarm.scope is FreezeScope.CAMPAIGN:
        return [int(alarm.key)]
    named = select(Report.campaign_id).where(alike, Report.campaign_id.is_not(None)).distinct()
    sending = select(Campaign.id).where(Campaign.id.in_(named), Campaign.state == CampaignState.SENDING)
    ids = list(connection.scalars(sending.order_by(Campaign.id)))
    return [one for one in ids if share_of(connection, one, alarm.key) >= WORTH_PAUSING]


def _of(freeze: Row[Any]) -> Any:
    return members(freeze.scope, freeze.key, freeze.reason, since=freeze.opened_at - ALIKE_WITHIN)


def _sentence(connection: Connection, alarm: Alarm) -> str:
    where = alarm.key
    if alarm.scope is FreezeScope.CAMPAIGN:
        slug = connection.scalar(select(Campaign.slug).where(Campaign.id == int(alarm.key)))
        where = f"the campaign {slug}"
    what = alarm.group.replace("_", " ")
    return (
        f"{alarm.failures:,} people of {where} failed alike within a day ({what}), where {alarm.accepted:,} "
        "messages were accepted. So many are rarely to blame themselves: none of them is suppressed until you decide."
    )


def _alert(alarm: Alarm, sentence: str, facts: dict[str, object], *, paused: bool) -> Alert:
    stands = "\n\nThe campaign is paused." if paused else ""
    return Alert(
        "alike_bounces",
        f"Many bounces alike: {alarm.group.replace('_', ' ')}",
        f"{sentence}{stands}\n\nSee what they say: mailer bounce report --by provider\nThen decide:\n\n"
        f'  mailer bounce release {alarm.freeze_id} --why "..."   the cause was ours or theirs: nobody is blamed\n'
        f'  mailer bounce discard {alarm.freeze_id} --why "..."   the addresses really are dead: the bounces count\n',
        {**facts, "failures": alarm.failures, "accepted": alarm.accepted},
        about=str(alarm.freeze_id),
        once=True,
    )

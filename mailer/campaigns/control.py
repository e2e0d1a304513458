"""Pause, resume and cancel: what staff do to a campaign that is scheduled or sending."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, update

from mailer import clock
from mailer.audit import Ledger
from mailer.campaigns import queries
from mailer.campaigns.model import Move, after, drift_reason
from mailer.campaigns.queries import CampaignRow
from mailer.errors import MailerError
from mailer.maillog import EventLog
from mailer.store import Store
from mailer.store.schema import Delivery
from mailer.store.vocabulary import CampaignState, DeliveryState, SkipReason, Stream

_log = EventLog("campaigns")

# Rows settled per transaction when a campaign is cancelled.
CANCEL_SLICE = 1_000


class NotScheduled(MailerError):
    """This campaign was never scheduled."""


class ApprovalNeeded(MailerError):
    """The audience changed since it was approved; the new count must be stated."""


class MendingNeeded(MailerError):
    """A circuit breaker paused this campaign; somebody must say what was done about it."""


def pause(store: Store, ledger: Ledger, slug: str, *, reason: str) -> CampaignRow:
    """Stop claiming this campaign's rows; what is on the wire is finished.

    Raises NotScheduled or MoveRefused.
    """
    return _make(store, ledger, slug, move=Move.PAUSE, event="pause", values={"reason": reason})


def resume(
    store: Store,
    ledger: Ledger,
    slug: str,
    *,
    drift: float,
    expect: int | None = None,
    mended: str | None = None,
) -> CampaignRow:
    """Go on with a paused campaign; one that never started goes back on the schedule.

    A campaign that is due and whose audience moved by more than `drift` needs the new count in
    `expect` (D24, E18). One that a circuit breaker paused needs `mended`, what was done about the
    cause; its breakers then count afresh. Raises NotScheduled, MoveRefused, ApprovalNeeded or
    MendingNeeded.
    """
    with store.read() as connection:
        campaign = scheduled(connection, slug)
        count, _bound = queries.audience_size(connection, campaign.list_id, clock.now())
    values: dict[str, Any] = {"reason": None}
    if campaign.breaker is not None and campaign.state is CampaignState.PAUSED:
        values |= _mended(store, campaign, mended)
    if campaign.started_at is not None or campaign.state is not CampaignState.PAUSED:
        return _make(store, ledger, slug, move=Move.RESUME, event="resume", values=values, mended=mended)
    if expect is not None:
        values |= _approved(slug, expect=expect, count=count)
    elif campaign.scheduled_at <= clock.now():
        moved = drift_reason(slug, expected=campaign.expected_count, count=count, drift=drift)
        if moved is not None:
            raise ApprovalNeeded(moved, slug=slug)
    return _make(store, ledger, slug, move=Move.APPROVE, event="resume", values=values)


def _mended(store: Store, campaign: CampaignRow, words: str | None) -> dict[str, Any]:
    if not words or not words.strip():
        raise MendingNeeded(
            f"{campaign.slug} was paused because: {campaign.reason} Once the cause is mended, say so: "
            f'mailer campaign resume {campaign.slug} --mended "what was done".',
            slug=campaign.slug,
            breaker=campaign.breaker,
        )
    with store.read() as connection:
        accepted = queries.accepted_count(connection, campaign.id)
    return {"breaker": None, "counted_from": clock.now(), "accepted_before": accepted}


def _approved(slug: str, *, expect: int, count: int) -> dict[str, Any]:
    if expect != count:
        raise ApprovalNeeded(
            f"The audience of {slug} is {count:,}, not {expect:,}. Nothing was changed.", slug=slug
        )
    return {"expected_count": count, "drift_approved": True}


def cancel(store: Store, ledger: Ledger, slug: str, *, reason: str) -> CampaignRow:
    """End a campaign for good: whoever has not been sent to is skipped, by name.

    Raises NotScheduled or MoveRefused.
    """
    values = {"reason": reason, "finished_at": clock.now()}
    campaign = _make(store, ledger, slug, move=Move.CANCEL, event="cancel", values=values)
    skip_waiting(store, campaign.id)
    return campaign


def reopen(connection: Connection, ledger: Ledger, campaign_ids: Collection[int], *, reason: str) -> set[int]:
    """Lock campaigns whose deliveries go back to be sent, and let those that are finished send again.

    In the transaction that puts the deliveries back; returns the ids of those that were finished.
    """
    reopened = set()
    for campaign_id in sorted(campaign_ids):
        # The lock also holds off `finish_done`, which must not overlook what this transaction puts back.
        campaign = queries.campaign_by_id(connection, campaign_id, lock=True)
        if campaign is None or campaign.state is not CampaignState.FINISHED:
            continue
        target = after(campaign.state, Move.REOPEN, slug=campaign.slug)
        values = {"finished_at": None, "reason": None}
        connection.execute(queries.move(campaign.id, was=campaign.state, to=target).values(**values))
        payload = {
            "campaign": campaign.id,
            "slug": campaign.slug,
            "was": campaign.state.value,
            "reason": reason,
        }
        ledger.append(connection, stream=Stream.AUDIT, event="reopen", payload=payload)
        reopened.add(campaign_id)
    return reopened


def skip_waiting(store: Store, campaign_id: int) -> int:
    """Turn every waiting row of a cancelled campaign into skipped(cancelled), in short slices."""
    skipped = 0
    while True:
        with store.write() as connection:
            ids = queries.waiting_ids(connection, campaign_id, CANCEL_SLICE)
            result = connection.execute(
                update(Delivery)
                .where(Delivery.id.in_(ids), Delivery.next_attempt_at.is_not(None))
                .values(
                    state=DeliveryState.SKIPPED,
                    skip_reason=SkipReason.CANCELLED,
                    next_attempt_at=None,
                    settled_at=clock.now(),
                )
            )
            skipped += result.rowcount
        if len(ids) < CANCEL_SLICE:
            return skipped
        store.let_others_write()


def _make(
    store: Store,
    ledger: Ledger,
    slug: str,
    *,
    move: Move,
    event: str,
    values: dict[str, Any],
    mended: str | None = None,
) -> CampaignRow:
    """Make one move by hand, with its audit record, or raise why not."""
    with store.write() as connection:
        latest = scheduled(connection, slug)
        campaign = queries.campaign_by_id(connection, latest.id, lock=True) or latest
        target = after(campaign.state, move, slug=slug)
        connection.execute(queries.move(campaign.id, was=campaign.state, to=target).values(**values))
        payload = {
            "campaign": campaign.id,
            "slug": slug,
            "was": campaign.state.value,
            "reason": values["reason"],
        }
        if mended is not None:
            payload["mended"] = mended
        ledger.append(connection, stream=Stream.AUDIT, event=event, payload=payload)
        moved = queries.campaign_by_id(connection, campaign.id) or campaign
    _log.campaign_moved(campaign=campaign.id, slug=slug, move=move.value)
    return moved


def scheduled(connection: Connection, slug: str) -> CampaignRow:
    """The newest scheduling of a folder. Raises NotScheduled."""
    campaign = queries.latest_campaign(connection, slug)
    if campaign is None:
        raise NotScheduled(
            f"The campaign {slug} was never scheduled. `mailer campaign status` lists those that were.",
            slug=slug,
        )
    return campaign

"""What the clock does to campaigns: start them once, hold them when the audience moved, finish them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection

from mailer import clock
from mailer.audit import Ledger
from mailer.campaigns import control, queries
from mailer.campaigns.model import Move, after, drift_reason
from mailer.campaigns.queries import CampaignRow
from mailer.maillog import EventLog
from mailer.store import Store
from mailer.store.vocabulary import Stream

_log = EventLog("campaigns")


def start_due(store: Store, ledger: Ledger, now: datetime, *, drift: float) -> list[int]:
    """Start every scheduled campaign whose time has come; return the ids started here.

    The size of the audience and its bound are stored before the first row exists. When the size
    moved by more than `drift` (a fraction) since a person approved it, the campaign is paused
    and says why (E18). Several schedulers may call this: each campaign starts once (A89).
    """
    with store.read() as connection:
        due = queries.due_campaigns(connection, now)
    return [campaign.id for campaign in due if _start(store, ledger, campaign, drift=drift)]


def _start(store: Store, ledger: Ledger, campaign: CampaignRow, *, drift: float) -> bool:
    # The instant comes first: whoever leaves while we count is counted in, and then skipped by name.
    instant = clock.now()
    with store.read() as connection:
        count, bound = queries.audience_size(connection, campaign.list_id, instant)
    reason = drift_reason(campaign.slug, expected=campaign.expected_count, count=count, drift=drift)
    if reason is not None:
        return _hold(store, ledger, campaign, reason=reason)
    values = {
        "started_at": instant,
        "audience_bound": bound,
        "audience_count": count,
        "materialised_upto": 0,
        "reason": None,
    }
    with store.write() as connection:
        started = _moved(connection, campaign, Move.START, values)
        if started:
            _record(ledger, connection, "send_started", campaign, audience=count)
    if started:
        _log.campaign_started(campaign=campaign.id, slug=campaign.slug, audience=count)
    return started


def _hold(store: Store, ledger: Ledger, campaign: CampaignRow, *, reason: str) -> bool:
    with store.write() as connection:
        if _moved(connection, campaign, Move.HOLD, {"reason": reason}):
            _record(ledger, connection, "pause", campaign, reason=reason)
            _log.campaign_held(campaign=campaign.id, slug=campaign.slug)
    return False


def finish_done(store: Store, ledger: Ledger) -> list[int]:
    """Finish sending campaigns that have nothing waiting or under way; return their ids.

    Also settles the rows that a cut-short cancel, or an attempt that outlived it, left waiting.
    """
    with store.read() as connection:
        quiet = queries.quiet_campaigns(connection)
        leftover = queries.cancelled_with_waiting(connection)
    for campaign_id in leftover:
        control.skip_waiting(store, campaign_id)
    return [campaign.id for campaign in quiet if _finish(store, ledger, campaign)]


def _finish(store: Store, ledger: Ledger, campaign: CampaignRow) -> bool:
    with store.read() as connection:
        counts = queries.delivery_counts(connection, campaign.id)
        rows = queries.delivery_rows(connection, campaign.id)
    by_state: dict[str, int] = {}
    for state, _reason, count in counts:
        by_state[state.value] = by_state.get(state.value, 0) + count
    with store.write() as connection:
        # Locked before the condition is read: a retry that puts rows back is either seen, or waits for this.
        queries.campaign_by_id(connection, campaign.id, lock=True)
        values = {"finished_at": clock.now(), "audience_count": rows}
        finished = _moved(connection, campaign, Move.FINISH, values, queries.nothing_in_hand())
        if finished:
            _record(ledger, connection, "send_finished", campaign, audience=rows, outcomes=by_state)
    if finished:
        _log.campaign_finished(campaign=campaign.id, slug=campaign.slug, audience=rows)
    return finished


def _moved(
    connection: Connection,
    campaign: CampaignRow,
    move: Move,
    values: Mapping[str, object],
    *conditions: ColumnElement[bool],
) -> bool:
    """Make the move if nobody made one since the row was read, and the conditions still hold."""
    target = after(campaign.state, move, slug=campaign.slug)
    statement = queries.move(campaign.id, was=campaign.state, to=target).where(*conditions).values(**values)
    return connection.execute(statement).rowcount == 1


def _record(
    ledger: Ledger, connection: Connection, event: str, campaign: CampaignRow, **facts: object
) -> None:
    payload = {"campaign": campaign.id, "slug": campaign.slug, **facts}
    ledger.append(connection, stream=Stream.AUDIT, event=event, payload=payload)

"""What became of a campaign's messages since a person last let it go on, read from the database."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, func, select, text

from mailer.campaigns import queries
from mailer.campaigns.breakers.rules import End, Limits, Tally
from mailer.campaigns.queries import CampaignRow
from mailer.enhanced_status import is_hard, is_policy
from mailer.store.schema import TRIED, Delivery, Report
from mailer.store.types import UtcDateTime
from mailer.store.vocabulary import (
    CampaignState,
    DeliveryState,
    ReportKind,
    ReportSeverity,
    ReportSource,
    SkipReason,
)

#: Domains that are looked at in one go, those that refused most: each costs a look at all of a campaign.
MOST_DOMAINS = 10
#: The coarse cause of a report that speaks of the sender.
_POLICY = "policy"


def read_tally(connection: Connection, campaign: CampaignRow, limits: Limits) -> Tally | None:
    """The tally of one campaign, or None while there are too few failures for any breaker.

    What was accepted is most of a campaign, so it is only counted (by an index) when it matters.
    """
    # Of what has left, only reports can still come.
    over = campaign.state is CampaignState.FINISHED
    ends, replies = (Counter[End](), {}) if over else _failures(connection, campaign)
    came_back = _came_back(connection, campaign)
    ends.update(came_back)
    complaints = queries.complaint_count(connection, campaign.id, after=campaign.counted_from)
    if sum(ends.values()) < limits.least_failures and complaints < limits.least_complaints:
        return None
    delivered = queries.accepted_count(connection, campaign.id)
    # What came back was accepted first.
    ends[End.ACCEPTED] = max(0, delivered - (campaign.accepted_before or 0) - came_back.total())
    return Tally(ends, complaints=complaints, delivered=delivered, replies=replies)


def refusing_domains(
    connection: Connection, campaign: CampaignRow, limits: Limits, *, after: datetime
) -> dict[str, Tally]:
    """Domains that refused by policy since an instant, with what each took since it first did so then.

    All senders together: the pace of such a domain lets each of them see but a few.
    """
    since = max(after, campaign.counted_from or after)
    statement = (
        select(
            Delivery.domain,
            Delivery.reply_code,
            Delivery.status,
            func.count().label("number"),
            func.min(Delivery.settled_at, type_=UtcDateTime).label("first_at"),
        )
        .where(
            Delivery.stream == campaign.id,
            text(TRIED),
            Delivery.state == DeliveryState.REJECTED,
            Delivery.settled_at > since,
        )
        .group_by(Delivery.domain, Delivery.reply_code, Delivery.status)
        .order_by(func.count().desc())
    )
    rows = (row for row in connection.execute(statement) if is_policy(row.status))
    found: dict[str, Tally] = {}
    for row in islice((row for row in rows if row.number >= limits.least_at_domain), MOST_DOMAINS):
        taken = queries.taken_by(connection, campaign.id, row.domain, after=row.first_at)
        ends = {End.POLICY: row.number, End.ACCEPTED: taken}
        found[row.domain] = Tally(ends, replies={End.POLICY: code_of(row.reply_code, row.status)})
    return found


def end_of_rejection(status: str | None) -> End:
    """Whose fault a 5yz was, by its enhanced status."""
    if is_policy(status):
        return End.POLICY
    return End.HARD if is_hard(status) else End.REFUSED


def code_of(reply_code: int | None, status: str | None) -> str:
    """A reply as breakers name it: "550 5.7.26"."""
    return " ".join(str(part) for part in (reply_code, status) if part is not None)


def _came_back(connection: Connection, campaign: CampaignRow) -> Counter[End]:
    """Failures that the relay learned of after it had taken the message; a delay is none."""
    statement = (
        select(Report.severity, Report.cause_group, func.count().label("number"))
        .where(
            Report.campaign_id == campaign.id,
            Report.kind == ReportKind.BOUNCE,
            Report.source.in_((ReportSource.MAIL, ReportSource.WEBHOOK)),
            Report.severity != ReportSeverity.DELAYED,
        )
        .group_by(Report.severity, Report.cause_group)
    )
    if campaign.counted_from is not None:
        statement = statement.join(Delivery, Delivery.id == Report.delivery_id).where(
            Delivery.attempted_at > campaign.counted_from
        )
    found: Counter[End] = Counter()
    for row in connection.execute(statement):
        if row.cause_group == _POLICY:
            found[End.POLICY] += row.number
        elif row.severity is ReportSeverity.HARD:
            found[End.HARD] += row.number
    return found


def _failures(connection: Connection, campaign: CampaignRow) -> tuple[Counter[End], dict[End, str]]:
    statement = (
        select(Delivery.state, Delivery.reply_code, Delivery.status, func.count().label("number"))
        .where(
            Delivery.stream == campaign.id,
            text(TRIED),
            Delivery.state.in_((DeliveryState.REJECTED, DeliveryState.SKIPPED)),
            (Delivery.state == DeliveryState.REJECTED) | (Delivery.skip_reason == SkipReason.UNRENDERABLE),
        )
        .group_by(Delivery.state, Delivery.reply_code, Delivery.status)
        .order_by(func.count())
    )
    if campaign.counted_from is not None:
        statement = statement.where(Delivery.settled_at > campaign.counted_from)
    ends: Counter[End] = Counter()
    replies: dict[End, str] = {}
    for row in connection.execute(statement):
        skipped = row.state is DeliveryState.SKIPPED
        end = End.UNRENDERABLE if skipped else end_of_rejection(row.status)
        ends[end] += row.number
        replies[end] = code_of(row.reply_code, row.status)  # the commonest comes last
    return ends, replies

"""Plan a sending, have its size stated, and freeze it: what was approved is what is sent (law 9)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select

from mailer import clock
from mailer.campaigns import queries
from mailer.campaigns.check import check_campaign
from mailer.campaigns.draft import Workshop
from mailer.campaigns.findings import CampaignRefused, CheckReport
from mailer.campaigns.images import CampaignImage
from mailer.campaigns.model import ACTIVE
from mailer.campaigns.source import CampaignSource
from mailer.campaigns.when import Moment, parse_when
from mailer.errors import MailerError
from mailer.maillog import EventLog
from mailer.rendering import CompiledMessage
from mailer.settings import Settings
from mailer.store import Store
from mailer.store.bulk import insert_or_ignore
from mailer.store.schema import Artefact, Campaign, Medium
from mailer.store.vocabulary import CampaignState, Stream, SubscriptionState
from mailer.subscribers.queries import active_list
from mailer.tokens import CAMPAIGN_TAG_BYTES

_log = EventLog("campaigns")


class WrongCount(MailerError):
    """The stated count is not the size of the audience."""


class NobodyToReach(MailerError):
    """Nobody on this list has confirmed, so there is nobody to send to."""


class AlreadyScheduled(MailerError):
    """This campaign was scheduled before; nobody may get it twice."""


@dataclass(frozen=True)
class SchedulePlan:
    """What would happen: shown to the person who then states the count (D24)."""

    source: CampaignSource
    compiled: CompiledMessage
    report: CheckReport
    list_id: int
    list_title: str
    moment: Moment
    audience: int
    exclusions: Mapping[str, int]  #: people of the list who will not get it, by reason
    rate: str  #: as in the settings
    expected_end: datetime | None  #: None: the relay alone sets the pace

    @property
    def slug(self) -> str:
        """The name of the campaign's folder."""
        return self.source.slug

    @property
    def subject(self) -> str:
        """The subject line as its author wrote it."""
        return self.source.subject

    def as_json(self) -> dict[str, object]:
        """What `--json` shows."""
        return {
            "slug": self.slug,
            "subject": self.subject,
            "list": self.list_title,
            "at": self.moment.instant.isoformat(),
            "timezone": self.moment.zone,
            "audience": self.audience,
            "exclusions": dict(self.exclusions),
            "rate": self.rate,
            "expected_end": None if self.expected_end is None else self.expected_end.isoformat(),
            "warnings": [found.as_json() for found in self.report.warnings],
        }


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A campaign that will leave."""

    campaign_id: int
    slug: str
    moment: Moment
    audience: int
    artefact_hash: str


def plan_sending(shop: Workshop, slug: str, when: str) -> SchedulePlan:
    """Check the campaign and count whom it would reach.

    Raises WhenInvalid, CampaignRefused when the check finds an error, NobodyToReach or
    AlreadyScheduled.
    """
    settings = shop.settings
    moment = parse_when(when, zone=settings.site.timezone)
    checked = check_campaign(shop, slug)
    source, compiled = checked.source, checked.compiled
    if not checked.report.passed or source is None or compiled is None:
        raise CampaignRefused(checked.report)
    with shop.store.read() as connection:
        _refuse_twice(connection, slug)
        list_ = active_list(connection, source.list_name)
        if list_ is None:
            raise NobodyToReach(
                f"The list {source.list_name} is new: nobody has joined it yet, so there is nobody to send to."
            )
        audience, _bound = queries.audience_size(connection, list_.id, clock.now())
        exclusions = _exclusions(connection, list_.id)
    if audience == 0:
        raise NobodyToReach(
            f"Nobody on the list {source.list_name} has confirmed and may be mailed, "
            "so there is nobody to send to."
        )
    return SchedulePlan(
        source=source,
        compiled=compiled,
        report=checked.report,
        list_id=list_.id,
        list_title=settings.lists[source.list_name].title,
        moment=moment,
        audience=audience,
        exclusions=exclusions,
        rate=str(settings.sending.rate),
        expected_end=_expected_end(moment.instant, audience, settings),
    )


def commit_plan(shop: Workshop, plan: SchedulePlan, *, expect: int | None) -> Scheduled:
    """Freeze what was checked, images included, and put it on the schedule.

    Raises WrongCount when `expect` is not the audience of the plan (D24), AlreadyScheduled.
    """
    if expect != plan.audience:
        raise WrongCount(_wrong_count(plan, expect), slug=plan.slug)
    with shop.store.write() as connection:
        _one_at_a_time(connection, shop.store, plan.slug)
        _refuse_twice(connection, plan.slug)
        freeze(connection, plan.compiled, plan.source.images)
        campaign_id = _insert(connection, plan)
        payload = {
            "campaign": campaign_id,
            "slug": plan.slug,
            "artefact": plan.compiled.hash,
            "at": plan.moment.instant.isoformat(),
            "approved": plan.audience,
        }
        shop.ledger.append(connection, stream=Stream.AUDIT, event="schedule", payload=payload)
    _log.campaign_scheduled(campaign=campaign_id, slug=plan.slug)
    return Scheduled(campaign_id, plan.slug, plan.moment, plan.audience, plan.compiled.hash)


def _wrong_count(plan: SchedulePlan, expect: int | None) -> str:
    if expect is None:
        return f"State how many people this reaches: `--expect {plan.audience}`. Nothing was scheduled."
    return (
        f"{plan.slug} would reach {plan.audience:,} people, not {expect:,}. Nothing was scheduled. "
        f"If {plan.audience:,} is right, say `--expect {plan.audience}`."
    )


def _exclusions(connection: Connection, list_id: int) -> dict[str, int]:
    """People of the list who are left out, each counted once."""
    states = queries.subscription_states(connection, list_id)
    left_out = {
        "not confirmed yet": states.get(SubscriptionState.PENDING, 0),
        "left the list": states.get(SubscriptionState.UNSUBSCRIBED, 0),
    }
    for reason, count in sorted(queries.confirmed_but_suppressed(connection, list_id).items()):
        left_out[f"suppressed: {reason.replace('_', ' ')}"] = count
    return {reason: count for reason, count in left_out.items() if count}


def _expected_end(start: datetime, audience: int, settings: Settings) -> datetime | None:
    """When the last message leaves at the current limits; system mail keeps its share meanwhile."""
    per_second = settings.sending.rate.per_second
    if per_second is None:
        return None
    return start + timedelta(seconds=audience / (per_second * (1 - settings.sending.system_share)))


def _one_at_a_time(connection: Connection, store: Store, slug: str) -> None:
    """Two people who schedule the same folder at once: the second sees what the first did."""
    if not store.is_sqlite:
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(slug, 0))))


def _refuse_twice(connection: Connection, slug: str) -> None:
    """Refuse a folder that may still send or was sent; a cancel before the start frees it."""
    latest = queries.latest_campaign(connection, slug)
    if latest is None or (latest.state is CampaignState.CANCELLED and latest.started_at is None):
        return
    if latest.started_at is None:
        said = f"is {latest.state.value} already, for {latest.scheduled_at:%Y-%m-%d %H:%M} UTC"
        hint = f"Run `mailer campaign cancel {slug}` first if it shall leave differently."
    elif latest.state in ACTIVE:
        said = f"is {latest.state.value} already"
        hint = f"See `mailer campaign status {slug}`."
    else:
        said = f"was sent already, on {latest.started_at:%Y-%m-%d}"
        hint = f"To send it to others, copy the folder to a new name: campaigns/{slug}-2."
    raise AlreadyScheduled(f"The campaign {slug} {said}. {hint}", slug=slug, state=latest.state.value)


def freeze(connection: Connection, compiled: CompiledMessage, images: Sequence[CampaignImage]) -> None:
    """Store the compiled bytes and the images under their hashes, each once."""
    now = clock.now()
    message = {"hash": compiled.hash, "content": compiled.to_bytes(), "created_at": now}
    connection.execute(insert_or_ignore(connection, Artefact), [message])
    for image in images:
        medium = {"hash": image.hash, "content_type": image.content_type, "content": image.content}
        connection.execute(insert_or_ignore(connection, Medium), [medium | {"created_at": now}])


def _insert(connection: Connection, plan: SchedulePlan) -> int:
    statement = (
        insert(Campaign)
        .values(
            tag=os.urandom(CAMPAIGN_TAG_BYTES),
            slug=plan.slug,
            subject=plan.subject,
            list_id=plan.list_id,
            state=CampaignState.SCHEDULED,
            artefact_hash=plan.compiled.hash,
            scheduled_at=plan.moment.instant,
            timezone=plan.moment.zone,
            give_up_hours=plan.source.give_up_hours,
            expected_count=plan.audience,
            drift_approved=False,
            created_at=clock.now(),
            materialised_upto=0,
        )
        .returning(Campaign.id)
    )
    campaign_id: int = connection.execute(statement).scalar_one()
    return campaign_id

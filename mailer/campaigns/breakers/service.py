"""Pause what a breaker says, durably and for every worker, with one reason on record and an alert."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, select

from mailer import clock
from mailer.alerts import Alert, Alerts
from mailer.audit import Ledger
from mailer.campaigns import queries
from mailer.campaigns.breakers.counts import read_tally, refusing_domains
from mailer.campaigns.breakers.rules import (
    Breaker,
    Limits,
    Tally,
    Trip,
    domain_trip,
    is_worrying,
    judge,
    refuses_us,
)
from mailer.campaigns.model import Move, after
from mailer.campaigns.queries import CampaignRow
from mailer.maillog import EventLog
from mailer.settings.breakers import BreakersSettings
from mailer.store import Store
from mailer.store.schema import Campaign
from mailer.store.vocabulary import CampaignState, Stream

_log = EventLog("campaigns")

#: Complaints come days after the mail: so long a finished campaign is still looked after.
_LATE = timedelta(days=7)
#: What a domain refused before may be mended by now.
_LATELY = timedelta(minutes=15)
#: Of the share that pauses a campaign: a domain's part of it below which nobody is told.
_WORTH_TELLING = 0.2
#: What trips, read inside the transaction that pauses; None: nothing does.
_Decide = Callable[[Connection, CampaignRow], Trip | None]


class Breakers:
    """The circuit breakers of one site's campaigns. Safe to share between threads."""

    def __init__(self, store: Store, ledger: Ledger, alerts: Alerts, limits: Limits) -> None:
        self._store = store
        self._ledger = ledger
        self._alerts = alerts
        self.limits = limits

    def check(self) -> list[Trip]:
        """Judge every campaign by what the database counts; the slow way. Raises StoreError."""
        with self._store.read() as connection:
            tallies = [
                (campaign, read_tally(connection, campaign, self.limits))
                for campaign in _watched(connection, clock.now() - _LATE)
            ]
            refusing = [
                (campaign, refusing_domains(connection, campaign, self.limits, after=clock.now() - _LATELY))
                for campaign, _ in tallies
                if campaign.state is CampaignState.SENDING
            ]
        trips = [self._look_at(campaign, tally) for campaign, tally in tallies if tally is not None]
        trips += [
            self.refused_by(campaign.id, domain, partial(_unless_later, tally, campaign.counted_from))
            for campaign, domains in refusing
            for domain, tally in domains.items()
            if refuses_us(tally, self.limits)
        ]
        return [trip for trip in trips if trip is not None]

    def _look_at(self, campaign: CampaignRow, tally: Tally) -> Trip | None:
        trip = None
        judged = judge(tally, self.limits)
        if judged is not None and campaign.state is CampaignState.SENDING:
            trip = self._pause(campaign.id, self._judged_again)
        elif judged is not None and judged.breaker is not Breaker.COMPLAINTS:
            self._alerts.send(_too_late(campaign, judged))
        if trip is None and is_worrying(tally, self.limits):
            self._alerts.send(_warning(campaign, tally))
        return trip

    def _judged_again(self, connection: Connection, campaign: CampaignRow) -> Trip | None:
        """Somebody may have let it go on since it was counted."""
        tally = read_tally(connection, campaign, self.limits)
        return None if tally is None else judge(tally, self.limits)

    def tripped(self, campaign_id: int, recent: Callable[[datetime | None], Tally]) -> Trip | None:
        """Judge one sender's last messages, those that ended after the instant that `recent` is given.

        Pauses the campaign and returns why, or None: it stands already, or they are of an older
        count. Raises StoreError.
        """

        def decide(_connection: Connection, campaign: CampaignRow) -> Trip | None:
            return judge(recent(campaign.counted_from), self.limits, recent=True)

        return self._pause(campaign_id, decide)

    def refused_by(
        self, campaign_id: int, domain: str, recent: Callable[[datetime | None], Tally]
    ) -> Trip | None:
        """The same for the last messages to one domain, which seems to take none of ours (A77).

        A domain that is a small part of the campaign pauses nothing, but ops are told. Raises StoreError.
        """

        def decide(_connection: Connection, campaign: CampaignRow) -> Trip | None:
            tally = recent(campaign.counted_from)
            return domain_trip(tally, domain) if refuses_us(tally, self.limits) else None

        with self._store.read() as connection:
            campaign = queries.campaign_by_id(connection, campaign_id)
            share = queries.domain_share(connection, campaign_id, domain)
            if campaign is None or decide(connection, campaign) is None:
                return None
        if share >= self.limits.policy:
            return self._pause(campaign_id, decide)
        if share >= self.limits.policy * _WORTH_TELLING:
            self._alerts.send(_refused(campaign, domain, recent(campaign.counted_from)))
        return None

    def _pause(self, campaign_id: int, decide: _Decide) -> Trip | None:
        with self._store.write() as connection:
            campaign = queries.campaign_by_id(connection, campaign_id, lock=True)
            if campaign is None or campaign.state is not CampaignState.SENDING:
                return None
            trip = decide(connection, campaign)
            if trip is None:
                return None
            target = after(campaign.state, Move.PAUSE, slug=campaign.slug)
            values = {"reason": trip.sentence, "breaker": trip.breaker.value}
            connection.execute(queries.move(campaign.id, was=campaign.state, to=target).values(**values))
            facts = {"campaign": campaign.id, "slug": campaign.slug, "breaker": trip.breaker.value}
            payload = {**facts, "was": campaign.state.value, "reason": trip.sentence}
            self._ledger.append(connection, stream=Stream.AUDIT, event="pause", payload=payload)
            self._alerts.raise_in(connection, _paused(campaign, trip, facts))
        _log.campaign_paused(campaign=campaign.id, slug=campaign.slug, breaker=trip.breaker.value)
        return trip


def limits_from(settings: BreakersSettings) -> Limits:
    """`[breakers]` as the rules read it."""
    return Limits(
        policy=settings.policy_rejections,
        unrenderable=settings.unrenderable,
        hard=settings.hard_bounces,
        alike=settings.alike_failures,
        complaints=settings.complaints,
        complaints_warn=settings.complaints_warn,
        least_failures=settings.least_failures,
        least_complaints=settings.least_complaints,
        least_at_domain=settings.least_at_domain,
        recent=settings.recent,
    )


def _unless_later(tally: Tally, counted_from: datetime | None, now_from: datetime | None) -> Tally:
    """What was read stands, unless somebody has let the campaign go on meanwhile."""
    return tally if counted_from == now_from else Tally({})


def _watched(connection: Connection, finished_after: datetime) -> list[CampaignRow]:
    lately = (Campaign.state == CampaignState.FINISHED) & (Campaign.finished_at > finished_after)
    statement = select(*Campaign.__table__.columns).where((Campaign.state == CampaignState.SENDING) | lately)
    return list(connection.execute(statement.order_by(Campaign.id)))


def _paused(campaign: CampaignRow, trip: Trip, facts: dict[str, object]) -> Alert:
    return Alert(
        "campaign_paused",
        f"The campaign {campaign.slug} was paused: {trip.breaker.value.replace('_', ' ')}",
        f"{trip.sentence}\n\nNothing more of it leaves. Once the cause is mended:\n\n"
        f'  mailer campaign resume {campaign.slug} --mended "what was done"\n',
        {**facts, "failures": trip.failures, "of": trip.volume},
        about=f"{campaign.id}:{trip.breaker.value}:{campaign.counted_from or ''}",
    )


def _too_late(campaign: CampaignRow, trip: Trip) -> Alert:
    return Alert(
        "campaign_failed",
        f"The campaign {campaign.slug} would have been paused: {trip.breaker.value.replace('_', ' ')}",
        f"{trip.sentence}\n\nAll of it has left already; see what came back: mailer bounce report --by campaign",
        {"campaign": campaign.id, "slug": campaign.slug, "breaker": trip.breaker.value},
        about=f"{campaign.id}:{trip.breaker.value}",
        once=True,
    )


def _refused(campaign: CampaignRow, domain: str, tally: Tally) -> Alert:
    return Alert(
        "domain_refuses",
        f"{domain} refuses what you send",
        f"{domain_trip(tally, domain).sentence}\n\nThe campaign {campaign.slug} goes on: only a small part of it "
        "goes there.",
        {"campaign": campaign.id, "slug": campaign.slug, "domain": domain},
        about=f"{campaign.id}:{domain}",
        once=True,
    )


def _warning(campaign: CampaignRow, tally: Tally) -> Alert:
    return Alert(
        "complaints_rising",
        f"{tally.complaints:,} readers of {campaign.slug} reported it as spam",
        f"That is {100 * tally.complaints / max(1, tally.delivered):.2f} % of {tally.delivered:,} messages that "
        "were accepted. From 0.3 % on, mailbox providers refuse all you send.",
        {"campaign": campaign.id, "slug": campaign.slug, "complaints": tally.complaints},
        about=str(campaign.id),
        once=True,
    )

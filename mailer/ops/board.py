"""What the pages of /ops show; no address leaves here whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mailer import clock
from mailer.addresses import parse_address
from mailer.alerts.sending import recent
from mailer.bounces.deciding import Deciding
from mailer.bounces.reporting.model import COUNTED, Sort, sort_of
from mailer.campaigns.queries import campaign_by_id
from mailer.campaigns.status import CampaignStatus, status_of
from mailer.ops import queries
from mailer.ops.health import Facts, Note, verdict
from mailer.ops.kept import Kept
from mailer.store import Store
from mailer.store.vocabulary import CampaignState, ReturnedState

#: A worker that says nothing for longer has lost its lease.
SILENT = timedelta(seconds=60)
#: By the name in the address of the page: how long, and the length of one column.
RANGES: Mapping[str, tuple[timedelta, timedelta]] = {
    "24h": (timedelta(hours=24), timedelta(hours=1)),
    "7d": (timedelta(days=7), timedelta(hours=6)),
    "30d": (timedelta(days=30), timedelta(days=1)),
}
_MOST_SHOWN = 100
_QUICK_SECONDS, _CALM_SECONDS = 3.0, 15.0


@dataclass(frozen=True, slots=True)
class Returns:
    """Bounces and complaints of a period."""

    labels: tuple[str, ...]  #: one per column, UTC
    over_time: Mapping[Sort, tuple[int, ...]]
    by_provider: tuple[tuple[str, Mapping[Sort, int]], ...]  #: most first
    total: Mapping[Sort, int]


@dataclass(frozen=True, slots=True)
class Beat:
    """One sender process."""

    id: int
    host: str
    pid: int
    started_at: datetime
    silent_seconds: int
    state: str  #: "sends", "silent" or "stopped"


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page."""

    notes: tuple[Note, ...]
    facts: Facts
    campaigns: Sequence[CampaignStatus]
    returns: Returns
    at: datetime


class Board:
    """Readings for the pages, shared by all who look."""

    def __init__(self, store: Store, deciding: Deciding) -> None:
        self._store = store
        self._deciding = deciding
        self._campaigns = Kept(self._read_campaigns, seconds=_QUICK_SECONDS)
        self._overview = Kept(self._read_overview, seconds=_QUICK_SECONDS)
        self._queue = Kept(self._read_queue, seconds=_CALM_SECONDS)
        self._returns = {
            name: Kept(lambda name=name: self._read_returns(name), seconds=_CALM_SECONDS)  # type: ignore[misc]  # mypy cannot type a default
            for name in RANGES
        }

    def overview(self) -> Overview:
        """The health of the last day. Raises StoreError, as all of these do."""
        return self._overview.get()

    def campaigns(self) -> Sequence[CampaignStatus]:
        """What is on its way, to come, or ended in the last day."""
        return self._campaigns.get()

    def returns(self, span: str) -> Returns:
        """Bounces and complaints over one of RANGES."""
        return self._returns[span].get()

    def queue(self) -> tuple[Sequence[Any], Sequence[Any]]:
        """Limits of relays and providers, and what is deferred, alike ones together."""
        return self._queue.get()

    def suppressions(self) -> list[dict[str, Any]]:
        """The newest, addresses masked."""
        with self._store.read() as connection:
            rows = queries.newest_suppressions(connection, _MOST_SHOWN)
        return [
            {**row._mapping, "masked": parse_address(row.email).masked if row.email else "not stored"}
            for row in rows
        ]

    def workers(self) -> list[Beat]:
        """The senders and when they were last heard of."""
        now = clock.now()
        with self._store.read() as connection:
            return [_beat(row, now) for row in queries.workers(connection, now)]

    def alerts(self) -> list[dict[str, Any]]:
        """What ops were told last."""
        return recent(self._store, 20)

    def _read_campaigns(self) -> Sequence[CampaignStatus]:
        with self._store.read() as connection:
            found = (
                campaign_by_id(connection, number)
                for number in queries.campaigns_in_sight(connection, clock.now())
            )
            return [status_of(connection, row) for row in found if row is not None]

    def _read_queue(self) -> tuple[Sequence[Any], Sequence[Any]]:
        with self._store.read() as connection:
            return queries.paces(connection), queries.deferred(connection)

    def _read_returns(self, span: str) -> Returns:
        length, step = RANGES[span]
        # Whole columns: the first is not cut in two.
        until = _floor(clock.now(), step) + step
        with self._store.read() as connection:
            rows = queries.report_counts(connection, until - length, until)
        columns = int(length / step)
        over_time = {sort: [0] * columns for sort in COUNTED}
        providers: dict[str, Counter[Sort]] = defaultdict(Counter)
        for hour, kind, severity, group, provider, count in rows:
            sort = sort_of(kind, severity, group)
            if sort in over_time:
                over_time[sort][min(int((hour - until + length) / step), columns - 1)] += count
                providers[provider or "unknown"][sort] += count
        ranked = sorted(providers.items(), key=lambda item: (-item[1].total(), item[0]))
        shown = "%H:%M" if span == "24h" else "%d %b %H:%M" if span == "7d" else "%d %b"
        return Returns(
            labels=tuple(f"{until - length + step * place:{shown}}" for place in range(columns)),
            over_time={sort: tuple(counts) for sort, counts in over_time.items()},
            by_provider=tuple(ranked[:20]),
            total={sort: sum(counts) for sort, counts in over_time.items()},
        )

    def _read_overview(self) -> Overview:
        now, campaigns, returns = clock.now(), self.campaigns(), self.returns("24h")
        review = self._deciding.review(limit=1)
        with self._store.read() as connection:
            counts = queries.returned_counts(connection)
            paces = queries.paces(connection)
            told = queries.alerts_since(connection, now - timedelta(hours=24))
        beats = [beat.state for beat in self.workers()]
        facts = Facts(
            workers=beats.count("sends"),
            silent=beats.count("silent"),
            sending=sum(one.state is CampaignState.SENDING for one in campaigns),
            paused=[
                (one.slug, one.reason or "by hand") for one in campaigns if one.state is CampaignState.PAUSED
            ],
            resting=[
                row.key.partition(":")[2]
                for row in paces
                if row.key.startswith("relay:") and row.until and row.until > now
            ],
            alarms=len(review.freezes),
            review=counts[ReturnedState.REVIEW],
            unreadable=counts[ReturnedState.UNREADABLE],
            unread=counts[ReturnedState.WAITING],
            alerts=told,
            complaints=returns.total[Sort.COMPLAINT],
            hard=returns.total[Sort.HARD],
            policy=returns.total[Sort.POLICY],
        )
        return Overview(verdict(facts), facts, campaigns, returns, now)


def _beat(row: Any, now: datetime) -> Beat:
    silent = now - row.heartbeat_at
    state = "stopped" if row.stopped_at else "silent" if silent > SILENT else "sends"
    return Beat(row.id, row.host, row.pid, row.started_at, max(int(silent.total_seconds()), 0), state)


def _floor(instant: datetime, step: timedelta) -> datetime:
    day = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return day + step * ((instant - day) // step)

"""By what reports are told apart: how a report names it, and how the messages that it is a share of do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from mailer.bounces.reporting import queries
from mailer.bounces.reporting.model import Cell, Period, Sent
from mailer.delivery.pace.owners import own_name
from mailer.store.vocabulary import SYSTEM_STREAM

SYSTEM_MAIL = "(system mail)"
UNKNOWN = "(not known)"


@dataclass(frozen=True)
class Names:
    """Words for the numbers in rows; times in the zone of the site."""

    campaigns: Mapping[int, tuple[str, int]]
    lists: Mapping[int, str]
    zone: ZoneInfo

    def campaign(self, stream: int) -> str:
        """The campaign's slug."""
        return SYSTEM_MAIL if stream == SYSTEM_STREAM else self.campaigns.get(stream, (UNKNOWN, 0))[0]

    def list_of(self, stream: int) -> str:
        """The list that a campaign goes to."""
        return self.list_named(self.campaigns.get(stream, ("", 0))[1]) if stream else SYSTEM_MAIL

    def list_named(self, list_id: int) -> str:
        """The list's name."""
        return self.lists.get(list_id, UNKNOWN)

    def hour(self, hour: datetime) -> str:
        """2026-11-23 14:00, on the site's clock."""
        return f"{hour.astimezone(self.zone):%Y-%m-%d %H:00}"

    def day(self, hour: datetime) -> str:
        """2026-11-23."""
        return f"{hour.astimezone(self.zone):%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way to tell reports apart."""

    key: Callable[[Names, Cell], str]
    sent: str  #: what messages are counted by; empty: each report is a share of all messages
    of_sent: Callable[[Volumes, Any], str] = lambda _volumes, value: value or UNKNOWN


class Volumes:
    """How many messages got an answer in a period; counted when first asked for, each way once."""

    def __init__(self, connection: Connection, period: Period, names: Names) -> None:
        self._connection = connection
        self._period = period
        self.names = names
        self._by: dict[str, dict[str, Sent]] = {}
        self._rows: dict[str, list[tuple[Any, bool, int]]] = {}

    @cached_property
    def total(self) -> Sent:
        """All of them."""
        return sum(self.by("campaign").values(), start=Sent())

    def by(self, dimension: str) -> Mapping[str, Sent]:
        """By the words that stand in the report; empty where each report is a share of all."""
        if dimension not in self._by:
            self._by[dimension] = self._count(DIMENSIONS[dimension])
        return self._by[dimension]

    def provider(self, domain: str) -> str:
        """Who runs the mailboxes of a domain: as looked up, or its own name."""
        return self._providers.get(domain) or own_name(domain) or domain or UNKNOWN

    @cached_property
    def _providers(self) -> dict[str, str]:
        return queries.providers(self._connection)

    @cached_property
    def _streams(self) -> list[int]:
        return queries.streams(self._connection, self._period)

    def _count(self, dimension: Dimension) -> dict[str, Sent]:
        found: dict[str, Sent] = {}
        for value, accepted, count in self._read(dimension.sent) if dimension.sent else ():
            key = dimension.of_sent(self, value)
            more = Sent(accepted=count) if accepted else Sent(refused=count)
            found[key] = found.get(key, Sent()) + more
        return found

    def _read(self, what: str) -> list[tuple[Any, bool, int]]:
        if what not in self._rows:
            rows = queries.sent_by(self._connection, self._period, what, streams=self._streams)
            self._rows[what] = list(rows)
        return self._rows[what]


#: What --by may say.
DIMENSIONS: Mapping[str, Dimension] = {
    "provider": Dimension(
        lambda _, cell: own_name(cell.provider) or cell.provider or UNKNOWN, "domain", Volumes.provider
    ),
    "domain": Dimension(lambda _, cell: cell.domain or UNKNOWN, "domain"),
    "reason": Dimension(lambda _, cell: cell.reason or UNKNOWN, ""),
    "fault": Dimension(lambda _, cell: cell.fault or UNKNOWN, ""),
    "campaign": Dimension(
        lambda names, cell: names.campaign(cell.campaign_id),
        "stream",
        lambda volumes, value: volumes.names.campaign(value[0]),
    ),
    "list": Dimension(
        lambda names, cell: (
            names.list_named(cell.list_id) if cell.list_id else names.list_of(cell.campaign_id)
        ),
        "stream",
        lambda volumes, value: volumes.names.list_of(value[0]),
    ),
    "import": Dimension(lambda _, cell: cell.origin or UNKNOWN, "origin"),
    "relay": Dimension(lambda _, cell: cell.relay or UNKNOWN, "relay"),
    "day": Dimension(
        lambda names, cell: names.day(cell.hour),
        "stream",
        lambda volumes, value: volumes.names.day(queries.hour_at(value[1])),
    ),
    "hour": Dimension(
        lambda names, cell: names.hour(cell.hour),
        "stream",
        lambda volumes, value: volumes.names.hour(queries.hour_at(value[1])),
    ),
}

"""Put the report together: count the period and the one before, find what is wrong, sort the lines."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from mailer.bounces.reporting import queries
from mailer.bounces.reporting.dimensions import DIMENSIONS, Names, Volumes
from mailer.bounces.reporting.finding import find
from mailer.bounces.reporting.model import Cell, Figures, Line, Overview, Period, Sent, Sort
from mailer.store import Store

#: A longer period is drawn in days.
HOURS_UNTIL = timedelta(hours=50)
_OF_TIME = ("day", "hour")


def overview(store: Store, period: Period, *, by: str, zone: str) -> Overview:
    """The report on a period, its lines by a name of DIMENSIONS; days are those of `zone`. Raises StoreError."""
    with store.read() as connection:
        queries.sort_in_memory(connection)
        names = Names(queries.campaigns(connection), queries.lists(connection), ZoneInfo(zone))
        now = list(queries.cells(connection, period, domains=by == "domain"))
        earlier = list(queries.cells(connection, period.before, domains=by == "domain"))
        sent, before = Volumes(connection, period, names), Volumes(connection, period.before, names)
        lines = _lines(by, (now, sent), (earlier, before))
        unit = "hour" if period.until - period.since <= HOURS_UNTIL else "day"
        return Overview(
            period=period,
            zone=zone,
            total=Line("", _figures(now, sent.total), _figures(earlier, before.total)),
            by=by,
            lines=tuple(lines),
            findings=find(now, earlier, sent),
            over_time=tuple(_every(unit, period, _lines(unit, (now, sent)), names)),
            waiting=queries.waiting(connection),
        )


def _lines(
    by: str, now: tuple[Sequence[Cell], Volumes], before: tuple[Sequence[Cell], Volumes] | None = None
) -> list[Line]:
    """Times in their order; of anything else the most failures first, then the most messages."""
    these, those = _grouped(by, *now), _grouped(by, *before) if before else {}
    names = set(these) if by in _OF_TIME else set(these) | set(those)
    nothing = Figures(Sent())
    lines = [Line(key, these.get(key, nothing), those.get(key, nothing)) for key in names]
    if by in _OF_TIME:
        return sorted(lines, key=lambda line: line.key)
    return sorted(
        lines,
        key=lambda line: (
            -line.current.bounces - line.current.complaint,
            -line.current.sent.accepted,
            line.key,
        ),
    )


def _grouped(by: str, cells: Sequence[Cell], volumes: Volumes) -> Mapping[str, Figures]:
    dimension = DIMENSIONS[by]
    groups: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[dimension.key(volumes.names, cell)].append(cell)
    sent = volumes.by(by)
    if not dimension.sent:
        return {key: _figures(mine, volumes.total) for key, mine in groups.items()}
    return {key: _figures(groups.get(key, ()), sent.get(key, Sent())) for key in {*groups, *sent}}


def _figures(cells: Iterable[Cell], sent: Sent) -> Figures:
    counts: Counter[Sort] = Counter()
    for cell in cells:
        counts[cell.sort] += cell.count
    return Figures(
        sent,
        hard=counts[Sort.HARD],
        soft=counts[Sort.SOFT],
        policy=counts[Sort.POLICY],
        complaint=counts[Sort.COMPLAINT],
        delayed=counts[Sort.DELAYED],
    )


def _every(unit: str, period: Period, lines: Sequence[Line], names: Names) -> list[Line]:
    """The same with the times at which nothing happened: a chart has no gaps to jump over."""
    known = {line.key: line for line in lines}
    named = names.hour if unit == "hour" else names.day
    keys: dict[str, None] = {}
    at = period.since
    while at < period.until:
        keys[named(at)] = None
        at += timedelta(hours=1)
    keys[named(period.until - timedelta(microseconds=1))] = None
    nothing = Figures(Sent())
    return [known.get(key) or Line(key, nothing, nothing) for key in keys]

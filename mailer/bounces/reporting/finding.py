"""From counted reports to findings: which patterns stand out, where, and since when."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from mailer.bounces.reporting.dimensions import DIMENSIONS, Volumes
from mailer.bounces.reporting.model import Cell, Finding, Sent, Sort
from mailer.bounces.reporting.patterns import PATTERNS, Pattern

#: A time matters if it has so large a part of what the worst has: an hour of a burst, else a day.
_OF_WORST = 0.1
_LEAST_FOR_HOURS = 30
#: From so many on, findings of one pattern are one.
_ONE_CAUSE = 3
_NAMED = 3


def find(cells: Sequence[Cell], earlier: Sequence[Cell], volumes: Volumes) -> tuple[Finding, ...]:
    """What is wrong in a period; `earlier` are the reports before it, to see since when."""
    found: list[Finding] = []
    left = list(cells)
    for pattern in PATTERNS:
        covered = [cell for cell in left if pattern.covers(cell)]
        # Most patterns end here, before any message is counted.
        if sum(cell.count for cell in covered) < pattern.least:
            continue
        standing_out = dict(_standing_out(pattern, covered, volumes))
        keys = [_key(pattern, cell, volumes) for cell in covered] if standing_out else []
        taken = {id(cell) for cell, key in zip(covered, keys, strict=bool(keys)) if key in standing_out}
        left = [cell for cell in left if id(cell) not in taken] if taken else left
        past = [cell for cell in earlier if pattern.covers(cell)] if standing_out else []
        groups = [
            _finding(pattern, key, mine, [cell for cell in past if _key(pattern, cell, volumes) == key], sent)
            for key, (mine, sent) in standing_out.items()
        ]
        found += _merged(pattern, groups)
    return tuple(found)


def _standing_out(
    pattern: Pattern, covered: Sequence[Cell], volumes: Volumes
) -> Iterator[tuple[str, tuple[list[Cell], int]]]:
    """Each key that has many reports, for its messages and beside all others; with its messages."""
    groups: dict[str, list[Cell]] = defaultdict(list)
    for cell in covered:
        groups[_key(pattern, cell, volumes)].append(cell)
    everything = sum(cell.count for cell in covered)
    complaints = Sort.COMPLAINT in pattern.sorts
    total = _messages(volumes.total, accepted=complaints)
    for key, mine in sorted(groups.items(), key=lambda item: -sum(cell.count for cell in item[1])):
        count = sum(cell.count for cell in mine)
        if count < pattern.least or not key.startswith(pattern.begins):
            continue
        sent = volumes.by(pattern.along).get(key, Sent()) if pattern.along else volumes.total
        # Reports come later than their messages: a share is never more than all.
        of = max(_messages(sent, accepted=complaints), count)
        others = (everything - count) / max(total - of, 1)
        if count / of >= pattern.rate and count / of >= pattern.times * min(others, 1.0):
            yield key, (mine, of)


def _key(pattern: Pattern, cell: Cell, volumes: Volumes) -> str:
    return DIMENSIONS[pattern.along].key(volumes.names, cell) if pattern.along else ""


def _messages(sent: Sent, *, accepted: bool) -> int:
    return sent.accepted if accepted else sent.answered


def _finding(pattern: Pattern, key: str, mine: list[Cell], past: list[Cell], of: int) -> Finding:
    since, last = _lasting(mine, past)
    at = _commonest((cell.provider, cell.count) for cell in mine)
    example = max(mine, key=lambda cell: cell.count).example
    words = {"key": key, "providers": _listed(at)}
    return Finding(
        name=pattern.name,
        key=key,
        title=pattern.title.format(**words),
        count=sum(cell.count for cell in mine),
        of=of,
        since=since,
        last=last,
        reasons=_commonest((cell.reason, cell.count) for cell in mine),
        providers=at,
        fault=pattern.fault,
        remedy=pattern.remedy.format(example=example),
        example=example,
    )


def _lasting(mine: Sequence[Cell], past: Sequence[Cell]) -> tuple[datetime, datetime]:
    """When it began and the last hour in which it mattered; a trickle before or after is not it."""
    everything = (*past, *mine)
    hours = _counted(everything, _hour)
    time = _hour if max(hours.values()) >= _LEAST_FOR_HOURS else _day
    counted = _counted(everything, time)
    least = max(counted.values()) * _OF_WORST
    mattering = [cell for cell in everything if counted[time(cell)] >= least]
    return min(cell.first_at for cell in mattering), max(cell.hour for cell in mattering)


def _counted(cells: Iterable[Cell], time: Callable[[Cell], datetime]) -> Counter[datetime]:
    counts: Counter[datetime] = Counter()
    for cell in cells:
        counts[time(cell)] += cell.count
    return counts


def _hour(cell: Cell) -> datetime:
    return cell.hour


def _day(cell: Cell) -> datetime:
    return cell.hour.replace(hour=0)


def _merged(pattern: Pattern, groups: Sequence[Finding]) -> Sequence[Finding]:
    """One finding for many that have one cause: three providers do not list a sender by chance."""
    if not pattern.merged or len(groups) < _ONE_CAUSE:
        return groups
    names = tuple(group.key for group in groups)
    whole = replace(
        groups[0],
        key=", ".join(names),
        title=pattern.merged.format(number=len(names), key=_listed(names)),
        count=sum(group.count for group in groups),
        of=sum(group.of for group in groups),
        since=min(group.since for group in groups),
        last=max(group.last for group in groups),
        providers=names,
    )
    return [whole]


def _commonest(counted: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    numbers: Counter[str] = Counter()
    for name, count in counted:
        numbers[name] += count
    return tuple(name for name, _ in numbers.most_common() if name)


def _listed(names: Sequence[str]) -> str:
    """a, b and c; a, b, c and 4 others."""
    shown, more = list(names[:_NAMED]), len(names) - _NAMED
    if more > 0:
        return f"{', '.join(shown)} and {more} {'others' if more > 1 else 'other'}"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)

"""The clock of this host against the clocks of others: Date, DKIM's t= and retry times hang on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sqlalchemy import func, select

from mailer import clock
from mailer.doctor.http import request
from mailer.doctor.model import Finding, Unasked, Verdict
from mailer.doctor.scene import Scene
from mailer.store import Store
from mailer.store.errors import StoreError

#: An HTTP date has whole seconds, and the answer travels; more than this is not theirs to explain.
_FINE_SECONDS, _BAD_SECONDS = 10.0, 300.0
_REMEDY = "Let the host keep time by NTP (systemd-timesyncd, chrony)."


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """One other clock."""

    whose: str
    ahead_seconds: float  #: by how much this host is ahead of it


async def gather(scene: Scene) -> Sequence[ClockFacts | Unasked]:
    """The clocks within reach that are not this host's own."""
    found: list[ClockFacts | Unasked] = []
    if scene.store is not None and not scene.store.is_sqlite:
        offset = await asyncio.to_thread(_of_database, scene.store)
        found += [] if offset is None else [ClockFacts("the database", offset)]
    if not scene.is_local:
        reply = await request("GET", f"{scene.settings.site.base_url}/healthz")
        seen = clock.now()
        if (told := _http_date(reply.field("date"))) is not None:
            found.append(ClockFacts("the site's web server", (seen - told).total_seconds()))
    if found:
        return found
    reason = "No other clock is in reach: the pages and the database are on this machine or do not answer."
    return [
        Unasked("this host", reason, "Ask the system, it should say yes: timedatectl show -p NTPSynchronized")
    ]


def _of_database(store: Store) -> float | None:
    try:
        with store.read() as connection:
            told = connection.scalar(select(func.clock_timestamp()))
    except StoreError:
        return None
    return None if told is None else (clock.now() - told).total_seconds()


def _http_date(text: str) -> datetime | None:
    try:
        told = parsedate_to_datetime(text)
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def judge(facts: ClockFacts) -> Iterator[Finding]:
    """Seconds are nothing; minutes make mail look forged and retries wrong."""
    apart = abs(facts.ahead_seconds)
    way = "ahead of" if facts.ahead_seconds > 0 else "behind"
    if apart <= _FINE_SECONDS:
        yield Finding("this host", Verdict.OK, f"It agrees with {facts.whose} to {apart:.0f} s.")
        return
    reason = f"It is {apart:.0f} s {way} {facts.whose}."
    yield Finding("this host", Verdict.FAILURE if apart > _BAD_SECONDS else Verdict.WARNING, reason, _REMEDY)

"""What ops are told, and when a way that failed is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

#: Waits after each failed try; after the last one it is given up. About a day together.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720))
_FOR_EVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that ops should know; it names no subscriber."""

    kind: str  #: "campaign_paused", "relay_down": what programs tell alerts apart by
    subject: str  #: one line
    text: str  #: what happened, and what to do about it
    facts: Mapping[str, object] = field(default_factory=dict)  #: JSON values for programs
    about: str = ""  #: which campaign or relay: part of the cause
    once: bool = False  #: told once in all, not once an hour

    @property
    def cause(self) -> str:
        """Alerts of one cause and hour are one alert."""
        return f"{self.kind}:{self.about}"[:128]

    def hour(self, now: datetime) -> datetime:
        """The hour that it belongs to."""
        return _FOR_EVER if self.once else now.replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Notice:
    """An alert on its way out."""

    id: int
    kind: str
    subject: str
    text: str
    facts: Mapping[str, object]
    raised_at: datetime


def next_try(tries: int, now: datetime) -> datetime | None:
    """When to try again after so many failed tries, or None: give up."""
    return now + WAITS[tries - 1] if tries <= len(WAITS) else None

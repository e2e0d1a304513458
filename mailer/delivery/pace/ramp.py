"""A warm-up as a curve of messages per day, and the even rate that never exceeds it; pure (B12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mailer.settings.pace import PaceSettings

# What changed looks like another sender to a filter that learned the old one.
CHANGED_SHARE = 0.5
# Turns are taken up to a second late, and system mail goes a little ahead: a day has this many less.
SPARED = 2


@dataclass(frozen=True, slots=True)
class Ramp:
    """Messages per day from a first day on, growing until no cap is needed."""

    start: date | None  #: None: no warm-up
    first_day: int
    growth: float
    volume: int  #: messages of a day at which it ends
    changed_on: date | None
    zone: ZoneInfo

    @classmethod
    def of(cls, settings: PaceSettings, *, timezone: str) -> Ramp:
        """The curve of `[pace]`; days are those of the site's time zone."""
        return cls(
            settings.warm_up_start,
            settings.warm_up_first_day,
            settings.warm_up_growth,
            settings.warm_up_volume,
            settings.changed_on,
            ZoneInfo(timezone),
        )

    def most(self, day: date) -> int | None:
        """The messages that this day may have; None: any number. Before the start it is that of the first day."""
        curves = [self._warming(day)]
        if self.changed_on is not None and day >= self.changed_on:
            before = self._warming(self.changed_on)
            base = CHANGED_SHARE * (self.volume if before is None else before)
            curves.append(self._grown(base, (day - self.changed_on).days))
        return min((int(most) for most in curves if most is not None), default=None)

    def rate(self, now: datetime) -> float | None:
        """Messages per second that fill this day evenly and never exceed it; None: no cap."""
        day = now.astimezone(self.zone).date()
        most = self.most(day)
        if most is None:
            return None
        # A day has 23 or 25 hours when the clocks change.
        begin, end = (datetime.combine(one, time(), self.zone) for one in (day, day + timedelta(days=1)))
        return max(1, most - SPARED) / (end.timestamp() - begin.timestamp())

    def _warming(self, day: date) -> float | None:
        if self.start is None:
            return None
        return self._grown(self.first_day, max(0, (day - self.start).days))

    def _grown(self, base: float, days: int) -> float | None:
        # Compared day by day: a start years ago must not become a number too large for a float.
        for _ in range(days):
            if base >= self.volume:
                return None
            base *= self.growth
        return None if base >= self.volume else base

"""`mailer campaign status --watch`: the status, kept up to date until the campaign is over."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from rich.live import Live

from mailer import clock
from mailer.campaigns.status import CampaignStatus
from mailer.cli.campaign_view import print_status, status_view
from mailer.cli.output import console

REFRESH_SECONDS = 1.0
# The pace is that of the last seconds: what it was an hour ago helps nobody.
_PACE_SECONDS = 15.0


class Pace:
    """How fast people are being settled, over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, settled: int, at: float) -> None:
        """Take one reading: people settled so far, and when (monotonic seconds)."""
        self._seen.append((at, settled))
        while self._seen[0][0] < at - _PACE_SECONDS:
            self._seen.popleft()

    @property
    def per_second(self) -> float:
        """People per second; 0 before there are two readings."""
        (first, before), (last, after) = self._seen[0], self._seen[-1]
        return (after - before) / (last - first) if last > first else 0.0


def watch_campaign(read: Callable[[], CampaignStatus]) -> None:
    """Show `read()` again every second until it is over or somebody presses Ctrl+C."""
    out = console()
    if not out.is_terminal:
        print_status(read())
        return
    pace = Pace()
    status = read()
    try:
        with Live(console=out, auto_refresh=False) as live:
            while True:
                pace.note(status.settled, clock.monotonic())
                live.update(status_view(status, note=_note(status, pace)), refresh=True)
                if status.is_over:
                    return
                time.sleep(REFRESH_SECONDS)
                status = read()
    except KeyboardInterrupt:
        out.print("Not watched any more; the campaign goes on.")


def _note(status: CampaignStatus, pace: Pace) -> str:
    if status.is_over:
        return ""
    speed = pace.per_second
    if speed <= 0:
        return "Ctrl+C ends the watching, not the campaign."
    left = round(status.waiting / speed)
    hours, rest = divmod(left, 3600)
    clock_text = f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
    return f"{speed:,.0f} per second, about {clock_text} to go. Ctrl+C ends the watching, not the campaign."

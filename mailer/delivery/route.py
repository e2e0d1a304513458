"""Whether the relay can be used: one connection probes a route that is down, 1 s doubling to 60 s."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from mailer import clock

log = logging.getLogger("mailer.delivery")

FIRST_PROBE_SECONDS = 1.0
LAST_PROBE_SECONDS = 60.0


def probe_wait(failures: int) -> float:
    """Seconds between failure number `failures` (1, 2, 3...) and the next probe."""
    return float(min(LAST_PROBE_SECONDS, FIRST_PROBE_SECONDS * 2 ** min(failures - 1, 10)))


class Route:
    """The state of one relay, shared by the senders that use it."""

    def __init__(self) -> None:
        self._failures = 0
        self._not_before = 0.0
        self._open = 0
        self._refused_late = False
        self._probe = asyncio.Lock()
        self._up = asyncio.Event()
        self.reason = ""

    @property
    def is_down(self) -> bool:
        """Whether no connection stands and the last try failed: then nothing is claimed."""
        return self._failures > 0 and self._open == 0

    async def permission(self) -> None:
        """Wait until a connection may be tried; after a failure one at a time, spaced out."""
        if not self._failures:
            return
        async with self._probe:
            wait = max(0.0, self._not_before - clock.monotonic())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._up.wait()
            # The next sender in the queue waits for its own turn behind this one's.
            self._not_before = clock.monotonic() + probe_wait(max(1, self._failures))

    def opened(self) -> None:
        """A connection stands. If the trouble came after the greeting, that proves nothing yet."""
        self._open += 1
        if not self._refused_late:
            self.proved()

    def closed(self) -> None:
        """A connection is gone."""
        self._open -= 1

    def proved(self) -> None:
        """A recipient was judged: the route works."""
        if self._failures:
            log.warning("route_up", extra={"failures": self._failures})
        self._failures = 0
        self._refused_late = False
        self._up.set()
        self.reason = ""

    def failed(self, reason: str, *, late: bool = False) -> None:
        """A connection could not be opened or, `late`, ended before it judged anybody."""
        self._failures += 1
        self._refused_late = late
        self._up.clear()
        self._not_before = clock.monotonic() + probe_wait(self._failures)
        self.reason = reason
        log.warning("route_down", extra={"failures": self._failures, "reason": reason})

"""Whether a relay can be used: its circuit breaker; one connection probes it, 1 s doubling to 60 s apart."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum

from mailer import clock
from mailer.maillog import EventLog

log = EventLog("delivery")

FIRST_PROBE_SECONDS = 1.0
LAST_PROBE_SECONDS = 60.0
# A relay that says 421 after each message, and takes it on the next connection, refuses every other
# time and works (A59). One that refuses so many of so many in a row does not.
MOST_REFUSALS, OF_ATTEMPTS = 13, 20


class State(StrEnum):
    """Of the breaker."""

    CLOSED = "closed"  #: mail flows
    OPEN = "open"  #: nothing goes this way
    HALF_OPEN = "half-open"  #: one connection tries


class Signal(StrEnum):
    """What the breaker hears."""

    TRIPPED = "tripped"  #: no connection can be had, or nearly every message is refused for the route's sake
    PROBE = "probe"  #: it is time to try
    FAILED = "failed"  #: the try came to nothing
    PROVED = "proved"  #: the try did what had failed: a connection stands, or a recipient was judged


#: What follows; a signal without a row changes nothing.
BREAKER: Mapping[tuple[State, Signal], State] = {
    (State.CLOSED, Signal.TRIPPED): State.OPEN,
    (State.OPEN, Signal.PROBE): State.HALF_OPEN,
    (State.OPEN, Signal.PROVED): State.CLOSED,
    (State.HALF_OPEN, Signal.FAILED): State.OPEN,
    (State.HALF_OPEN, Signal.TRIPPED): State.OPEN,
    (State.HALF_OPEN, Signal.PROVED): State.CLOSED,
}


def probe_wait(failures: int) -> float:
    """Seconds between failure number `failures` (1, 2, 3...) and the next probe."""
    return float(min(LAST_PROBE_SECONDS, FIRST_PROBE_SECONDS * 2 ** min(failures - 1, 10)))


class Route:
    """The way to one relay, shared by the senders that use it; `changed` is called with each new state."""

    def __init__(self, name: str = "", *, changed: Callable[[], None] = lambda: None) -> None:
        self.name = name
        self.state = State.CLOSED
        self.reason = ""
        self.down_since: float | None = None  #: clock.monotonic() when the breaker last left CLOSED
        self.standing = 0  #: connections that stand
        self.changed = changed
        self._failures = 0
        self._not_before = 0.0
        self._refused_late = False
        self._attempts = 0
        self._refusals: deque[int] = deque(maxlen=MOST_REFUSALS)  #: the numbers of those attempts
        self._probe = asyncio.Lock()
        self._up = asyncio.Event()

    @property
    def is_down(self) -> bool:
        """Whether nothing can go this way now: then nothing is claimed for it."""
        return self.state is State.OPEN or (self.state is State.HALF_OPEN and not self.standing)

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
            self._hear(Signal.PROBE)

    def opened(self) -> None:
        """A connection stands. If the trouble came after the greeting, that proves nothing yet."""
        self.standing += 1
        if self._refused_late:
            self.changed()
        else:
            self.proved()

    def closed(self) -> None:
        """A connection is gone."""
        self.standing -= 1
        if self._failures and not self.standing:
            self._hear(Signal.TRIPPED)

    def proved(self) -> None:
        """A recipient was judged: the route works."""
        self._attempts += 1
        # What was on its way when most of it was refused proves nothing.
        if not self._failures or (self.state is State.OPEN and self._refused_late):
            return
        log.route_up(relay=self.name, failures=self._failures)
        self._failures = 0
        self._refused_late = False
        self._up.set()
        self.reason = ""
        self._hear(Signal.PROVED)

    def failed(self, reason: str, *, late: bool = False) -> None:
        """A connection could not be opened or, `late`, ended before it judged anybody."""
        self._failures += 1
        self._refused_late = late
        self._up.clear()
        self._not_before = clock.monotonic() + probe_wait(self._failures)
        self.reason = reason
        log.route_down(relay=self.name, failures=self._failures, reason=reason)
        self._hear(Signal.FAILED)
        if not self.standing:
            self._hear(Signal.TRIPPED)

    def refused(self, reason: str) -> None:
        """A message was refused for the route's sake on a connection that had judged others."""
        self._attempts += 1
        self._refusals.append(self._attempts)
        many = len(self._refusals) == MOST_REFUSALS
        if many and self._attempts - self._refusals[0] < OF_ATTEMPTS:
            self._refusals.clear()
            self.failed(reason, late=True)
            self._hear(Signal.TRIPPED)

    def _hear(self, signal: Signal) -> None:
        state = BREAKER.get((self.state, signal))
        if state is None:
            return
        self.state = state
        if state is State.CLOSED:
            self.down_since = None
        elif self.down_since is None:
            self.down_since = clock.monotonic()
        self.changed()

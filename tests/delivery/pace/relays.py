"""Relays with a limit that nobody was told, in a world where time is a number."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mailer.delivery.pace.controller import Pace, Rules, step
from mailer.delivery.pace.ear import Ear
from mailer.delivery.pace.signals import Refusal, Says

Limit = Callable[[float], float]


class Relay(Protocol):
    """Takes a message at a time, or refuses it."""

    def takes(self, now: float) -> bool: ...


@dataclass
class Bucket:
    """Tokens come at the hidden rate; so many seconds of them can be saved."""

    limit: Limit
    depth_seconds: float
    tokens: float = 0.0
    at: float = 0.0

    def takes(self, now: float) -> bool:
        rate = self.limit(now)
        self.tokens = min(max(1.0, rate * self.depth_seconds), self.tokens + (now - self.at) * rate)
        self.at = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


@dataclass
class Windowed:
    """So many in each window of the clock, as Postfix and most providers count."""

    limit: Limit
    seconds: float
    window: int = -1
    count: int = 0

    def takes(self, now: float) -> bool:
        window = int(now // self.seconds)
        if window != self.window:
            self.window, self.count = window, 0
        if self.count + 1 > self.limit(now) * self.seconds:
            return False
        self.count += 1
        return True


SLOW = Refusal(Says.SLOWER, "it asked us to slow down (451 4.7.1)")
PERHAPS = Refusal(Says.MAYBE, "it refused too much for now (451)")


@dataclass
class Worker:
    """What one worker process knows between two exchanges."""

    shared: Pace
    ear: Ear = field(default_factory=Ear)


@dataclass
class Run:
    """What was sent and refused, and when."""

    sent: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)

    def rate(self, begin: float, end: float) -> float:
        return sum(begin <= at < end for at in self.sent) / (end - begin)

    def refused_share(self, begin: float, end: float) -> float:
        refused = sum(begin <= at < end for at in self.refused)
        return refused / max(1, refused + sum(begin <= at < end for at in self.sent))


def simulate(
    relay: Relay,
    *,
    rules: Rules,
    seconds: float,
    workers: int = 4,
    connections: int = 4,
    fastest: float = 300.0,
    answer_seconds: float = 0.05,
    exchange_seconds: float = 2.0,
    refusal: Refusal = SLOW,
    restarts: tuple[float, ...] = (),
    pace: Pace | None = None,
) -> Run:
    """Workers that always have mail, on one smooth line of turns, telling each other now and then.

    Each worker reacts at once to what it hears itself, and learns what the others heard at its next
    exchange, as `Paces` does. A restart forgets all that is not in the table.
    """
    run = Run(pace=pace or Pace())
    crew = [Worker(run.pace) for _ in range(workers)]
    free_at = 0.0
    waiting: deque[int] = deque()  #: workers whose connections wait for a turn
    events: list[tuple[float, int, str, int]] = [(0.01 * n, n, "exchange", n) for n in range(workers)]
    events += [(0.0, workers + n, "offer", n % workers) for n in range(workers * connections)]
    events += [(at, -1, "restart", 0) for at in restarts]
    events.append((0.0, -2, "turn", 0))
    heapq.heapify(events)
    order = itertools.count(1000)
    while events[0][0] < seconds:
        now, _, what, number = heapq.heappop(events)
        if what == "restart":
            crew = [Worker(run.pace) for _ in range(workers)]
        elif what == "exchange":
            _exchange(run, crew[number], now, fastest, rules)
            heapq.heappush(events, (now + exchange_seconds, next(order), "exchange", number))
        elif what == "hurry":
            _exchange(run, crew[number], now, fastest, rules)
        elif what == "offer":
            waiting.append(number)
        else:
            free = [n for n in waiting if now >= max(crew[n].ear.closed_until, crew[n].shared.until)]
            if not free:
                heapq.heappush(events, (now + answer_seconds, next(order), "turn", 0))
                continue
            waiting.remove(free[0])
            worker = crew[free[0]]
            if relay.takes(now):
                run.sent.append(now)
                worker.ear.took()
            else:
                run.refused.append(now)
                if worker.ear.refused(refusal, now=now, rules=rules):
                    heapq.heappush(events, (now + 0.2, next(order), "hurry", free[0]))
            heapq.heappush(events, (now + answer_seconds, next(order), "offer", free[0]))
            rate = min(fastest, worker.shared.limit or fastest)
            free_at = max(free_at, now - 0.2) + 1.0 / rate
            heapq.heappush(events, (max(now, free_at), next(order), "turn", 0))
    return run


def _exchange(run: Run, worker: Worker, now: float, fastest: float, rules: Rules) -> None:
    run.pace = step(run.pace, worker.ear.tell(rate=fastest), now=now, rules=rules)
    worker.shared = run.pace

"""What happens in one round, drawn from its seed: the site, the server's faults, the blows and their moments."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from tests.faults.script import Rule, Script

#: Faults of a server that is worth sending to: each of them hits a share of the steps at its verb.
FAULTS: tuple[tuple[str, str, float], ...] = (
    ("connect", "421 4.7.0 too busy", 0.3),
    ("connect", "554 5.7.1 not now", 0.2),
    ("connect", "close", 0.3),
    ("connect", "nonsense", 0.2),
    ("ehlo", "close", 0.2),
    ("mail", "421 4.3.2 closing", 0.03),
    ("mail", "451 4.3.0 later", 0.05),
    ("mail", "550 5.7.1 no", 0.03),
    ("mail", "close", 0.03),
    ("mail", "nonsense", 0.02),
    ("rcpt", "421 4.3.2 closing", 0.03),
    ("rcpt", "450 4.2.0 greylisted", 0.1),
    ("rcpt", "452 4.5.3 too many", 0.05),
    ("rcpt", "550 5.1.1 nobody", 0.05),
    ("rcpt", "550-5.7.1 one\r\n550 5.7.1 two", 0.05),
    ("rcpt", "reset", 0.03),
    ("rcpt", "two-replies", 0.02),
    ("data", "421 4.3.2 closing", 0.02),
    ("data", "451 4.3.0 later", 0.05),
    ("data", "554 5.5.1 no", 0.03),
    ("data", "close", 0.02),
    ("data", "reply-close", 0.02),
    ("body", "close", 0.02),
    ("body", "reset", 0.02),
    ("dot", "421 4.3.2 closing", 0.02),
    ("dot", "451 4.7.1 slow down", 0.08),
    ("dot", "452 4.3.1 full", 0.05),
    ("dot", "554 5.7.1 spam", 0.03),
    ("dot", "close", 0.02),
    ("dot", "accept-close", 0.02),
    ("dot", "accept-reset", 0.02),
    ("dot", "accept-nonsense", 0.02),
    ("dot", "reply-close", 0.05),
    ("dot", "accept-stall", 0.01),
    ("dot", "wait 0.4", 0.05),
    ("rcpt", "stall", 0.01),
    ("rset", "close", 0.2),
    ("rset", "451 4.3.0 no", 0.2),
)
#: What is done to the processes, and how often each is drawn.
BLOWS: dict[str, int] = {
    "kill a sender": 5,
    "kill the parent": 2,
    "kill the clockwork": 1,
    "kill all": 4,
    "freeze a sender": 2,
    "freeze all": 1,
    "terminate": 2,
    "start another": 2,
    "server away": 2,
    "server killed": 1,
}


@dataclass(frozen=True)
class Blow:
    """One act of violence."""

    kind: str
    after: int  #: messages the server has taken
    delay: float  #: seconds later
    length: float  #: seconds, of a freeze or an absence


@dataclass(frozen=True)
class Plan:
    """One round."""

    seed: int
    on_postgresql: bool
    people: int
    connections: int
    workers: int
    sending: str
    script: Script
    blows: tuple[Blow, ...]
    leavers: int

    @property
    def crashes(self) -> int:
        """How often one side may die with bodies on the wire."""
        return sum(blow.kind in ("kill a sender", "kill all", "server killed") for blow in self.blows)

    def __str__(self) -> str:
        script = self.script
        faults = ", ".join(f"{rule.verb}: {rule.do!r} {rule.share:g}" for rule in script.rules)
        blows = ", ".join(f"{blow.kind} after {blow.after}" for blow in self.blows)
        where = "PostgreSQL" if self.on_postgresql else "SQLite"
        how = "pipelined" if "PIPELINING" in script.names else "plain"
        how += ", byte by byte" * script.split_replies
        return (
            f"seed {self.seed}: {where}, {self.people} people, {self.workers} workers, "
            f"{self.connections} connections, {how}; faults: {faults or 'none'}; blows: {blows}"
        )


def plan_of(seed: int, *, people: int, postgresql: bool = True) -> Plan:
    """The round of this seed."""
    dice = random.Random(seed)
    workers = dice.choice((1, 2, 2, 2, 3))
    faults = dice.sample(FAULTS, dice.choice((0, 1, 1, 2, 3)))
    rules = [Rule(verb, do, share=share, seed=dice.randrange(1 << 30)) for verb, do, share in faults]
    offers = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 10000000", "DSN")
    script = Script(
        rules,
        offers=offers if dice.random() < 0.75 else offers[1:],
        split_replies=dice.random() < 0.15,
        delay_seconds=dice.choice((0.0, 0.005, 0.02, 0.05)),
        messages_per_connection=dice.choice((None, None, None, 1, 7)),
        data_without_rcpt=dice.random() < 0.3,
        keep_bodies=False,
    )
    kinds = dice.choices(list(BLOWS), list(BLOWS.values()), k=dice.choice((1, 1, 2, 2, 3)))
    moments = sorted(dice.randrange(0, people * 4 // 5) for _ in kinds)
    blows = tuple(
        Blow(kind, after, dice.uniform(0.0, 0.15), dice.uniform(0.2, 3.0))
        for kind, after in zip(kinds, moments, strict=True)
    )
    return Plan(
        seed,
        on_postgresql=postgresql and dice.random() < 0.5,
        people=people,
        connections=dice.choice((workers, 4, 8)),
        workers=workers,
        sending=_sending(dice),
        script=script,
        blows=blows,
        leavers=dice.choice((0, 0, 3)),
    )


def _sending(dice: random.Random) -> str:
    lines: dict[str, Any] = {
        "batch_size": dice.choice((1, 7, 20, 50, 500)),
        "first_retry_minutes": 0.01,
        "retry_hours": 0.0003,
        "stop_seconds": 5,
    }
    return "\n".join(f"{name} = {value}" for name, value in lines.items())

"""A `Paced` that says what a test wants, and remembers what it was told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from mailer.delivery.model import Outcome
from mailer.delivery.paced import Unpaced


@dataclass
class Told(Unpaced):
    """By relay, and by domain, which is the provider's name unless the test says otherwise."""

    rests: dict[str, float] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    connections: dict[str, int] = field(default_factory=dict)
    waits: dict[str, float] = field(default_factory=dict)  #: what the gate of a domain says
    turns: Counter[str] = field(default_factory=Counter)  #: so many of a domain may still go
    providers: dict[str, str] = field(default_factory=dict)
    places: Counter[str] = field(default_factory=Counter)
    asked: list[tuple[str, bool]] = field(default_factory=list)
    domains: dict[int, str] = field(default_factory=dict)  #: of the claims that the gate was asked about
    given_back: Counter[str] = field(default_factory=Counter)
    outcomes: list[tuple[str, str, Outcome]] = field(default_factory=list)

    def limit_for(self, relay: str) -> float | None:
        return self.limits.get(relay)

    def rest(self, relay: str) -> float:
        return self.rests.get(relay, 0.0)

    def may_connect(self, relay: str, open_connections: int) -> bool:
        return open_connections < self.connections.get(relay, 100)

    def provider(self, domain: str) -> str:
        return self.providers.get(domain, domain)

    def gate(self, domain: str, *, system: bool, claim: int = 0) -> float:
        self.domains[claim] = domain
        self.asked.append((domain, system))
        if domain not in self.waits:
            return 0.0
        if self.turns[domain]:
            self.turns[domain] -= 1
            return 0.0
        return self.waits[domain]

    def give_back(self, claim: int) -> None:
        self.given_back[self.domains[claim]] += 1

    def later(self, domain: str) -> float:
        self.places[domain] += 1
        return 100.0 * self.places[domain]

    def heard(self, relay: str, domain: str, outcome: Outcome, *, claim: int = 0) -> None:
        self.outcomes.append((relay, domain, outcome))

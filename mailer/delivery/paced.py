"""What the engine asks about speed before each message and tells after it; `mailer.delivery.pace` answers."""

from __future__ import annotations

from typing import Protocol

from mailer.delivery.model import Outcome


class Paced(Protocol):
    """How fast relays and mailbox providers may be sent to; asked and told on the event loop."""

    def limit_for(self, relay: str) -> float | None:
        """Messages per second through this relay, of all workers together; None: no limit."""

    def rest(self, relay: str) -> float:
        """Seconds for which nothing may go through this relay; 0.0: go on."""

    def may_connect(self, relay: str, open_connections: int) -> bool:
        """Whether this worker, with so many open, may open one more."""

    def provider(self, domain: str) -> str:
        """Whose mail servers take the domain's mail."""

    def gate(self, domain: str, *, system: bool, claim: int = 0) -> float:
        """0.0: this claim may go now, and counts until `heard` or `give_back`; else ask again after so long."""

    def give_back(self, claim: int) -> None:
        """What the gate let through was not sent after all."""

    def later(self, domain: str) -> float:
        """Seconds after which a delivery that is put back should be due."""

    def heard(self, relay: str, domain: str, outcome: Outcome, *, claim: int = 0) -> None:
        """An attempt has ended; `domain` is "" where nobody was named."""

    async def run(self) -> None:
        """Exchange what is known with the other workers, until cancelled."""


class Unpaced:
    """As fast as the relays take it."""

    def limit_for(self, relay: str) -> float | None:
        """None."""
        return None

    def rest(self, relay: str) -> float:
        """None needed."""
        return 0.0

    def may_connect(self, relay: str, open_connections: int) -> bool:
        """Always."""
        return True

    def provider(self, domain: str) -> str:
        """Each its own."""
        return domain

    def gate(self, domain: str, *, system: bool, claim: int = 0) -> float:
        """Open."""
        return 0.0

    def give_back(self, claim: int) -> None:
        """Nothing was counted."""

    def later(self, domain: str) -> float:
        """At once."""
        return 0.0

    def heard(self, relay: str, domain: str, outcome: Outcome, *, claim: int = 0) -> None:
        """Nothing is learned."""

    async def run(self) -> None:
        """Nothing to exchange."""

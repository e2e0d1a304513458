"""The one port of the house: hand these messages to the next hop, say what became of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mailer.delivery.model import Envelope, Outcome
from mailer.errors import MailerError


class RouteDown(MailerError):
    """The relay cannot be used now; no recipient is to blame."""


class BodyWithheld(MailerError):
    """The body was kept back: the intent could not be written, or this worker lost its lease."""


#: Called once with None when the body may leave, or with what forbids it.
Go = Callable[[BodyWithheld | None], None]


class Parcel(Protocol):
    """One message on its way; the courier calls these on the event loop, each at most once."""

    envelope: Envelope
    data: bytes  #: CRLF lines, not dot-stuffed

    def before_body(self, go: Go) -> None:
        """The server asks for the body: write the intent down, then call `go`, now or later."""

    def ended(self, outcome: Outcome) -> None:
        """This became of it."""

    def withheld(self, reason: BodyWithheld) -> None:
        """Nothing of its body left, because `go` said so."""


#: The next parcel that may be offered this instant, or None; never waits.
Following = Callable[[], Parcel | None]


class Courier(Protocol):
    """One connection to a next hop; used by one task at a time."""

    @property
    def relay(self) -> str:
        """Which relay this is: "host:port"."""

    @property
    def is_open(self) -> bool:
        """Whether `deliver` can be called without `connect`."""

    @property
    def is_proven(self) -> bool:
        """Whether this connection has judged at least one recipient: its end is then no outage."""

    @property
    def in_flight(self) -> int:
        """Parcels offered whose end was not told yet."""

    async def connect(self) -> None:
        """Open the connection. Raises RouteDown."""

    async def deliver(self, first: Parcel, following: Following) -> None:
        """Offer `first`, then whatever `following` gives, until that is nothing; never raises for the server.

        Every parcel taken has ended when this returns, also when it is cancelled: a message whose
        body was on the wire is then unknown, any other goes back as ROUTE_DOWN.
        """

    async def close(self) -> None:
        """Say goodbye if that takes no time; never raises."""

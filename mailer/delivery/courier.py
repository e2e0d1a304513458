"""The one port of the house: hand these bytes to the next hop, say what became of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from mailer.delivery.model import Envelope, Outcome
from mailer.errors import MailerError

#: Awaited when the server has asked for the body, just before the final dot can leave. If it
#: raises `BodyWithheld`, the courier lets nothing of the message out.
BeforeBody = Callable[[], Awaitable[None]]


class RouteDown(MailerError):
    """The relay cannot be used now; no recipient is to blame."""


class BodyWithheld(MailerError):
    """The body was kept back: the intent could not be written, or this worker lost its lease."""


class Courier(Protocol):
    """One connection to a next hop; used by one task at a time."""

    @property
    def is_open(self) -> bool:
        """Whether `deliver` can be called without `connect`."""

    @property
    def is_proven(self) -> bool:
        """Whether this connection has judged at least one recipient: its end is then no outage."""

    async def connect(self) -> None:
        """Open the connection. Raises RouteDown."""

    async def deliver(self, envelope: Envelope, data: bytes, *, before_body: BeforeBody) -> Outcome:
        """Offer one message; never raises for what the server does."""

    async def close(self) -> None:
        """Say goodbye if that takes no time; never raises."""

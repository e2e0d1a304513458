"""Tell ops that a relay has been down for a while, and that it is back."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mailer import clock
from mailer.alerts import Alert
from mailer.delivery.relays import Relay, Relays

# A relay that is restarted is no news.
TOLD_AFTER_SECONDS = 60.0


class Outages:
    """Of one worker; what several workers of a site say within an hour is told once."""

    def __init__(self, relays: Relays, send: Callable[[Alert], bool]) -> None:
        """`send` answers False when ops were told the same within the hour."""
        self._relays = relays
        self._send = send
        self._told: set[str] = set()  #: relays of which ops know that they are down

    def look(self) -> None:
        """Raise what there is to tell; writes to the database. Raises StoreError."""
        now = clock.monotonic()
        for relay in self._relays:
            since = relay.route.down_since
            if since is not None and relay.name not in self._told and now - since >= TOLD_AFTER_SECONDS:
                # Another outage within the hour is told in the next one, if it lasts so long.
                if self._send(_down(relay, self._relays)):
                    self._told.add(relay.name)
            elif since is None and relay.name in self._told:
                self._send(_up(relay))
                self._told.discard(relay.name)


def _down(relay: Relay, relays: Iterable[Relay]) -> Alert:
    others = [one.name for one in relays if one.takes_campaigns or one.takes_system]
    waits = (
        f"Mail goes through {', '.join(others)} meanwhile." if others else "All mail waits until it is back."
    )
    return Alert(
        "relay_down",
        f"The relay {relay.name} cannot be used",
        f"No mail could go through [smtp.{relay.name}] for a minute: {relay.route.reason} {waits} "
        "It is tried once a minute, nobody is lost, and no attempt is counted. "
        "`mailer doctor` looks at the relay from this host.",
        {"relay": relay.name, "reason": relay.route.reason, "others": others},
        about=relay.name,
    )


def _up(relay: Relay) -> Alert:
    return Alert(
        "relay_up",
        f"The relay {relay.name} is back",
        f"Mail goes through [smtp.{relay.name}] again.",
        {"relay": relay.name},
        about=relay.name,
    )

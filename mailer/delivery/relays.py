"""The relays of one worker: which takes what, now that some of them are down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mailer import clock
from mailer.delivery.courier import Courier
from mailer.delivery.paced import Paced
from mailer.delivery.rate import RateLimit
from mailer.delivery.route import Route, State
from mailer.delivery.shares import Shares

# What a relay that rests for no longer had in hand is kept there.
MOMENT_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class Relay:
    """One relay, shared by the senders that speak to it."""

    name: str  #: of [smtp.NAME]
    connections: int  #: of this worker
    new_courier: Callable[[], Courier]
    weight: int = 1
    streams: frozenset[str] = frozenset(("campaign", "system"))
    route: Route = field(default_factory=Route)
    limit: RateLimit = field(default_factory=lambda: RateLimit(None, system_share=0.2))
    connecting: int = 0  #: senders that open a connection now
    rest_seconds: float = 0.0  #: for which it wants nothing, when it was last asked about
    is_anothers: bool = False  #: other workers have all the connections that it allows
    # What it may take now; see Relays.
    takes_system: bool = False
    takes_campaigns: bool = False
    shares: Shares | None = None  #: with whom it shares campaign mail; None: with nobody

    def takes(self, *, system: bool) -> bool:
        """Whether this stream goes its way now."""
        return self.takes_system if system else self.takes_campaigns

    def may_take_campaign(self) -> bool:
        """Whether the next campaign mail may be its; it is then counted as taken."""
        return self.shares is None or self.shares.take(self.name, now=clock.monotonic())


class Relays:
    """All of them; what goes to whom is settled anew whenever one of them goes down or comes back."""

    def __init__(self, relays: Iterable[Relay]) -> None:
        self._relays = tuple(relays)
        self._shares = Shares()
        #: Called when senders should look again what they may take.
        self.changed: Callable[[], None] = lambda: None
        for relay in self._relays:
            relay.route.name = relay.name
            relay.route.changed = self.settle
        self.settle()

    def __iter__(self) -> Iterator[Relay]:
        return iter(self._relays)

    @property
    def connections(self) -> int:
        """Of this worker, to all relays."""
        return sum(relay.connections for relay in self._relays)

    @property
    def per_second(self) -> float | None:
        """The most campaign mail that those who take it take; None: no limit."""
        limits = [relay.limit.per_second for relay in self._relays if relay.takes_campaigns]
        known = [limit for limit in limits if limit is not None]
        return sum(known) if len(known) == len(limits) and known else None

    def serve(self, *, system: bool) -> bool:
        """Whether anything of this stream can go out now, or in a moment."""
        relays = [relay for relay in self._relays if system or not relay.is_anothers]
        return any(relay.takes(system=system) or _is_back_soon(relay, system) for relay in relays)

    def adapt(self, paced: Paced) -> None:
        """Take over what has been found out about how fast each may be sent to."""
        before = [(bool(relay.rest_seconds), relay.is_anothers) for relay in self._relays]
        for relay in self._relays:
            relay.rest_seconds = paced.rest(relay.name)
            relay.is_anothers = not relay.rest_seconds and not paced.may_connect(relay.name, 0)
            relay.limit.set_rate(paced.limit_for(relay.name))
        if before != [(bool(relay.rest_seconds), relay.is_anothers) for relay in self._relays]:
            self.settle()

    def settle(self) -> None:
        """See who is up, and give each stream to those that it is for first."""
        up = [relay for relay in self._relays if _is_up(relay) and not relay.rest_seconds]
        own = [relay for relay in up if not relay.is_anothers]
        system = _first_choice(own, "system", _SYSTEM_CHOICES) or _first_choice(up, "system", _SYSTEM_CHOICES)
        campaigns = _first_choice(own, "campaign", _CAMPAIGN_CHOICES)
        # One whose connection is on trial takes what it can, and nobody waits for it.
        sharing = {relay.name: relay.weight for relay in campaigns if relay.route.state is State.CLOSED}
        self._shares.share_among(sharing)
        for relay in self._relays:
            relay.takes_system = relay in system
            relay.takes_campaigns = relay in campaigns
            relay.shares = self._shares if len(self._relays) > 1 else None
        self.changed()


def _is_up(relay: Relay) -> bool:
    return relay.connections > 0 and not relay.route.is_down


def _is_back_soon(relay: Relay, system: bool) -> bool:
    stream = "system" if system else "campaign"
    return _is_up(relay) and stream in relay.streams and relay.rest_seconds <= MOMENT_SECONDS


#: Who takes a stream: those that fit the first of these rows that any relay fits.
_Choices = Sequence[Callable[[Relay], bool]]
_SYSTEM_CHOICES: _Choices = (
    lambda relay: relay.streams == {"system"},
    lambda relay: relay.weight > 0,
    lambda relay: True,
)
_CAMPAIGN_CHOICES: _Choices = (
    lambda relay: relay.weight > 0,
    lambda relay: True,
)


def _first_choice(up: Sequence[Relay], stream: str, choices: _Choices) -> list[Relay]:
    able = [relay for relay in up if stream in relay.streams]
    for fits in choices:
        if chosen := [relay for relay in able if fits(relay)]:
            return chosen
    return []

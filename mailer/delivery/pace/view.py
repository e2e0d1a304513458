"""The state of each relay and provider, and why, in words that an operator understands; and how to forget it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mailer import clock
from mailer.audit import Ledger
from mailer.delivery.pace import table
from mailer.delivery.pace.controller import Pace
from mailer.delivery.pace.owners import OWNERS
from mailer.delivery.pace.ramp import Ramp
from mailer.errors import MailerError
from mailer.settings import Settings
from mailer.settings.relay import relays_in_use
from mailer.store import Store
from mailer.store.vocabulary import Stream


class NothingKnown(MailerError):
    """Nothing is known of that relay or provider: there is nothing to forget."""


@dataclass(frozen=True, slots=True)
class State:
    """One relay or provider as it stands."""

    kind: str  #: "relay" or "provider"
    name: str
    limit: float | None  #: messages per second of all workers; None: none
    most_today: int | None  #: messages that its warm-up lets through today; None: no warm-up
    connections: int | None  #: at once, of all hosts; None: as many as there are
    closed_until: datetime | None  #: nothing leaves before; like all times here, in the site's zone
    refused_at: datetime | None
    cause: str | None  #: of the last refusal

    @property
    def words(self) -> str:
        """What it means."""
        return "; ".join(_words(self))


def states(store: Store, settings: Settings) -> list[State]:
    """Every relay in use, then every provider that something is known of. Raises StoreError."""
    with store.read() as connection:
        known = table.paces(connection)
    now = clock.now()
    ramp = Ramp.of(settings.pace, timezone=settings.site.timezone)
    most = ramp.most(now.astimezone(ramp.zone).date())
    by_relay = settings.pace.warm_up_by == "relay"
    relays = [table.RELAY + relay.name for relay in relays_in_use(settings)]
    relays += sorted(key for key in known if key.startswith(table.RELAY) and key not in relays)
    providers = {key for key in known if key.startswith(table.PROVIDER)}
    if most is not None and not by_relay:
        providers |= {table.PROVIDER + owner.name for owner in OWNERS}
    local = now.astimezone(ramp.zone)
    return [_state(key, known.get(key, Pace()), most if by_relay else None, local) for key in relays] + [
        _state(key, known.get(key, Pace()), None if by_relay else most, local) for key in sorted(providers)
    ]


def reset(store: Store, ledger: Ledger, name: str) -> list[str]:
    """Forget what was found about a relay or provider; the keys that were known. On record.

    `name` as `states` has it, or with its kind before it: "relay:main". Raises NothingKnown, StoreError.
    """
    kinds = (table.RELAY, table.PROVIDER)
    wanted = [name] if name.startswith(kinds) else [kind + name for kind in kinds]
    with store.write() as connection:
        found = sorted(set(wanted) & table.paces(connection).keys())
        if not found:
            raise NothingKnown(
                f"Nothing is known of {name}: there is nothing to forget. See: mailer delivery pace",
                name=name,
            )
        table.forget(connection, found)
        ledger.append(connection, stream=Stream.AUDIT, event="pace-reset", payload={"forgotten": found})
    return found


_UNITS = (("s", 1), ("min", 60), ("h", 3600))


def rate_words(per_second: float) -> str:
    """A rate in the unit that gives it a number: 12/s, 30/min, 90/h."""
    if per_second >= 100:
        return f"{per_second:,.0f}/s"
    for unit, seconds in _UNITS:
        if per_second * seconds >= 1:
            return f"{per_second * seconds:.3g}/{unit}"
    return f"{per_second * 3600:.2g}/h"


def _state(key: str, pace: Pace, most: int | None, now: datetime) -> State:
    kind, _, name = key.partition(":")
    closed = pace.until > now.timestamp()
    return State(
        kind,
        name,
        pace.limit,
        most,
        pace.connections,
        datetime.fromtimestamp(pace.until, now.tzinfo) if closed else None,
        datetime.fromtimestamp(pace.refused_at, now.tzinfo) if pace.refused_at else None,
        pace.cause,
    )


def _words(state: State) -> Iterator[str]:
    if state.closed_until is not None:
        yield f"nothing leaves until {state.closed_until:%H:%M:%S %Z}: {state.cause}"
    if state.limit is not None:
        yield f"at most {rate_words(state.limit)}, going up while it is used and nobody complains"
    elif state.refused_at is not None:
        yield "no limit yet; its first comes with the next mail"
    elif state.most_today is None:
        yield "no limit: it has never asked us to slow down"
    if state.connections is not None:
        one = "one connection" if state.connections == 1 else f"{state.connections} connections"
        yield f"{one} at once, one more each minute"
    if state.most_today is not None:
        yield f"warming up: at most {state.most_today:,} today"
    if state.refused_at is not None and state.closed_until is None:
        yield f"last refusal {state.refused_at:%Y-%m-%d %H:%M %Z}: {state.cause}"

"""What the engine asks before each message and tells after it: who may be sent to now, and how fast (B11, B12)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

from mailer import clock
from mailer.delivery.model import Outcome, OutcomeKind
from mailer.delivery.pace import table
from mailer.delivery.pace.cap import Cap
from mailer.delivery.pace.controller import PROVIDER, ROUTE, Pace
from mailer.delivery.pace.dns import DnsMx, MxLookup
from mailer.delivery.pace.ear import Ear
from mailer.delivery.pace.meter import Meter
from mailer.delivery.pace.owners import GOOGLE, WELL_KNOWN, is_named, owner_of
from mailer.delivery.pace.providers import Providers
from mailer.delivery.pace.ramp import Ramp
from mailer.delivery.pace.sharing import Known, share
from mailer.delivery.pace.signals import Says, by_policy, read
from mailer.delivery.pace.turns import Turns
from mailer.delivery.windows import SiteWindows
from mailer.maillog import EventLog
from mailer.settings import Settings
from mailer.store import Store, StoreError

log = EventLog("delivery")

REFRESH_SECONDS = 2.0
# After a refusal the others hear of it at once, but not more often than this.
URGENT_SECONDS = 0.2
# How long a worker has a connection before the next one has it, where there are fewer than workers.
TURN_SECONDS = 60.0
_QUIET = 0.001  #: messages per second that need no meter


class Paces:
    """One per worker; used on its event loop. What is known to all is exchanged by `run`, or `refresh`."""

    def __init__(
        self, store: Store, settings: Settings, *, worker_id: int, lookup: MxLookup | None = None
    ) -> None:
        asks = settings.pace.look_up
        self._store = store
        self._worker_id = worker_id
        self._providers = Providers(store, (lookup or DnsMx()) if asks else None)
        self._ramp = Ramp.of(settings.pace, timezone=settings.site.timezone)
        self._by_relay = settings.pace.warm_up_by == "relay"
        #: Relays whose own policy a 4.7.28 is, whoever the recipient was.
        self._googles = {name for name, smtp in settings.smtp.items() if owner_of(smtp.host) == GOOGLE}
        self._known = Known({}, ())
        self._own: dict[str, Pace] = {}
        self._relays: dict[str, Ear] = {}
        self._to_domains: Counter[str] = Counter()
        self._meters: dict[str, Meter] = {}
        self._caps: dict[str, Cap] = {}
        self._counted: dict[int, Cap] = {}  #: by claim: where it counts until it has ended
        self._ramp_rate = self._ramp.rate(clock.now())
        self._urgent = asyncio.Event()
        self._failures = 0

    # --- what the engine asks ---------------------------------------------------------------

    def limit_for(self, relay: str) -> float | None:
        """Messages per second through this relay, of all workers together; None: no limit."""
        limits = [self._pace(table.RELAY + relay).limit, self._ramp_rate if self._by_relay else None]
        return min((limit for limit in limits if limit is not None), default=None)

    def rest(self, relay: str) -> float:
        """Seconds for which nothing may go through this relay; 0.0: go on."""
        until = max(self._pace(table.RELAY + relay).until, self._relay(relay).closed_until)
        return max(0.0, until - _now()) if until else 0.0

    def may_connect(self, relay: str, open_connections: int) -> bool:
        """Whether this worker, with so many open, may open one more."""
        most = self._mine(self._pace(table.RELAY + relay).connections)
        return not self.rest(relay) and (most is None or open_connections < most)

    def provider(self, domain: str) -> str:
        """Whose mail servers take the domain's mail, as far as that is known now."""
        return self._providers.of(domain)

    def gate(self, domain: str, *, system: bool, claim: int = 0) -> float:
        """0.0: this claim to this domain may go now, and counts until `heard` or `give_back` is called.

        Else the seconds after which to ask again.
        """
        cap = self._caps.get(self._providers.of(domain))
        if cap is None:
            return 0.0
        if not (wait := cap.ask(_now(), system=system, claim=claim)):
            # Its provider may be known by another name when it ends.
            self._counted[claim] = cap
        return wait

    def give_back(self, claim: int) -> None:
        """What the gate let through was not sent after all."""
        if self._counted and (cap := self._counted.pop(claim, None)):
            cap.give_back(claim)

    def later(self, domain: str) -> float:
        """Seconds after which a delivery that is put back should be due: each call hands out the next place."""
        cap = self._caps.get(self._providers.of(domain))
        return 0.0 if cap is None else cap.later(_now())

    # --- what the engine tells --------------------------------------------------------------

    def heard(self, relay: str, domain: str, outcome: Outcome, *, claim: int = 0) -> None:
        """An attempt has ended, also when it ended as ROUTE_DOWN; `domain` is "" where nobody was named."""
        if outcome.kind is OutcomeKind.ACCEPTED:
            self._relay(relay).took()
            self._to_domains[domain] += 1
        elif outcome.reply_code is not None:
            self._refused(relay, domain, outcome)
        if domain and self._counted and (counted := self._counted.pop(claim, None)):
            counted.ended(claim)
        took = self._caps and outcome.kind is OutcomeKind.ACCEPTED
        if took and (cap := self._caps.get(self._providers.of(domain))):
            cap.ear.went_on()

    def _refused(self, relay: str, domain: str, outcome: Outcome) -> None:
        provider = self._providers.of(domain) if domain else ""
        named = bool(provider) and is_named(provider, outcome.reply)
        refusal = by_policy(outcome) if named else read(outcome)
        if refusal is None:
            return
        if outcome.kind is OutcomeKind.ROUTE_DOWN and refusal.says is Says.MAYBE:
            # An outage, or the end of a session (A59). The breaker waits for the first; a limit found by
            # it would be that of a relay that was hardly there.
            return
        is_stop = refusal.says is Says.STOP
        grave = False
        if named or (is_stop and provider):
            cap = self._cap(provider)
            grave |= cap.ear.refused(refusal, now=_now(), rules=PROVIDER)
        # B11: unless it is plainly the provider's word, the way there is stopped as a whole.
        is_providers = named or (is_stop and provider == GOOGLE)
        if not is_providers or (is_stop and relay in self._googles):
            grave |= self._relay(relay).refused(refusal, now=_now(), rules=ROUTE)
        if grave:
            self._urgent.set()

    # --- what all workers know --------------------------------------------------------------

    async def run(self) -> None:
        """Exchange with the others until cancelled; a database that is away is waited for.

        A slow DNS delays nothing of that.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._exchange())
            tasks.create_task(self._look_up())

    async def _exchange(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_SECONDS):
                    await self._urgent.wait()
            self._urgent.clear()
            try:
                await self.refresh()
                self._failures = 0
            except StoreError as error:
                if not self._failures:
                    log.paces_wait(reason=str(error))
                self._failures += 1
            await asyncio.sleep(URGENT_SECONDS)

    async def _look_up(self) -> None:
        while True:
            with contextlib.suppress(StoreError):  # the exchange says so
                await self._providers.refresh()
            await asyncio.sleep(REFRESH_SECONDS)

    async def refresh(self) -> None:
        """Tell the others what was heard here, and learn what they know. Raises StoreError."""
        ears = self._ears()
        heard = {key: ear.tell(rate=rate) for key, (ear, rate) in ears.items()}
        try:
            self._known, self._own = await asyncio.to_thread(share, self._store, heard, self._own)
        except StoreError:
            for key, one in heard.items():
                ears[key][0].untold(one)
            raise
        for ear, _ in ears.values():
            ear.told()
        self._apply()

    def _ears(self) -> dict[str, tuple[Ear, float]]:
        """What listens to each relay and provider, and the rate of all workers as this one guesses it."""
        counts = Counter({table.RELAY + relay: ear.accepted for relay, ear in self._relays.items()})
        for domain, count in self._to_domains.items():
            counts[table.PROVIDER + self._providers.of(domain)] += count
        self._to_domains.clear()
        now, workers = clock.monotonic(), max(1, len(self._known.workers))
        for key in counts.keys() - self._meters.keys():
            self._meters[key] = Meter(now - REFRESH_SECONDS / 2)
        rates: dict[str, float] = {}
        for key, meter in list(self._meters.items()):
            meter.add(counts[key], now=now)
            rates[key] = meter.rate(now) * workers
            if rates[key] < _QUIET:
                del self._meters[key]
        found = {table.RELAY + relay: ear for relay, ear in self._relays.items()}
        for name, cap in self._caps.items():
            found[table.PROVIDER + name] = cap.ear
            cap.ear.accepted += counts[table.PROVIDER + name]
        return {key: (ear, rates.get(key, 0.0)) for key, ear in found.items()}

    def _apply(self) -> None:
        self._ramp_rate = self._ramp.rate(clock.now())
        names = {
            key.removeprefix(table.PROVIDER) for key in self._known.paces if key.startswith(table.PROVIDER)
        }
        ramp_rate = None if self._by_relay else self._ramp_rate
        if ramp_rate is not None:
            names |= WELL_KNOWN
        for name in names | self._caps.keys():
            cap = self._cap(name)
            cap.pace = self._pace(table.PROVIDER + name)
            limits = [cap.pace.limit, ramp_rate if name in WELL_KNOWN else None]
            cap.rate = min((limit for limit in limits if limit is not None), default=None)
            cap.connections = self._mine(cap.pace.connections)
            if not cap.is_needed(_now()):
                del self._caps[name]

    def _cap(self, provider: str) -> Cap:
        cap = self._caps.get(provider)
        if cap is None:
            windows = SiteWindows(self._store, table.PROVIDER + provider, rate=1.0)
            cap = self._caps[provider] = Cap(Turns(windows))
        return cap

    def _relay(self, name: str) -> Ear:
        ear = self._relays.get(name)
        if ear is None:
            ear = self._relays[name] = Ear()
        return ear

    def _pace(self, key: str) -> Pace:
        return self._known.paces.get(key, _FREE)

    def _mine(self, connections: int | None) -> int | None:
        """This worker's part of what all may use at once; where there are fewer than workers, they take turns."""
        workers = self._known.workers
        if connections is None or self._worker_id not in workers:
            return connections
        share, rest = divmod(connections, len(workers))
        place = workers.index(self._worker_id)
        if not share:
            place = (place - int(_now() // TURN_SECONDS)) % len(workers)
        return share + (place < rest)


_FREE = Pace()


def _now() -> float:
    """Seconds on the clock that all hosts share."""
    return clock.now().timestamp()

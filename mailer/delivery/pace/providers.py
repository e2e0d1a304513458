"""Which mailbox provider takes a domain's mail: asked in the background, remembered, never waited for (B11)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import islice

from mailer import clock
from mailer.delivery.pace import table
from mailer.delivery.pace.dns import MailServers, MxLookup, Silent
from mailer.delivery.pace.owners import is_reserved, own_name, owner_of
from mailer.maillog import EventLog
from mailer.store import Store

log = EventLog("delivery")

# However short or long a zone says: mail servers move seldom, and come back to be asked within a week.
TTL_SECONDS = (3600.0, 7 * 86400.0)
SILENT_SECONDS = 600.0
AT_ONCE = 8
# A host without DNS asks for one domain now and then, not for each.
GIVE_UP_AFTER = 5
PAUSE_SECONDS = 60.0
# Domains in memory; a list has fewer, and a forgotten one is read from the table again.
MOST_DOMAINS = 50_000
SAVED_AT_ONCE = 500
# Of a provider's name: it is part of a key in the tables.
MOST_OCTETS = 200


class Providers:
    """Domain -> provider for one worker; the domain itself until, and unless, the DNS says more."""

    def __init__(self, store: Store, lookup: MxLookup | None) -> None:
        self._store = store
        self._lookup = lookup  #: None: the DNS is not asked
        self._known: dict[str, str] = {}
        self._expires: dict[str, float] = {}  #: clock.monotonic() of what is not a known name
        self._wanted: dict[str, None] = {}  #: in the order in which they were seen
        self._failures = 0
        self._not_before = 0.0

    def of(self, domain: str) -> str:
        """The provider as far as it is known now; a domain seen first is looked up later."""
        known = self._known.get(domain)
        return self._first_seen(domain) if known is None else known

    def _first_seen(self, domain: str) -> str:
        if len(self._known) >= MOST_DOMAINS:
            self._known.clear()
            self._expires.clear()
            self._wanted.clear()
        own = own_name(domain)
        self._known[domain] = provider = own or domain[-MOST_OCTETS:]
        if own is None and self._lookup is not None and not is_reserved(domain):
            self._want(domain)
        return provider

    def _want(self, domain: str) -> None:
        if domain:
            self._wanted[domain] = None

    async def refresh(self) -> None:
        """Look up what was seen since, a few domains at once. Raises StoreError."""
        now = clock.monotonic()
        for domain in [domain for domain, at in self._expires.items() if at < now]:
            del self._expires[domain]
            self._want(domain)
        if self._lookup is None or not self._wanted or now < self._not_before:
            return
        batch = list(islice(self._wanted, SAVED_AT_ONCE))
        stored = await asyncio.to_thread(table.providers, self._store, batch, now=clock.now())
        for domain in batch:
            self._wanted.pop(domain, None)
        for domain, (provider, expires_at) in stored.items():
            self._keep(domain, provider, (expires_at - clock.now()).total_seconds())
        await self._ask([domain for domain in batch if domain not in stored])

    async def _ask(self, domains: list[str]) -> None:
        found: dict[str, tuple[str, float]] = {}
        for start in range(0, len(domains), AT_ONCE):
            some = domains[start : start + AT_ONCE]
            if clock.monotonic() < self._not_before:
                self._wanted.update(dict.fromkeys(domains[start:]))
                break
            answers = await asyncio.gather(*map(self._answer, some))
            found |= {domain: answer for domain, answer in zip(some, answers, strict=True) if answer}
        for domain, (provider, seconds) in found.items():
            self._keep(domain, provider, seconds)
        if found:
            now = clock.now()
            rows = [(domain, name, now + timedelta(seconds=ttl)) for domain, (name, ttl) in found.items()]
            await asyncio.to_thread(table.save_providers, self._store, rows, now=now)

    async def _answer(self, domain: str) -> tuple[str, float] | None:
        """The provider and for how many seconds that holds; None: no answer."""
        assert self._lookup is not None
        try:
            servers = await self._lookup(domain)
        except Silent:
            self._keep(domain, domain[-MOST_OCTETS:], SILENT_SECONDS)
            self._failures += 1
            if self._failures % GIVE_UP_AFTER == 0:
                log.dns_is_silent(failures=self._failures)
                self._not_before = clock.monotonic() + PAUSE_SECONDS
            return None
        self._failures = 0
        least, most = TTL_SECONDS
        return owned(domain, servers), min(most, max(least, servers.ttl_seconds))

    def _keep(self, domain: str, provider: str, seconds: float) -> None:
        self._known[domain] = provider
        self._expires[domain] = clock.monotonic() + seconds


def owned(domain: str, servers: MailServers) -> str:
    """The owner of the first mail server whose name is one; the domain when there is none."""
    owners = (owner_of(host) for host in servers.hosts)
    return next((owner for owner in owners if owner), domain)[-MOST_OCTETS:]

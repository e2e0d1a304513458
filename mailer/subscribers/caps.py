"""Caps against subscription bombing (D8), counted per hour under keyed hashes.

A window is a whole number of hours and reaches back to the start of its oldest hour, so a cap is
never exceeded in any span of its length; it may hold up to an hour longer.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select

from mailer.addresses import EmailAddress
from mailer.keyring import Secrets
from mailer.maillog import EventLog
from mailer.settings import PrivacySettings
from mailer.store.bulk import dialect_insert
from mailer.store.schema import SignupCount

_logger = EventLog("subscribers")

_HOUR = timedelta(hours=1)
#: Counters older than the longest window say nothing any more.
KEPT = timedelta(days=30) + _HOUR
# The block of addresses one subscriber line is given: counting single IPv6 addresses caps nothing.
_IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many confirmation mails in this span for one key of this kind."""

    kind: str
    window: timedelta
    setting: str  #: the key under [privacy] that holds the number


ADDRESS, NETWORK, DOMAIN, SITE = "address", "network", "domain", "site"

CAPS = (
    Cap(ADDRESS, timedelta(hours=24), "per_address_day"),
    Cap(ADDRESS, timedelta(days=30), "per_address_month"),
    Cap(NETWORK, _HOUR, "per_ip_hour"),
    Cap(DOMAIN, _HOUR, "per_domain_hour"),
    Cap(SITE, _HOUR, "global_hour"),
)

#: What a public form is measured against; staff answer for their own caps except the address's.
PUBLIC = frozenset({ADDRESS, NETWORK, DOMAIN, SITE})
STAFF = frozenset({ADDRESS, SITE})


class Caps:
    """Counts confirmation mails and says when enough were sent."""

    def __init__(self, secrets: Secrets, privacy: PrivacySettings) -> None:
        self._key = secrets.address_key
        self._limits = {cap: int(getattr(privacy, cap.setting)) for cap in CAPS}
        self._alerted: datetime | None = None

    def keys(
        self, address: EmailAddress, ip: str | None, *, kinds: frozenset[str] = PUBLIC
    ) -> dict[str, bytes]:
        """The counters that one sign-up moves, by kind."""
        values = {ADDRESS: address.key, NETWORK: network_of(ip), DOMAIN: address.domain, SITE: ""}
        return {
            kind: self._hash(kind, value)
            for kind, value in values.items()
            if kind in kinds and value is not None
        }

    def address_key(self, address: EmailAddress) -> bytes:
        """The counter of one address alone."""
        return self._hash(ADDRESS, address.key)

    def enter(self, connection: Connection, now: datetime) -> None:
        """Queue up behind any other process that is counting, until this transaction ends."""
        self._add(connection, [self._hash(SITE, "")], now, by=0)

    def exceeded(self, connection: Connection, keys: Mapping[str, bytes], now: datetime) -> Cap | None:
        """The first cap that one more confirmation would break, or None."""
        for cap, limit in self._limits.items():
            if cap.kind in keys and self._sent(connection, keys[cap.kind], now - cap.window) >= limit:
                return cap
        return None

    def fuse_blown(self, connection: Connection, now: datetime) -> bool:
        """Whether the site as a whole has sent its hour's worth; says so in the log once an hour."""
        cap = CAPS[-1]
        sent = self._sent(connection, self._hash(SITE, ""), now - cap.window)
        if sent < self._limits[cap]:
            return False
        hour = _hour_of(now)
        if self._alerted != hour:
            self._alerted = hour
            _logger.signup_fuse_blown(limit=self._limits[cap], sent=sent, setting=cap.setting)
        return True

    def over(self, connection: Connection, keys: Collection[bytes], now: datetime) -> set[bytes]:
        """Which of these addresses' counters another confirmation mail would carry over a cap."""
        found: set[bytes] = set()
        for cap, limit in self._limits.items():
            if cap.kind == ADDRESS:
                sent = select(SignupCount.key_hash).where(
                    SignupCount.key_hash.in_(keys), SignupCount.window_at > now - cap.window - _HOUR
                )
                reached = sent.group_by(SignupCount.key_hash).having(func.sum(SignupCount.count) >= limit)
                found |= set(connection.scalars(reached))
        return found

    def count(self, connection: Connection, keys: Iterable[bytes], now: datetime) -> None:
        """One confirmation mail more for each of these counters."""
        self._add(connection, keys, now, by=1)

    def forgive(self, connection: Connection, address: EmailAddress) -> None:
        """Forget what an address was sent: its holder has just confirmed, nobody is being bombed."""
        connection.execute(delete(SignupCount).where(SignupCount.key_hash == self.address_key(address)))

    def _add(self, connection: Connection, keys: Iterable[bytes], now: datetime, *, by: int) -> None:
        statement = dialect_insert(connection, SignupCount)
        statement = statement.on_conflict_do_update(
            index_elements=[SignupCount.key_hash, SignupCount.window_at],
            set_={"count": SignupCount.count + statement.excluded.count},
        )
        hour = _hour_of(now)
        # Sorted: two processes that count several keys must lock them in one order.
        rows = [{"key_hash": key, "window_at": hour, "count": by} for key in sorted(keys)]
        connection.execute(statement, rows)

    def _sent(self, connection: Connection, key: bytes, since: datetime) -> int:
        query = select(func.coalesce(func.sum(SignupCount.count), 0)).where(
            SignupCount.key_hash == key, SignupCount.window_at > since - _HOUR
        )
        return int(connection.execute(query).scalar_one())

    def _hash(self, kind: str, value: str) -> bytes:
        return hmac.digest(self._key, f"signup-cap\0{kind}\0{value}".encode(), "sha256")


def network_of(ip: str | None) -> str | None:
    """The IPv4 address, or the /64 an IPv6 address lies in; None for what is no IP address."""
    try:
        parsed = ipaddress.ip_address((ip or "").split("%", 1)[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))


def purge_counts(connection: Connection, now: datetime) -> int:
    """Delete the counters that no window reaches any more."""
    return connection.execute(delete(SignupCount).where(SignupCount.window_at < now - KEPT)).rowcount


def _hour_of(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)

"""Ask the DNS for the mail servers of a domain; what comes back is untrusted (D36, RFC 5321 5.1)."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver

# A lookup delays nothing: what has not answered by then is asked again another time.
LOOKUP_SECONDS = 5.0
# An answer that there is none may be kept as well; names get mail servers seldom.
NONE_TTL_SECONDS = 3600.0
# More servers than any domain needs; the first by preference speaks for the rest.
MOST_HOSTS = 20


class MailServers(NamedTuple):
    """What the DNS said of a domain."""

    hosts: tuple[str, ...]  #: by preference; none: the domain has no MX
    ttl_seconds: float


class Silent(Exception):
    """The DNS gave no answer; ask again later."""


class MxLookup(Protocol):
    """Finds the mail servers of a domain."""

    async def __call__(self, domain: str) -> MailServers:
        """Raises Silent."""


class DnsMx:
    """By the resolvers of this host, or those given."""

    def __init__(self, resolver: dns.asyncresolver.Resolver | None = None) -> None:
        self._resolver = resolver

    async def __call__(self, domain: str) -> MailServers:
        """See MxLookup."""
        try:
            if self._resolver is None:
                self._resolver = dns.asyncresolver.Resolver()
            answer = await self._resolver.resolve(
                f"{domain}.", dns.rdatatype.MX, lifetime=LOOKUP_SECONDS, search=False
            )
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            return MailServers((), NONE_TTL_SECONDS)
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise Silent from error
        found = sorted((record.preference, record.exchange.to_text()) for record in answer)
        ttl = float(answer.rrset.ttl) if answer.rrset is not None else NONE_TTL_SECONDS
        return MailServers(tuple(host for _, host in found[:MOST_HOSTS]), ttl)

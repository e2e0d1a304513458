"""Who is asking, and over what: proxy headers count only from a configured proxy (requirement D11)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from starlette.datastructures import Headers
from starlette.types import Scope

Ip = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Proxies:
    """The reverse proxies we believe, and the header in which they name the client."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    header: str = "x-forwarded-for"

    @classmethod
    def of(cls, trusted: Iterable[str], header: str) -> Proxies:
        """Read addresses ("10.0.0.2") and networks ("10.0.0.0/8"); ValueError names a wrong one."""
        return cls(tuple(ip_network(each, strict=False) for each in trusted), header.lower())

    def trusts(self, ip: Ip | None) -> bool:
        """Whether `ip` is one of the configured proxies."""
        return ip is not None and any(ip in network for network in self.networks)

    def client_ip(self, scope: Scope) -> str | None:
        """The address of the person's machine, or None when it is not known.

        The header is read from the right, past our own proxies; what stands further left was
        written by the client and proves nothing.
        """
        ip = peer_of(scope)
        if not self.trusts(ip):
            return str(ip) if ip else None
        for text in reversed(",".join(Headers(scope=scope).getlist(self.header)).split(",")):
            named = _parse_ip(text)
            if named is None:
                break
            ip = named
            if not self.trusts(ip):
                break
        return str(ip)

    def scheme(self, scope: Scope) -> str:
        """ "https" or "http": how the person's browser spoke, as far as we can know."""
        if self.trusts(peer_of(scope)):
            told = Headers(scope=scope).get("x-forwarded-proto")
            if told:
                return told.split(",")[-1].strip().lower()
        return str(scope["scheme"])


def peer_of(scope: Scope) -> Ip | None:
    """The other end of the connection itself; None on a Unix socket."""
    client = scope.get("client")
    return _parse_ip(client[0]) if client else None


def _parse_ip(text: str) -> Ip | None:
    """An address as proxies write it: bare, with a port, or in brackets; v4-in-v6 is unwrapped."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        ip = ip_address(text)
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip

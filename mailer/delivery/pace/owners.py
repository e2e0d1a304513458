"""Whose mail servers these are: the names of mailbox providers, by host, by domain and in their replies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Owner:
    """A mailbox provider that everybody knows."""

    name: str
    mx: frozenset[str]  #: organisational domains of its mail servers
    domains: frozenset[str]  #: whose addresses are its own: no DNS is asked
    named: re.Pattern[str]  #: how its replies name it


def _owner(name: str, mx: str, domains: str, named: str) -> Owner:
    return Owner(name, frozenset(mx.split()), frozenset(domains.split()), re.compile(named, re.I))


OWNERS: tuple[Owner, ...] = (
    _owner("google", "google.com googlemail.com", "gmail.com googlemail.com", r"gmail|google"),
    _owner(
        "outlook",
        "outlook.com office365.us hotmail.com outlook.de mx.microsoft",
        "outlook.com outlook.de outlook.fr hotmail.com hotmail.de hotmail.fr hotmail.co.uk live.com live.de msn.com",
        r"outlook|hotmail|microsoft|office ?365",
    ),
    _owner(
        "yahoo",
        "yahoodns.net yahoo.com aol.com",
        "yahoo.com yahoo.de yahoo.fr yahoo.co.uk yahoo.it ymail.com rocketmail.com aol.com aol.de",
        r"yahoo|\baol\b|\bTSS\d\d",
    ),
    _owner("apple", "icloud.com apple.com", "icloud.com me.com mac.com", r"icloud|apple\.com"),
    _owner(
        "gmx-webde",
        "gmx.net gmx.com web.de",
        "gmx.de gmx.net gmx.at gmx.ch gmx.com web.de",
        r"\bgmx\b|\bweb\.de",
    ),
    _owner("ionos", "kundenserver.de 1and1.com ionos.com ionos.de ui-dns.de", "", r"ionos|kundenserver"),
    _owner("t-online", "t-online.de telekom.de", "t-online.de magenta.de", r"t-online|telekom"),
    _owner("proofpoint", "pphosted.com ppe-hosted.com", "", r"proofpoint|pphosted"),
    _owner("mimecast", "mimecast.com mimecast.co.za", "", r"mimecast"),
)
GOOGLE = "google"
_BY_MX: Mapping[str, str] = {domain: owner.name for owner in OWNERS for domain in owner.mx}
_BY_DOMAIN: Mapping[str, str] = {domain: owner.name for owner in OWNERS for domain in owner.domains}
_NAMED: Mapping[str, re.Pattern[str]] = {owner.name: owner.named for owner in OWNERS}
WELL_KNOWN = frozenset(_NAMED)

# Registries that sell third-level names; with the country's two letters they are one public suffix.
_SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "gob", "gov", "gv", "ne", "net", "or", "org"})
# RFC 2606, RFC 6761: names that no DNS knows, and those that are only known at home.
_RESERVED = frozenset({"example", "invalid", "test", "localhost", "local", "internal", "home", "lan"})
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_MAX_NAME = 253  # 255 octets on the wire
# Most refusals, the relay's own too, repeat the address that they are about.
_ADDRESS = re.compile(r"[^\s@]{0,320}@\S*")


def owner_of(mx_host: str) -> str | None:
    """The provider behind a mail server's name; None: that is no usable name (D36)."""
    labels = mx_host.lower().rstrip(".").split(".")
    if len(mx_host) > _MAX_NAME or len(labels) < 2 or not all(map(_LABEL.match, labels)):
        return None
    if labels[-1].isdigit():
        return None
    deep = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS
    domain = ".".join(labels[-3:] if deep else labels[-2:])
    return _BY_MX.get(domain, domain)


def own_name(domain: str) -> str | None:
    """The provider whose own addresses are at this domain; None: ask the DNS."""
    return _BY_DOMAIN.get(domain)


def is_reserved(domain: str) -> bool:
    """Whether no DNS can know the domain."""
    labels = domain.split(".")
    return labels[-1] in _RESERVED or labels[-2:-1] == ["example"]


def is_named(provider: str, text: str) -> bool:
    """Whether a server's words name this provider, which was passed on by the relay then.

    One that not everybody knows is named by a host of its: its bare domain may stand in any refusal.
    """
    words = _ADDRESS.sub(" ", text)
    pattern = _NAMED.get(provider)
    return bool(pattern.search(words)) if pattern else "." in provider and f".{provider}" in words.lower()

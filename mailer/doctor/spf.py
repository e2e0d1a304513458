"""Sender Policy Framework: a record read, its lookups counted, an address held against it (RFC 7208)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from mailer.doctor.lookups import Address

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
#: RFC 7208 section 4.6.4.
MAX_LOOKUPS, MAX_VOID, MAX_MX_HOSTS = 10, 2, 10
_TERM = re.compile(
    r"(?P<qualifier>[+?~-]?)(?P<name>[a-z][a-z0-9_.-]*)"
    r"(?:(?P<sign>[:=])(?P<value>[^/\s]*))?(?P<cidr>(?:/\d{1,3})?(?://\d{1,3})?)",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"(?:/(\d{1,3}))?(?://(\d{1,3}))?")
_MECHANISMS = frozenset({"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"})
_NEED_VALUE = frozenset({"include", "ip4", "ip6", "exists"})
_COUNTED = frozenset({"include", "a", "mx", "ptr", "exists"})


class SpfResult(StrEnum):
    """What `check_host` ends with (RFC 7208 section 2.6); UNKNOWN is ours: a macro decides it."""

    PASS = "pass"  # noqa: S105 - a result of SPF, no secret
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    PERMERROR = "permerror"
    TEMPERROR = "temperror"
    UNKNOWN = "unknown"


_RESULTS = {
    "": SpfResult.PASS,
    "+": SpfResult.PASS,
    "-": SpfResult.FAIL,
    "~": SpfResult.SOFTFAIL,
    "?": SpfResult.NEUTRAL,
}


class SpfBroken(ValueError):
    """The record cannot be read; the words say why."""


@dataclass(frozen=True, slots=True)
class Term:
    """One mechanism as written; `value` is a domain, or an address for ip4 and ip6."""

    name: str
    qualifier: str = ""
    value: str = ""
    prefix: str = ""

    @property
    def is_counted(self) -> bool:
        """Whether it costs a lookup."""
        return self.name in _COUNTED

    @property
    def has_macro(self) -> bool:
        """Whether only the receiver can know what it means."""
        return "%" in self.value


@dataclass(frozen=True, slots=True)
class Step:
    """A mechanism with what DNS said about it."""

    term: Term
    networks: tuple[Network, ...] = ()
    child: Node | None = None
    is_void: bool = False
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Node:
    """The policy of one domain, what it includes read along."""

    domain: str
    records: tuple[str, ...] = ()
    fault: str = ""  #: why it is a permerror
    is_silent: bool = False  #: DNS did not tell
    steps: tuple[Step, ...] = field(default=())
    redirect: Node | None = None


def policies_among(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Which TXT records are SPF's (section 4.5)."""
    return tuple(text for text in texts if text[:6].lower() == "v=spf1" and text[6:7] in ("", " "))


def parse(text: str) -> tuple[tuple[Term, ...], str]:
    """The mechanisms up to `all`, and the domain of `redirect` or "". Raises SpfBroken."""
    terms: list[Term] = []
    redirects: list[str] = []
    for word in text.split()[1:]:
        match = _TERM.fullmatch(word)
        if match is None:
            if "=" in word and ":" not in word.partition("=")[0]:
                continue  # a modifier that we need not know
            raise SpfBroken(f'"{word[:80]}" is no term of SPF')
        if match["sign"] == "=":
            redirects += [match["value"]] if match["name"].lower() == "redirect" else []
            continue
        terms.append(_term(match))
    if len(redirects) > 1:
        raise SpfBroken("it has more than one redirect")
    ended = next((at for at, term in enumerate(terms, 1) if term.name == "all"), None)
    return tuple(terms[:ended]), "".join(redirects) if ended is None else ""


def _term(match: re.Match[str]) -> Term:
    name, value = match["name"].lower(), match["value"] or ""
    if name not in _MECHANISMS:
        raise SpfBroken(f'"{name[:40]}" is no mechanism of SPF')
    if (name in _NEED_VALUE and not value) or (match["sign"] and not value):
        raise SpfBroken(f'"{match[0][:80]}" lacks what should follow the colon')
    if name in ("ip4", "ip6"):
        network_of(value, match["cidr"], version=int(name[2]))
    return Term(name, match["qualifier"], value, match["cidr"])


def network_of(value: str, prefix: str, *, version: int) -> Network:
    """The network that ip4 or ip6 names. Raises SpfBroken."""
    try:
        network = ipaddress.ip_network(value + prefix, strict=False)
    except ValueError:
        network = None
    if network is None or network.version != version:
        raise SpfBroken(f'"ip{version}:{value[:60]}{prefix}" is no IPv{version} network')
    return network


def around(address: Address, prefix: str) -> Network:
    """The network of a host's address, as the prefix lengths after `a` and `mx` say."""
    match = _PREFIX.fullmatch(prefix)
    length = None if match is None else match[1 if address.version == 4 else 2]
    longest = address.max_prefixlen
    return ipaddress.ip_network(f"{address}/{min(int(length or longest), longest)}", strict=False)


def nodes(node: Node) -> Iterator[Node]:
    """The policy and all that it takes in."""
    yield node
    for child in (*(step.child for step in node.steps), node.redirect):
        if child is not None:
            yield from nodes(child)


def lookups(node: Node) -> int:
    """The lookups of an evaluation that nothing ends early (section 4.6.4)."""
    return sum(
        sum(step.term.is_counted for step in each.steps) + (each.redirect is not None) for each in nodes(node)
    )


def voids(node: Node) -> int:
    """The lookups among them that find nothing."""
    return sum(step.is_void for each in nodes(node) for step in each.steps)


def check_host(node: Node, address: Address) -> SpfResult:
    """What a receiver would make of mail from this address (section 4), all lookups taken as done."""
    if node.is_silent:
        return SpfResult.TEMPERROR
    if node.fault:
        return SpfResult.PERMERROR
    if not node.records:
        return SpfResult.NONE
    for step in node.steps:
        ended = _match(step, address)
        if ended is True:
            return _RESULTS[step.term.qualifier]
        if isinstance(ended, SpfResult):
            return ended
    if node.redirect is not None:
        result = check_host(node.redirect, address)
        return SpfResult.PERMERROR if result is SpfResult.NONE else result
    return SpfResult.NEUTRAL


def _match(step: Step, address: Address) -> bool | SpfResult:
    if step.term.name == "all":
        return True
    if not step.is_known:
        return SpfResult.UNKNOWN
    if step.child is None:
        return any(address in network for network in step.networks)
    # Section 5.2: what the result of an included policy means for this one.
    result = check_host(step.child, address)
    if result is SpfResult.NONE:
        return SpfResult.PERMERROR
    if result in (SpfResult.PERMERROR, SpfResult.TEMPERROR, SpfResult.UNKNOWN):
        return result
    return result is SpfResult.PASS

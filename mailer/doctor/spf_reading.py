"""Read an SPF policy from DNS with all that it includes, never further than a receiver would."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from mailer.doctor.lookups import Dns
from mailer.doctor.spf import (
    MAX_LOOKUPS,
    MAX_MX_HOSTS,
    Network,
    Node,
    SpfBroken,
    Step,
    Term,
    around,
    network_of,
    parse,
    policies_among,
)

#: Above the limit it is only told that it is above: policies that include each other end here.
_MOST_STEPS = 2 * MAX_LOOKUPS


@dataclass
class _Budget:
    left: int = _MOST_STEPS

    def spend(self) -> bool:
        self.left -= 1
        return self.left >= 0


async def read_policy(dns: Dns, domain: str) -> Node:
    """The policy of `domain`, ready to be counted and evaluated."""
    return await _read(dns, domain, _Budget())


async def _read(dns: Dns, domain: str, budget: _Budget) -> Node:
    answer = await dns.txt(domain)
    if answer.is_unknown:
        return Node(domain, is_silent=True)
    records = policies_among(answer.records)
    if len(records) > 1:
        return Node(domain, records, f"{domain} has {len(records)} SPF records; it may have one")
    if not records:
        return Node(domain)
    try:
        terms, redirect = parse(records[0])
    except SpfBroken as error:
        return Node(domain, records, f"in the record of {domain}, {error}")
    # One after the other: the budget is spent in the order in which receivers spend theirs.
    steps = tuple([await _step(dns, domain, term, budget) for term in terms])
    onward = None
    if redirect:
        onward = await _follow(dns, redirect, budget)
    return Node(domain, records, steps=steps, redirect=onward)


async def _follow(dns: Dns, domain: str, budget: _Budget) -> Node:
    if "%" in domain or not budget.spend():
        return Node(domain, is_silent=True)
    return await _read(dns, domain, budget)


async def _step(dns: Dns, domain: str, term: Term, budget: _Budget) -> Step:
    if term.name in ("ip4", "ip6"):
        return Step(term, (network_of(term.value, term.prefix, version=int(term.name[2])),))
    if not term.is_counted:
        return Step(term)
    if term.name == "include":
        child = await _follow(dns, term.value, budget)
        is_void = not child.records and not child.is_silent
        return Step(term, child=child, is_void=is_void, is_known=not term.has_macro)
    if not budget.spend() or term.has_macro or term.name in ("ptr", "exists"):
        return Step(term, is_known=False)
    return await _hosts(dns, term, term.value or domain)


async def _hosts(dns: Dns, term: Term, name: str) -> Step:
    """What `a` or `mx` stands for."""
    if term.name == "a":
        answer, networks = await _networks(dns, name, term.prefix)
        return Step(term, networks, is_void=answer, is_known=True)
    mx = await dns.mx(name)
    found = await asyncio.gather(*(_networks(dns, host, term.prefix) for host in mx.records[:MAX_MX_HOSTS]))
    networks = tuple(network for _, some in found for network in some)
    return Step(term, networks, is_void=mx.is_void, is_known=not mx.is_unknown)


async def _networks(dns: Dns, name: str, prefix: str) -> tuple[bool, tuple[Network, ...]]:
    answer, addresses = await dns.addresses(name)
    return answer.is_void and not addresses, tuple(around(address, prefix) for address in addresses)

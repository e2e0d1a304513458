"""Walk up the DNS tree for DMARC records (RFC 9989 section 4.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mailer.doctor.dmarc import Policy, organisational_domain, policies_among, walk_names
from mailer.doctor.lookups import Dns


@dataclass(frozen=True, slots=True)
class Walk:
    """What one walk found."""

    domain: str
    policies: Mapping[str, Policy]
    repeated: tuple[str, ...] = ()  #: names with several records, which receivers discard
    is_silent: bool = False  #: DNS did not tell
    organisation: str = field(default="")


async def walk(dns: Dns, domain: str) -> Walk:
    """Ask from `domain` upwards until a record ends the walk."""
    policies: dict[str, Policy] = {}
    repeated: list[str] = []
    silent = False
    for name in walk_names(domain):
        answer = await dns.txt(f"_dmarc.{name}")
        silent = silent or (answer.is_unknown and not policies)
        found = policies_among(answer.records)
        if len(found) > 1:
            repeated.append(name)
        if len(found) != 1:
            continue
        policies[name] = found[0]
        if found[0].public_suffix in ("y", "n"):
            break
    return Walk(
        domain, policies, tuple(repeated), silent and not policies, organisational_domain(domain, policies)
    )

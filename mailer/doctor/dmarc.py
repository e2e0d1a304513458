"""DMARC: a record's tags, the walk up the DNS tree, the organisational domain (RFC 9989)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

#: RFC 9989 section 4.7, and the tags that it took away from the DMARC before it.
TAGS = frozenset({"v", "p", "sp", "np", "psd", "t", "rua", "ruf", "adkim", "aspf", "fo"})
OBSOLETE = frozenset({"pct", "rf", "ri"})
POLICIES = frozenset({"none", "quarantine", "reject"})
#: RFC 9989 section 4.10: at most eight questions, so a longer name is cut to seven labels after the first.
_MOST_LABELS = 8


@dataclass(frozen=True, slots=True)
class Policy:
    """One published record."""

    text: str
    tags: Mapping[str, str]

    @property
    def public_suffix(self) -> str:
        """The psd tag: y, n, or u (unknown)."""
        return self.tags.get("psd", "u").lower()

    @property
    def has_reports(self) -> bool:
        """Whether somebody asked for aggregate reports."""
        return any(uri.strip().lower().startswith("mailto:") for uri in self.tags.get("rua", "").split(","))

    def request(self, *, for_subdomain: bool) -> str:
        """What receivers shall do: none, quarantine or reject; an unusable `p` counts as none (section 4.7)."""
        asked = self.tags.get("p", "none").lower()
        if for_subdomain:
            asked = self.tags.get("sp", asked).lower()
        return asked if asked in POLICIES else "none"

    def is_strict(self, tag: str) -> bool:
        """Whether `adkim` or `aspf` wants the very same domain."""
        return self.tags.get(tag, "r").lower() == "s"


def policies_among(texts: tuple[str, ...]) -> tuple[Policy, ...]:
    """Which TXT records are DMARC's: those that begin with exactly this version."""
    return tuple(policy for policy in map(parse, texts) if policy is not None)


def parse(text: str) -> Policy | None:
    """Read a record; None when it is none of DMARC's. The first of equal tags counts."""
    tags: dict[str, str] = {}
    for at, part in enumerate(text.split(";")):
        name, _, value = part.partition("=")
        if at == 0 and (name.strip().lower(), value.strip()) != ("v", "DMARC1"):
            return None
        if name.strip():
            tags.setdefault(name.strip().lower(), value.strip())
    return Policy(text, MappingProxyType(tags))


def walk_names(domain: str) -> tuple[str, ...]:
    """The names of the walk from `domain` up, eight at most (section 4.10); `_dmarc.` goes before each."""
    labels = domain.split(".")
    names = [domain]
    start = max(1, len(labels) - (_MOST_LABELS - 1))
    names += [".".join(labels[at:]) for at in range(start, len(labels))]
    return tuple(names)


def organisational_domain(domain: str, policies: Mapping[str, Policy]) -> str:
    """The domain that stands for the whole organisation (section 4.10.2); `domain` itself when none is found."""
    found = [name for name in walk_names(domain) if name in policies]
    for name in found:
        if policies[name].public_suffix == "n":
            return name
        if policies[name].public_suffix == "y" and name != domain:
            below = domain.removesuffix(f".{name}").rpartition(".")[2]
            return f"{below}.{name}"
    return found[-1] if found else domain


def policy_for(domain: str, policies: Mapping[str, Policy]) -> tuple[str, Policy] | None:
    """The record that counts for mail from `domain`, and where it stands (section 4.10.1)."""
    organisation = organisational_domain(domain, policies)
    for name in (domain, organisation, organisation.partition(".")[2]):
        if name in policies:
            return name, policies[name]
    return None


def is_aligned(one: str, other: str, *, strict: bool, organisations: Mapping[str, str]) -> bool:
    """Whether two domains count as one (section 4.4): the same, or of one organisation where that is enough."""
    return one == other or (not strict and organisations.get(one, one) == organisations.get(other, other))

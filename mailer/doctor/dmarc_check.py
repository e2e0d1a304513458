"""DMARC of each From domain: a record, reports that somebody reads, no tags of the past (B2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailer.doctor.dmarc import OBSOLETE, POLICIES, TAGS, Policy, policy_for
from mailer.doctor.dmarc_reading import Walk, walk
from mailer.doctor.model import Finding, Unasked, Verdict
from mailer.doctor.scene import Scene, nowhere


@dataclass(frozen=True, slots=True)
class DmarcFacts:
    """One From domain and the walk from it."""

    domain: str
    walk: Walk
    signs: bool  #: whether this program signs with DKIM


async def gather(scene: Scene) -> Sequence[DmarcFacts | Unasked]:
    """Walk from each From domain."""
    found: list[DmarcFacts | Unasked] = []
    for domain in scene.from_domains:
        unasked = nowhere(domain)
        found.append(unasked or DmarcFacts(domain, await walk(scene.dns, domain), scene.signs))
    return found


def judge(facts: DmarcFacts) -> Iterator[Finding]:
    """What the record that counts for this domain says, and what it should say."""
    domain, walked = facts.domain, facts.walk
    for name in walked.repeated:
        reason = f"_dmarc.{name} has several DMARC records: receivers discard all of them."
        yield Finding(domain, Verdict.FAILURE, reason, "Leave one.")
    effective = policy_for(domain, walked.policies)
    if walked.is_silent:
        yield Finding(
            domain, Verdict.SKIPPED, "DNS did not answer.", "Ask again; if it stays so, see to DNS."
        )
    elif effective is None and not walked.repeated:
        remedy = f'Publish: _dmarc.{domain}. TXT "v=DMARC1; p=none; rua=mailto:dmarc-reports@{domain}"'
        reason = "There is no DMARC record; Gmail, Yahoo and Microsoft ask one of whoever sends much."
        yield Finding(domain, Verdict.FAILURE, reason, remedy)
    if effective is not None:
        name, policy = effective
        yield _asked(facts, name, policy)
        yield from _faults(domain, name, policy)


def _asked(facts: DmarcFacts, name: str, policy: Policy) -> Finding:
    domain = facts.domain
    asked = policy.request(for_subdomain=name != domain)
    where = "" if name == domain else f", by the record of {name}"
    if policy.tags.get("t", "n").lower() == "y":
        reason = f"p={asked}{where}, but t=y: receivers act one step more mildly than it says."
        return Finding(domain, Verdict.NOTE, reason, "Take t=y out when the reports are clean.")
    if asked == "none":
        reason = f"p=none{where}: nothing is refused in your name, reports only."
        remedy = "When a month of reports shows your own mail only, ask for p=quarantine, later p=reject."
        return Finding(domain, Verdict.OK, reason, remedy)
    if asked == "reject" and not facts.signs:
        reason = f"p=reject{where}: then DKIM must pass, SPF alone is lost when mail is forwarded."
        return Finding(
            domain, Verdict.WARNING, reason, "Sign here (mailer dkim new) or see that your relay does."
        )
    return Finding(domain, Verdict.OK, f"p={asked}{where}.")


def _faults(domain: str, name: str, policy: Policy) -> Iterator[Finding]:
    record = f"_dmarc.{name}"
    if not policy.has_reports:
        remedy = f"Add rua=mailto:dmarc-reports@{domain} to {record}, and let a tool or a person read them."
        yield Finding(domain, Verdict.WARNING, "Nobody gets the reports: rua is missing.", remedy)
    for tag in ("p", "sp", "np"):
        value = policy.tags.get(tag)
        if value is not None and value.lower() not in POLICIES:
            reason = f"{tag}={value[:40]} is no policy, and receivers take it as none."
            yield Finding(domain, Verdict.WARNING, reason, "It is one of none, quarantine, reject.")
    if old := sorted(OBSOLETE & policy.tags.keys()):
        reason = f"{', '.join(old)}: obsolete since RFC 9989, newer receivers ignore it."
        remedy = f"Take it out of {record}." + (" To try a policy out, use t=y." if "pct" in old else "")
        yield Finding(domain, Verdict.WARNING, reason, remedy)
    if unknown := sorted(policy.tags.keys() - TAGS - OBSOLETE):
        reason = f"{', '.join(unknown)[:80]}: no tag of DMARC, receivers ignore it."
        yield Finding(domain, Verdict.NOTE, reason, "Is it misspelt?")

"""Alignment: the From of every list, our d= and the bounce domain belong to one organisation (B1, A39)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mailer.doctor.dmarc import is_aligned, policy_for
from mailer.doctor.dmarc_reading import walk
from mailer.doctor.model import Finding, Unasked, Verdict
from mailer.doctor.scene import Scene, nowhere


@dataclass(frozen=True, slots=True)
class AlignmentFacts:
    """One From domain against the two domains that authenticate it."""

    lists: tuple[str, ...]
    from_domain: str
    bounce_domain: str
    dkim_domain: str | None  #: None: the relay signs, if anybody does
    organisations: Mapping[str, str]
    has_policy: bool = True  #: whether a DMARC record says who belongs to whom
    strict_spf: bool = False
    strict_dkim: bool = False


async def gather(scene: Scene) -> Sequence[AlignmentFacts | Unasked]:
    """Find the organisation of every domain in question."""
    found: list[AlignmentFacts | Unasked] = []
    for domain, lists in scene.from_domains.items():
        unasked = nowhere(domain)
        dkim = scene.dkim_domain(domain)
        if unasked is not None and not _same(domain, scene.bounce_domain, dkim):
            found.append(unasked)
            continue
        names = {domain, scene.bounce_domain, *([dkim] if dkim else [])}
        walks = {name: await walk(scene.dns, name) for name in sorted(names)}
        effective = policy_for(domain, walks[domain].policies)
        policy = None if effective is None else effective[1]
        found.append(
            AlignmentFacts(
                lists,
                domain,
                scene.bounce_domain,
                dkim,
                {name: each.organisation for name, each in walks.items()},
                has_policy=policy is not None,
                strict_spf=policy is not None and policy.is_strict("aspf"),
                strict_dkim=policy is not None and policy.is_strict("adkim"),
            )
        )
    return found


def _same(domain: str, bounce: str, dkim: str | None) -> bool:
    return domain == bounce == (dkim or domain)


def _related(one: str, other: str) -> bool:
    return one.endswith(f".{other}") or other.endswith(f".{one}")


def judge(facts: AlignmentFacts) -> Iterator[Finding]:
    """Both ways should hold: forwarding breaks SPF, a changed body breaks DKIM."""
    subject = f"{facts.from_domain} ({', '.join(facts.lists)})"
    spf = is_aligned(
        facts.from_domain, facts.bounce_domain, strict=facts.strict_spf, organisations=facts.organisations
    )
    dkim = facts.dkim_domain is not None and is_aligned(
        facts.from_domain, facts.dkim_domain, strict=facts.strict_dkim, organisations=facts.organisations
    )
    bounce = f"bounce domain {facts.bounce_domain}"
    if not (facts.has_policy or spf) and _related(facts.from_domain, facts.bounce_domain):
        reason = (
            f"From and {bounce} belong together only once a DMARC record says so (RFC 9989 section 4.10)."
        )
        yield Finding(
            subject, Verdict.WARNING, reason, f"Publish one for {facts.from_domain}: see the check dmarc."
        )
        return
    move = (
        f"Put [sending] return_path on a name below {facts.from_domain}, such as bounce.{facts.from_domain}."
    )
    strictly = " (aspf=s wants the very same domain)" if facts.strict_spf else ""
    if facts.dkim_domain is None:
        signer = "the relay's d= decides for DKIM"
        remedy = "Look at d= in a proof you received: mailer doctor --proof FILE."
        if spf:
            yield Finding(subject, Verdict.OK, f"From and {bounce} belong together; {signer}.", remedy)
        else:
            reason = f"From and {bounce} do not belong together{strictly}; {signer} alone."
            yield Finding(subject, Verdict.WARNING, reason, f"{move} {remedy}")
        return
    signature = f"d={facts.dkim_domain}"
    if spf and dkim:
        yield Finding(subject, Verdict.OK, f"From, {signature} and {bounce} belong together.")
    elif dkim:
        reason = f"From and {signature} belong together, the {bounce} does not{strictly}."
        yield Finding(subject, Verdict.WARNING, reason, move)
    else:
        reason = f"{signature} does not belong to From" + (
            "." if spf else f", nor does the {bounce}{strictly}."
        )
        remedy = f"Sign for {facts.from_domain}: [dkim] domain." + ("" if spf else f" {move}")
        yield Finding(subject, Verdict.WARNING if spf else Verdict.FAILURE, reason, remedy)

"""What no program can see to: mailboxes that people read, registrations, and the logo that may come last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailer.doctor.dmarc import policy_for
from mailer.doctor.dmarc_reading import walk
from mailer.doctor.lookups import Answer
from mailer.doctor.model import Finding, Unasked, Verdict
from mailer.doctor.scene import Scene, nowhere

#: RFC 2142 sections 2 and 4: who runs mail or abuses it is written to here.
ROLES = ("postmaster", "abuse")


@dataclass(frozen=True, slots=True)
class HandFacts:
    """Where reminders apply."""

    domains: tuple[str, ...]
    signing_domains: tuple[str, ...]
    has_own_server: bool


@dataclass(frozen=True, slots=True)
class BimiFacts:
    """The record of a logo, where DMARC is strict enough for one."""

    domain: str
    answer: Answer


async def gather_hand(scene: Scene) -> Sequence[HandFacts | Unasked]:
    """The From domains that are real."""
    real = [name for name in scene.from_domains if nowhere(name) is None]
    if not real:
        return [
            Unasked("your domains", "No list is sent from a domain of yours yet.", "Set [lists.NAME] from.")
        ]
    signing = {scene.dkim_domain(name) or name for name in real}
    return [HandFacts(tuple(real), tuple(sorted(signing)), scene.has_own_server)]


def judge_roles(facts: HandFacts) -> Iterator[Finding]:
    """We do not probe mailboxes (B13), so a person must."""
    for domain in facts.domains:
        boxes = ", ".join(f"{role}@{domain}" for role in ROLES)
        remedy = "Write to each from outside and see it arrive; providers and people with a complaint do."
        yield Finding(domain, Verdict.NOTE, f"Somebody must read {boxes}.", remedy)


def judge_registrations(facts: HandFacts) -> Iterator[Finding]:
    """The programmes in which a provider tells a sender what it thinks of its mail (B22)."""
    signed = ", ".join(facts.signing_domains)
    yield Finding(
        signed, Verdict.NOTE, "Google Postmaster Tools shows Gmail's spam rate.", _register("the domain")
    )
    reason = "Yahoo's Complaint Feedback Loop reports each complaint, by DKIM domain."
    yield Finding(signed, Verdict.NOTE, reason, _register("each d="))
    if facts.has_own_server:
        reason = "Microsoft's SNDS and JMRP show reputation and complaints, by IP address."
        yield Finding("this machine", Verdict.NOTE, reason, _register("your addresses"))
    else:
        reason = "Microsoft's SNDS and JMRP go by IP address, which is your relay's."
        yield Finding("the relay", Verdict.NOTE, reason, "Ask its operator whether they are enrolled.")


def _register(what: str) -> str:
    return f"Register {what} once; docs/deliverability.md says where."


async def gather_bimi(scene: Scene) -> Sequence[BimiFacts | Unasked]:
    """Ask only where DMARC is at enforcement, without which no provider shows a logo."""
    found: list[BimiFacts | Unasked] = []
    for domain in scene.from_domains:
        unasked = nowhere(domain)
        if unasked is not None:
            found.append(unasked)
            continue
        effective = policy_for(domain, (await walk(scene.dns, domain)).policies)
        if effective is None or effective[1].request(for_subdomain=effective[0] != domain) == "none":
            found.append(Unasked(domain, "A logo (BIMI) needs DMARC at quarantine or reject first."))
        else:
            found.append(BimiFacts(domain, await scene.dns.txt(f"default._bimi.{domain}")))
    return found


def judge_bimi(facts: BimiFacts) -> Iterator[Finding]:
    """A courtesy, nothing that keeps mail from arriving (B23)."""
    records = [text for text in facts.answer.records if text.lower().startswith("v=bimi1")]
    name = f"default._bimi.{facts.domain}"
    if not records:
        remedy = f'If you want one: {name}. TXT "v=BIMI1; l=https://…/logo.svg; a=https://…/mark.pem"'
        yield Finding(facts.domain, Verdict.NOTE, "No logo is published (BIMI); none is needed.", remedy)
    elif "l=https://" not in records[0].replace(" ", ""):
        yield Finding(
            facts.domain, Verdict.NOTE, f"{name} names no logo.", "Give l= an https address of an SVG."
        )
    else:
        yield Finding(facts.domain, Verdict.OK, "A logo is published (BIMI).")

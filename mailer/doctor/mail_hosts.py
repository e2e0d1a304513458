"""Where mail to our own domains goes: bounces, answers, and letters to postmaster (A24, A71, B16)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailer.doctor.lookups import Answer
from mailer.doctor.model import Finding, Unasked, Verdict
from mailer.doctor.scene import Scene, nowhere


@dataclass(frozen=True, slots=True)
class MxFacts:
    """The mail exchangers of one domain."""

    domain: str
    used_for: str  #: "bounces", or which address of which list
    mx: Answer
    reachable: tuple[str, ...]  #: the exchangers that have an address
    has_address: bool  #: whether the domain itself has one, which takes mail where MX is missing
    zone: Answer | None = None  #: the SOA, where it matters


async def gather_bounces(scene: Scene) -> Sequence[MxFacts | Unasked]:
    """The bounce domain, and the zone it is in."""
    domain = scene.bounce_domain
    unasked = nowhere(domain)
    return [unasked or await _ask(scene, domain, "bounces", with_zone=True)]


async def gather_answers(scene: Scene) -> Sequence[MxFacts | Unasked]:
    """The domains of From and Reply-To, once each."""
    used: dict[str, str] = {}
    for name, entry in scene.settings.lists.items():
        used.setdefault(entry.from_mailbox.address.domain, f"the From of list {name}")
        if entry.reply_to is not None:
            used.setdefault(entry.reply_to.address.domain, f"the Reply-To of list {name}")
    found: list[MxFacts | Unasked] = []
    for domain, use in used.items():
        unasked = nowhere(domain)
        found.append(unasked or await _ask(scene, domain, use))
    return found


async def _ask(scene: Scene, domain: str, use: str, *, with_zone: bool = False) -> MxFacts:
    mx = await scene.dns.mx(domain)
    reachable = [host for host in mx.records[:10] if host and (await scene.dns.addresses(host))[1]]
    has_address = bool((await scene.dns.addresses(domain))[1])
    zone = None
    if with_zone:
        zone = await scene.dns.soa(domain)
        parent = domain.partition(".")[2]
        while zone.is_void and "." in parent:
            zone = await scene.dns.soa(parent)
            parent = parent.partition(".")[2]
    return MxFacts(domain, use, mx, tuple(reachable), has_address, zone)


def judge(facts: MxFacts) -> Iterator[Finding]:
    """Mail that we ask people and servers to send must arrive somewhere."""
    yield _exchangers(facts)
    if facts.zone is not None and facts.zone.is_void and not facts.mx.is_unknown:
        reason = "No zone with an SOA holds this name; Yahoo refuses mail from such domains."
        yield Finding(facts.domain, Verdict.FAILURE, reason, "Delegate the domain, or use one that is.")


def _exchangers(facts: MxFacts) -> Finding:
    domain, use = facts.domain, facts.used_for
    remedy = f"Publish: {domain}. MX 10 NAME-OF-THE-SERVER-THAT-TAKES-IT."
    if facts.mx.is_unknown:
        return Finding(
            domain, Verdict.SKIPPED, "DNS did not answer.", "Ask again; if it stays so, see to DNS."
        )
    if facts.mx.records and not any(facts.mx.records):
        reason = f"Its MX says that it takes no mail at all (RFC 7505), yet it is used for {use}."
        return Finding(domain, Verdict.FAILURE, reason, remedy)
    if not facts.mx.records and facts.has_address:
        reason = f"No MX ({use}); servers fall back to its address, some refuse such senders."
        return Finding(domain, Verdict.WARNING, reason, remedy)
    if not facts.mx.records:
        reason = f"Nobody takes mail for it ({use}): no MX, no address. Many servers refuse such a sender."
        return Finding(domain, Verdict.FAILURE, reason, remedy)
    dead = [host for host in facts.mx.records[:10] if host and host not in facts.reachable]
    if not facts.reachable:
        reason = f"None of its exchangers has an address ({use}): {', '.join(dead)}."
        return Finding(domain, Verdict.FAILURE, reason, "Give them one, or name others.")
    if dead:
        reason = f"{', '.join(dead)} has no address ({use})."
        return Finding(domain, Verdict.WARNING, reason, "Give it one, or take it out of the MX.")
    return Finding(domain, Verdict.OK, f"{', '.join(facts.reachable)} takes its mail ({use}).")

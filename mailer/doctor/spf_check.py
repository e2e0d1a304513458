"""SPF of the bounce domain and of the EHLO name: one record, within its limits, and it allows our mail (B3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailer.doctor.lookups import Address
from mailer.doctor.model import Finding, Unasked, Verdict
from mailer.doctor.scene import Scene, Senders, nowhere
from mailer.doctor.spf import MAX_LOOKUPS, MAX_VOID, Node, SpfResult, check_host, lookups, nodes, voids
from mailer.doctor.spf_reading import read_policy

_UNDECIDED = frozenset({SpfResult.UNKNOWN, SpfResult.TEMPERROR})
_NEAR = 8  # lookups; one more service of the relay and the limit is there


@dataclass(frozen=True, slots=True)
class SpfFacts:
    """The policy of one domain, and who sends."""

    domain: str
    node: Node
    senders: Senders
    is_bounce_domain: bool
    has_own_server: bool


async def gather(scene: Scene) -> Sequence[SpfFacts | Unasked]:
    """Read the policies of both names."""
    senders = await scene.senders()
    found: list[SpfFacts | Unasked] = []
    for name in dict.fromkeys((scene.bounce_domain, *scene.greetings.values())):
        node = nowhere(name) or await read_policy(scene.dns, name)
        if isinstance(node, Unasked):
            found.append(node)
            continue
        found.append(SpfFacts(name, node, senders, name == scene.bounce_domain, scene.has_own_server))
    return found


def judge(facts: SpfFacts) -> Iterator[Finding]:
    """The first fault that makes receivers give up, or what there is to know about a sound record."""
    fault = _fault(facts)
    if fault is not None:
        yield fault
        return
    yield _authorised(facts)
    yield from _advice(facts)


def _fault(facts: SpfFacts) -> Finding | None:
    node, name = facts.node, facts.domain
    # Recipients meet the EHLO name only of the server that speaks to them.
    serious = Verdict.FAILURE if facts.is_bounce_domain else Verdict.WARNING
    broken = next((each for each in nodes(node) if each.fault), None)
    missing = next((each for each in list(nodes(node))[1:] if not each.records and not each.is_silent), None)
    if node.is_silent:
        return Finding(name, Verdict.SKIPPED, "DNS did not answer.", "Ask again; if it stays so, see to DNS.")
    if not node.records and not facts.is_bounce_domain and not facts.has_own_server:
        return Finding(name, Verdict.OK, "No record, and none is needed: the relay greets with its own name.")
    if not node.records:
        return Finding(name, serious, "There is no SPF record.", _publish(facts))
    if broken is not None:
        reason = f"Receivers cannot use it: {broken.fault}."
        return Finding(name, serious, reason, "Mend it; receivers treat it as an error (permerror).")
    if lookups(node) > MAX_LOOKUPS:
        reason = f"It needs more than {MAX_LOOKUPS} lookups, where receivers give up (permerror)."
        return Finding(name, serious, reason, "Take out includes of services that no longer send for you.")
    if missing is not None:
        reason = f"It includes {missing.domain}, which has no SPF record: receivers give up (permerror)."
        return Finding(
            name, serious, reason, f"Take out {missing.domain}, or ask its owner for the right name."
        )
    if voids(node) > MAX_VOID:
        reason = f"{voids(node)} of its names do not exist; after {MAX_VOID} receivers give up (permerror)."
        return Finding(name, serious, reason, "Take out the names that are gone.")
    return None


def _authorised(facts: SpfFacts) -> Finding:
    counted = (
        f"One record, {lookups(facts.node)} of {MAX_LOOKUPS} lookups, {voids(facts.node)} of {MAX_VOID} void"
    )
    senders = facts.senders
    results = {address: check_host(facts.node, address) for address in senders.addresses}
    refused = [address for address, result in results.items() if result is not SpfResult.PASS]
    if not results:
        reason = f"{counted}. Whether it allows your mail is not known from here."
        remedy = "Put the addresses that your mail leaves from into [doctor] outgoing_addresses."
        return Finding(facts.domain, Verdict.NOTE, reason, remedy)
    if not refused:
        return Finding(facts.domain, Verdict.OK, f"{counted}; it allows {_list(results)} ({senders.source}).")
    said = ", ".join(f"{address}: {results[address].value}" for address in refused[:4])
    if all(results[address] in _UNDECIDED for address in refused):
        reason = f"{counted}. Whether it allows {senders.source} cannot be told from here ({said})."
        remedy = (
            "A part of it depends on a macro, or DNS did not answer for it: look at spf= in a returned proof."
        )
        return Finding(facts.domain, Verdict.NOTE, reason, remedy)
    if not senders.is_certain:
        reason = (
            f"{counted}; it does not allow {senders.source} ({said}), which may send from other addresses."
        )
        remedy = "Look at spf= in a proof you received: mailer doctor --proof FILE. " + _publish(facts)
        return Finding(facts.domain, Verdict.NOTE, reason, remedy)
    serious = Verdict.FAILURE if facts.is_bounce_domain else Verdict.WARNING
    return Finding(
        facts.domain, serious, f"{counted}; it does not allow {senders.source} ({said}).", _publish(facts)
    )


def _advice(facts: SpfFacts) -> Iterator[Finding]:
    node, name = facts.node, facts.domain
    last = next((step.term for each in (node, node.redirect) if each for step in each.steps[-1:]), None)
    if last is None or last.name != "all":
        yield Finding(
            name, Verdict.WARNING, "The record does not say what of everybody else.", "End it with -all."
        )
    elif last.qualifier in ("", "+"):
        yield Finding(name, Verdict.FAILURE, "+all lets everybody send as you.", "Replace +all by -all.")
    elif last.qualifier == "?":
        yield Finding(
            name, Verdict.WARNING, "?all says nothing about everybody else.", "Replace ?all by -all."
        )
    if any(step.term.name == "ptr" for each in nodes(node) for step in each.steps):
        remedy = "Name the addresses by ip4:, a: or include: instead (RFC 7208 section 5.5)."
        yield Finding(name, Verdict.WARNING, "It uses ptr, which many receivers ignore.", remedy)
    if lookups(node) > _NEAR:
        reason = f"{lookups(node)} lookups are close to the limit of {MAX_LOOKUPS}."
        yield Finding(
            name, Verdict.NOTE, reason, "Take out what no longer sends for you before you add more."
        )


def _publish(facts: SpfFacts) -> str:
    if facts.senders.is_certain and facts.senders.addresses:
        terms = " ".join(f"ip{address.version}:{address}" for address in facts.senders.addresses[:4])
    else:
        terms = "include:SPF-NAME-OF-YOUR-RELAY"
    return f'Publish: {facts.domain}. TXT "v=spf1 {terms} -all"'


def _list(addresses: dict[Address, SpfResult]) -> str:
    return ", ".join(map(str, list(addresses)[:4]))

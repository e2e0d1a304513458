"""The name we greet with and the reverse name of our address: each leads to the other (A48, B4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailer.doctor.lookups import Address, Answer, Found
from mailer.doctor.model import Finding, Unasked, Verdict
from mailer.doctor.scene import Scene, Senders, nowhere

_CERTAIN = "Put the address that your mail leaves from into [doctor] outgoing_addresses, then ask again."


@dataclass(frozen=True, slots=True)
class PtrFacts:
    """The reverse names of one address, each with where it leads."""

    address: Address
    names: Answer
    forward: tuple[tuple[str, tuple[Address, ...]], ...]


@dataclass(frozen=True, slots=True)
class EhloFacts:
    """The greeting name, its addresses, and ours."""

    name: str
    answer: Answer
    addresses: tuple[Address, ...]
    reverse: tuple[str, ...]  #: reverse names of those addresses
    senders: Senders
    has_own_server: bool


async def gather_reverse(scene: Scene) -> Sequence[PtrFacts | Unasked]:
    """The addresses that are ours to look after; a relay's are the relay's."""
    if not scene.has_own_server:
        reason = (
            f"The relay {scene.settings.relay.host} speaks to the world; its addresses are its operator's."
        )
        return [Unasked("the relay's addresses", reason)]
    senders = await scene.senders()
    if not senders.addresses:
        reason = "This machine has a private address; which one the world sees is not known from here."
        return [Unasked("this machine", reason, _CERTAIN)]
    found: list[PtrFacts | Unasked] = []
    for address in senders.addresses:
        names = await scene.dns.names_of(address)
        forward = [(name, (await scene.dns.addresses(name))[1]) for name in names.records[:5]]
        found.append(PtrFacts(address, names, tuple(forward)))
    return found


def judge_reverse(facts: PtrFacts) -> Iterator[Finding]:
    """Forward-confirmed, and not the name that the network gave it."""
    subject = str(facts.address)
    confirmed = [name for name, addresses in facts.forward if facts.address in addresses]
    if facts.names.is_unknown:
        yield Finding(
            subject, Verdict.SKIPPED, "DNS did not answer.", "Ask again; if it stays so, see to DNS."
        )
    elif facts.names.is_void:
        reason = "It has no reverse name (PTR): Gmail and others refuse its mail."
        yield Finding(
            subject, Verdict.FAILURE, reason, "Have the address's owner, mostly the hoster, set one."
        )
    elif not confirmed:
        names = ", ".join(facts.names.records[:3])
        reason = f"Its reverse name {names} does not lead back to it."
        yield Finding(
            subject, Verdict.FAILURE, reason, f"Publish an address record of {names} for {subject}."
        )
    elif all(is_generic(name, facts.address) for name in confirmed):
        reason = f"Its reverse name {confirmed[0]} looks like a dial-in's, which many refuse."
        yield Finding(subject, Verdict.WARNING, reason, "Have it named after your mail server.")
    else:
        yield Finding(subject, Verdict.OK, f"{confirmed[0]} leads to it and back.")


def is_generic(name: str, address: Address) -> bool:
    """Whether the name is made of the address, as networks name what they rent out."""
    if address.version == 6:
        return address.exploded.replace(":", "")[-12:] in re.sub(r"[.-]", "", name)
    numbers = [part.lstrip("0") or "0" for part in re.findall(r"\d{1,3}", name)]
    return set(str(address).split(".")) <= set(numbers)


async def gather_greeting(scene: Scene) -> Sequence[EhloFacts | Unasked]:
    """The names that `[smtp.NAME] ehlo_name` or the host gives."""
    return [nowhere(name) or await _greeting(scene, name) for name in dict.fromkeys(scene.greetings.values())]


async def _greeting(scene: Scene, name: str) -> EhloFacts:
    answer, addresses = await scene.dns.addresses(name)
    reverse = [host for each in addresses[:5] for host in (await scene.dns.names_of(each)).records]
    senders = await scene.senders()
    return EhloFacts(name, answer, addresses, tuple(reverse), senders, scene.has_own_server)


def judge_greeting(facts: EhloFacts) -> Iterator[Finding]:
    """A relay mostly forgives a wrong name; the world does not forgive a server of our own."""
    name = facts.name
    serious = Verdict.WARNING if facts.has_own_server else Verdict.NOTE
    remedy = "Set [smtp.NAME] ehlo_name to a name of this machine that DNS knows."
    if facts.answer.found is Found.SILENCE:
        yield Finding(name, Verdict.SKIPPED, "DNS did not answer.", "Ask again; if it stays so, see to DNS.")
    elif "." not in name:
        yield Finding(name, Verdict.WARNING, "We greet with a name without a dot, which is none.", remedy)
    elif not facts.addresses:
        yield Finding(name, serious, "We greet with a name that has no address in DNS.", remedy)
    elif facts.senders.is_certain and not set(facts.addresses) & set(facts.senders.addresses):
        ours = ", ".join(map(str, facts.senders.addresses)) or "unknown"
        led = ", ".join(map(str, facts.addresses[:3]))
        yield Finding(name, serious, f"It leads to {led}; our mail leaves from: {ours}.", remedy)
    elif name not in facts.reverse:
        reason = f"It leads to {facts.addresses[0]}, but no reverse name leads back to it."
        yield Finding(name, serious, reason, "Have the reverse name of the address set to it.")
    else:
        yield Finding(name, Verdict.OK, f"It leads to {facts.addresses[0]} and back.")

"""A proof as it came back: does a signature that holds cover both one-click fields? (A14, RFC 8058 section 4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mailer.addresses import AddressInvalid, parse_mailbox
from mailer.doctor.dmarc import is_aligned
from mailer.doctor.dmarc_reading import walk
from mailer.doctor.model import Finding, Unasked, Verdict
from mailer.doctor.scene import Scene
from mailer.doctor.signatures import Message, SignatureBroken, split_message, tags_of, verify

ONE_CLICK = ("list-unsubscribe", "list-unsubscribe-post")
_SUBJECT = "the proof"
_MOST = 8  # signatures looked at; a message with more is no proof of ours
_RESULT = re.compile(r"\b(spf|dkim|dmarc)\s*=\s*([a-z]+)", re.IGNORECASE)
_HOW = "Run: mailer campaign proof SLUG. Save the mail as received (“show original”), then: mailer doctor --proof FILE"


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM-Signature and how it fared; no `trouble` means that it holds."""

    domain: str
    selector: str
    covers: bool  #: both one-click fields
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ProofFacts:
    """What the message shows."""

    from_domain: str
    one_click_fields: tuple[int, int]  #: how many there are of each
    signatures: tuple[Signature, ...]
    results: tuple[str, ...]  #: Authentication-Results, as its receiver wrote them
    organisations: Mapping[str, str]


async def gather(scene: Scene) -> Sequence[ProofFacts | Unasked]:
    """Read the message, fetch the keys, verify."""
    if scene.proof is None:
        return [Unasked(_SUBJECT, "No proof was given.", _HOW)]
    message = split_message(scene.proof)
    fields = [field for name, field in message.fields if name == "dkim-signature"][:_MOST]
    signatures = [await _examined(scene, message, field) for field in fields]
    author = _domain_of("".join(message.values("from")[:1]))
    domains = {author, *(each.domain for each in signatures)} - {""}
    organisations = {domain: (await walk(scene.dns, domain)).organisation for domain in sorted(domains)}
    unsubscribe, post = (len(message.values(name)) for name in ONE_CLICK)
    results = tuple(text[:400] for text in message.values("authentication-results")[:_MOST])
    return [ProofFacts(author, (unsubscribe, post), tuple(signatures), results, organisations)]


async def _examined(scene: Scene, message: Message, field: bytes) -> Signature:
    tags = tags_of(field.partition(b":")[2].decode("ascii", "replace"))
    domain, selector = tags.get("d", "").lower()[:253], tags.get("s", "").lower()[:253]
    covers = set(ONE_CLICK) <= set(tags.get("h", "").lower().split(":"))
    answer = await scene.dns.txt(f"{selector}._domainkey.{domain}")
    if answer.is_unknown:
        return Signature(domain, selector, covers, "DNS did not give its key")
    try:
        verify(message, field, record="".join(answer.records[:1]))
    except SignatureBroken as error:
        return Signature(domain, selector, covers, str(error))
    return Signature(domain, selector, covers)


def _domain_of(mailbox: str) -> str:
    try:
        return parse_mailbox(mailbox).address.domain
    except AddressInvalid:
        return mailbox.rpartition("@")[2].strip(" >").lower()[:253]


def judge(facts: ProofFacts) -> Iterator[Finding]:
    """The best signature decides; what the receiver found is shown as it stands."""
    if facts.one_click_fields != (1, 1):
        counts = " and ".join(map(str, facts.one_click_fields))
        reason = f"It has {counts} of List-Unsubscribe and List-Unsubscribe-Post; it must have one of each."
        yield Finding(_SUBJECT, Verdict.FAILURE, reason, f"Is it a proof, whole, as received? {_HOW}")
        return
    yield _signed(facts)
    holding = any(not each.trouble for each in facts.signatures)
    for each in facts.signatures:
        if each.trouble and holding:
            reason = f"The signature d={each.domain} s={each.selector} does not hold: {each.trouble}."
            yield Finding(_SUBJECT, Verdict.NOTE, reason)
    yield from _received(facts)


def _signed(facts: ProofFacts) -> Finding:
    holding = [each for each in facts.signatures if not each.trouble]
    covering = [each for each in holding if each.covers]
    aligned = [each for each in covering if _belongs(each, facts)]
    lost = "Without it Gmail and Yahoo do not believe the unsubscribe button."
    if aligned:
        named = " and ".join(f"d={each.domain} s={each.selector}" for each in aligned)
        return Finding(_SUBJECT, Verdict.OK, f"The signature {named} holds and covers both one-click fields.")
    if covering:
        reason = (
            f"The signature that covers both one-click fields is of {covering[0].domain}, not of the From."
        )
        return Finding(_SUBJECT, Verdict.WARNING, reason, f"Sign for {facts.from_domain}: mailer dkim new.")
    if holding:
        reason = (
            f"The signature of {holding[0].domain} holds, but does not cover both one-click fields. {lost}"
        )
        return Finding(
            _SUBJECT, Verdict.FAILURE, reason, "Have the relay sign them, or sign here: mailer dkim new."
        )
    if not facts.signatures:
        reason = f"It carries no DKIM signature. {lost}"
        return Finding(
            _SUBJECT, Verdict.FAILURE, reason, "Sign here: mailer dkim new; or have the relay sign."
        )
    why = "; ".join(f"d={each.domain} s={each.selector}: {each.trouble}" for each in facts.signatures)
    remedy = "Publish the key that signs; if the message was changed, find out by which server."
    return Finding(_SUBJECT, Verdict.FAILURE, f"No signature holds: {why}.", remedy)


def _belongs(signature: Signature, facts: ProofFacts) -> bool:
    return is_aligned(facts.from_domain, signature.domain, strict=False, organisations=facts.organisations)


def _received(facts: ProofFacts) -> Iterator[Finding]:
    for text in facts.results:
        bad = [f"{name}={result}" for name, result in _RESULT.findall(text) if result.lower() != "pass"]
        verdict = Verdict.WARNING if bad else Verdict.NOTE
        remedy = f"Look at {', '.join(bad)}: believe the lines of your own provider only." if bad else ""
        yield Finding(_SUBJECT, verdict, f"Authentication-Results: {text}", remedy)
    if not facts.results:
        yield Finding(
            _SUBJECT, Verdict.NOTE, "No Authentication-Results: its receiver did not say what it found."
        )

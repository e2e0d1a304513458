"""How long one personalised message takes, step by step, against EmailMessage built per recipient.

Run: python -m benchmarks.fill
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from itertools import cycle, islice
from typing import TypeVar

from benchmarks.sending import schedule
from benchmarks.stage import drop, stage
from benchmarks.table import Row, number, run_alone, sized
from mailer import clock
from mailer.addresses import parse_address
from mailer.application import Site
from mailer.campaigns.recipients import Linker, Person
from mailer.delivery.claim import Claim, Claims
from mailer.delivery.esmtp import Extensions, check_bytes, mail_command, rcpt_command, stuffed
from mailer.rendering import CompiledMessage, Gate, RecipientValues

REACH_MICROS = 35.0
_PEOPLE = 5_000
_RUN = 50  # messages per run, each to somebody else
_OFFERED = Extensions.offered({"pipelining": "", "size": "52428800", "8bitmime": ""})
T = TypeVar("T")


def rows() -> list[Row]:
    """The campaign that the other benches send, made for one person after the other by the real site."""
    at = stage("SQLite", _PEOPLE, connections=1)
    schedule(at, _PEOPLE)
    site = at.open()
    try:
        return _measured(site, claims(site))
    finally:
        site.close()
        drop(at)


def claims(site: Site) -> list[Claim]:
    """What a worker would hold of the scheduled campaign."""
    (campaign,) = site.campaigns.start_due(clock.now())
    while site.campaigns.materialise_slice(campaign):
        pass
    return Claims(site.store, 1).take_campaigns(_PEOPLE)


def _measured(site: Site, held: Sequence[Claim]) -> list[Row]:
    compiled = site.campaigns.compiled(held[0].artefact_hash)
    people = [_values(site, compiled, claim) for claim in held]
    gate, size = Gate(), len(site.messages.build(held[0]).data)

    def checked(values: RecipientValues) -> object:
        expected = compiled.expected(values)
        return gate.check(compiled.fill(values), compiled.message_class, expected=expected)

    def offered(claim: Claim) -> object:
        letter = site.messages.build(claim)
        check_bytes(letter.data)
        commands = mail_command(letter.envelope, _OFFERED, letter.data) + rcpt_command(
            letter.envelope, _OFFERED
        )
        return commands + stuffed(letter.data)

    reference = micros(email_message(compiled, people[0]), people)
    steps = (
        ("fill", micros(compiled.fill, people), None, "the text, holes filled"),
        ("fill_gate", micros(checked, people), None, "and the gate, which joins the bytes"),
        ("fill_build", micros(site.messages.build, held), None, "and two tokens, Message-ID, VERP, SHA-256"),
        ("fill_offer", micros(offered, held), REACH_MICROS, "and the courier's checks, commands, stuffing"),
    )
    return [
        Row(
            name=name,
            value=value,
            unit="µs CPU",
            reference="EmailMessage per recipient",
            reference_value=reference,
            ratio=value / reference,
            reach="" if reach is None else f"≤ {number(reach)} µs",
            reached=None if reach is None else value <= reach,
            note=f"{size / 1000:.1f} kB in two parts: {what}",
        )
        for name, value, reach, what in steps
    ]


def _values(site: Site, compiled: CompiledMessage, claim: Claim) -> RecipientValues:
    linker = Linker(site.tokens, site.settings.site.base_url, site.settings.message_id_domain)
    person = Person("", parse_address(claim.email), claim.language, claim.fields, claim.subscription_tag)
    return linker.values(person, links=compiled.links, campaign_tag=claim.campaign_tag)


def email_message(compiled: CompiledMessage, first: RecipientValues) -> Callable[[RecipientValues], bytes]:
    """The reference: the same text put into an EmailMessage and serialised, once per recipient."""
    text, html = compiled.text(first), compiled.html(first)

    def build(recipient: RecipientValues) -> bytes:
        message = EmailMessage(policy=SMTP)
        message["From"] = "Shop <news@shop.example>"
        message["To"] = str(recipient.address)
        message["Subject"] = "Week 47"
        message["Message-ID"] = f"<{recipient.message_id}>"
        message["List-Unsubscribe"] = f"<{recipient.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(text.replace(first.unsubscribe_url, recipient.unsubscribe_url))
        own = html.replace(first.unsubscribe_url, recipient.unsubscribe_url)
        message.add_alternative(own, subtype="html")
        return message.as_bytes()

    return build


def micros(work: Callable[[T], object], over: Sequence[T]) -> float:
    """CPU time of one call in microseconds, of short runs over other people each: the tenth that others' work on
    the machine slowed least.
    """
    people, runs = cycle(over), []
    work(next(people))  # what is done once, by the first message, is not what is measured
    end = time.perf_counter() + sized(2.0, quick=0.2)
    while time.perf_counter() < end:
        batch = list(islice(people, _RUN))
        start = time.process_time()
        for one in batch:
            work(one)
        runs.append((time.process_time() - start) / _RUN)
    return sorted(runs)[len(runs) // 10] * 1e6


if __name__ == "__main__":
    run_alone(rows)

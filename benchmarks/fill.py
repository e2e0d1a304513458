"""How long one personalised message takes, against EmailMessage built per recipient.

Run: python -m benchmarks.fill [seconds per measurement]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from itertools import cycle

from mailer.addresses import Mailbox, parse_address
from mailer.rendering import Gate, RecipientValues
from mailer.rendering.identity import FieldSpec, ListIdentity, SiteIdentity
from mailer.rendering.message import CompiledMessage
from mailer.rendering.program import HoleContext, Parts, Program, Static, Value
from mailer.rendering.wire.artefact import MessageClass
from mailer.rendering.wire.mime import assemble

SITE = SiteIdentity(
    name="Shop", legal_name="Shop GmbH", base_url="https://news.shop.example",
    postal_address="1 Long Lane\n12345 Town", privacy_contact="privacy@shop.example",
)  # fmt: skip
SENDER = Mailbox("Shop", parse_address("news@shop.example"))
LIST = ListIdentity("weekly", "Shop News", "news.list-id.shop.example", SENDER)
FOOT = f"You get Shop News because you asked for it. {SITE.postal_address} {SITE.privacy_contact} "
PARAGRAPH = "Capacitors, resistors and a good deal on oscilloscopes: 20 % off, straße, only this week. "


def example(kilobytes: int = 10) -> CompiledMessage:
    """A two-part message of about that size: a name, three links, a text part a quarter of the HTML."""
    name = Value("subscriber.first_name | default('there')", HoleContext.HTML)
    plain_name = Value("subscriber.first_name | default('there')", HoleContext.TEXT)
    leave, view = Value("unsubscribe_url", HoleContext.HREF), Value("view_url", HoleContext.HREF)
    filler = int(kilobytes * 1000 / len(PARAGRAPH))
    html: Program = (
        Static('<!doctype html><html lang="en"><head><title>Week 47</title></head><body><p>Hello '), name,
        Static(", </p>\n" + f"<p>{PARAGRAPH}</p>\n" * (filler * 3 // 5) + '<p><a href="https://shop.example/p/'),
        Value("subscriber.sku", HoleContext.URL), Static('">Yours</a> <a href="'), view,
        Static('">View in browser</a></p>\n<p>' + FOOT + '<a href="'), leave,
        Static('">Unsubscribe from Shop News</a></p></body></html>\n'),
    )  # fmt: skip
    text: Program = (
        Static("Hello "), plain_name,
        Static(",\n\n" + f"{PARAGRAPH}\n" * (filler // 6) + FOOT + "\nUnsubscribe from Shop News:\n"),
        Value("unsubscribe_url", HoleContext.TEXT), Static("\n"),
    )  # fmt: skip
    parts = Parts(html=html, text=text, subject=(Static("Week 47: oscilloscopes"),))
    fields = {"first_name": FieldSpec("text", ""), "sku": FieldSpec("text", "")}
    artefact = assemble(
        parts,
        message_class=MessageClass.CAMPAIGN,
        slug="week-47",
        language="en",
        list_=LIST,
        site=SITE,
        fields=fields,
    )
    return CompiledMessage(artefact)


def recipients() -> Iterator[RecipientValues]:
    """Twenty thousand different people, over and over."""
    date = datetime(2026, 11, 23, 9, tzinfo=UTC)
    made = []
    for number in range(20_000):
        token = f"u{number:06d}" + "aB3_x9-K" * 9 + "z"
        made.append(
            RecipientValues(
                address=parse_address(f"person{number}@example.net"),
                fields={"first_name": f"Ada{number % 977}", "sku": f"LM{number % 499}"},
                language="en",
                unsubscribe_url=f"https://news.shop.example/u/{token}",
                view_url=f"https://news.shop.example/view/{token}",
                message_id=f"c42.{number:08x}@news.shop.example",
                date=date,
            )
        )
    return cycle(made)


def email_message(compiled: CompiledMessage) -> Callable[[RecipientValues], object]:
    """The reference: the same text put into an EmailMessage and serialised, once per recipient."""
    first = next(recipients())
    text, html = compiled.text(first), compiled.html(first)

    def build(recipient: RecipientValues) -> bytes:
        message = EmailMessage(policy=SMTP)
        message["From"] = "Shop <news@shop.example>"
        message["To"] = str(recipient.address)
        message["Subject"] = "Week 47: oscilloscopes"
        message["Message-ID"] = f"<{recipient.message_id}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(text.replace(first.unsubscribe_url, recipient.unsubscribe_url))
        message.add_alternative(
            html.replace(first.unsubscribe_url, recipient.unsubscribe_url), subtype="html"
        )
        return message.as_bytes()

    return build


def microseconds(work: Callable[[RecipientValues], object], seconds: float) -> float:
    """Median of short runs, each over different recipients."""
    people, runs = recipients(), []
    work(next(people))  # what is done once, by the first message, is not what is measured
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        batch = [next(people) for _ in range(50)]
        start = time.perf_counter()
        for recipient in batch:
            work(recipient)
        runs.append((time.perf_counter() - start) / 50)
    return sorted(runs)[len(runs) // 2] * 1e6


def main(seconds: float = 2.0) -> None:
    """Print one line per measurement."""
    compiled, gate = example(), Gate()

    def with_gate(recipient: RecipientValues) -> None:
        gate.check(compiled.fill(recipient), compiled.message_class, expected=compiled.expected(recipient))

    size = len(compiled.fill(next(recipients())).data)
    reference = microseconds(email_message(compiled), seconds)
    fill, gated = microseconds(compiled.fill, seconds), microseconds(with_gate, seconds)
    print(f"message                     {size / 1000:8.1f} kB")
    print(f"EmailMessage per recipient  {reference:8.1f} µs")
    print(f"fill                        {fill:8.1f} µs  ({reference / fill:.0f} times as fast)")
    print(f"fill and gate               {gated:8.1f} µs")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))

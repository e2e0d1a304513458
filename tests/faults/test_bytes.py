"""What a strict server got is what left, byte for byte, whatever it offers (A28, A50 to A52, A66, A67, A70)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailer.store.vocabulary import DeliveryState
from tests.faults.conftest import Make
from tests.faults.running import RunningSite, stop
from tests.faults.script import Script
from tests.faults.verdict import check

#: First names that would break a body, a header or a dialogue if they were let through as they are.
FIELDS = {
    "dot": ".",
    "dots": "..\r\n.\r\n",
    "lone": "\r\n.\r\nMAIL FROM:<evil@example.net>\r\n",
    "feed": "a\nb\n.\nc",
    "return": "a\rb\r.\rc",
    "header": "x\r\nBcc: evil@example.net",
    "long": "langer Name " * 200,
    "unbroken": "ü" * 900,
    "umlaut": "Jürgen Größe",
    "emoji": "🔌⚡",
    "empty": "",
}
NAMES = [*FIELDS, "plain", "jürgen", "o'neil+tag=1", "x" * 64]
ALL = ("PIPELINING", "8BITMIME", "SIZE 5000000", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")
NEW = "SMTPUTF8"


def _without(*left_out: str) -> tuple[str, ...]:
    return tuple(offer for offer in ALL if offer.partition(" ")[0] not in left_out)


def _send(make: Make, offers: tuple[str, ...]) -> RunningSite:
    site = make(names=NAMES, fields=FIELDS)
    site.start_server(script=Script(offers=offers))
    worker = site.start_worker()
    site.wait(site.settled)
    assert stop(worker) == 0
    return site


def _lines(site: RunningSite) -> Iterator[tuple[str, bytes]]:
    for message in site.accepted:
        for line in message.data.split(b"\r\n"):
            yield message.recipient, line


@pytest.mark.rule("A28", "A50", "A51", "A52", "A66", "A67", "A70")
@pytest.mark.parametrize(
    "offers",
    [ALL, _without("PIPELINING", "SIZE"), _without("DSN", NEW), ()],
    ids=["everything", "no pipelining, no SIZE", "no DSN, no SMTPUTF8", "nothing"],
)
def test_the_bytes_that_arrive_have_the_digest_in_the_table(make: Make, offers: tuple[str, ...]) -> None:
    """The server holds dots, line ends, lengths, 8-bit bytes, SIZE and parameters against the client itself."""
    site = _send(make, offers)
    check(site, doubts=0)
    rows = {row.email.partition("@")[0]: row for row in site.rows()}
    refused = {name: row.status for name, row in rows.items() if row.state is not DeliveryState.ACCEPTED}
    status = "5.6.7" if "8BITMIME" in offers else "5.6.3"  # the first of two reasons
    assert refused == ({} if NEW in offers else {"jürgen": status})
    assert all(len(line) <= 998 for _, line in _lines(site))
    assert not any(line.startswith((b"Bcc:", b"MAIL FROM")) for _, line in _lines(site))
    # Dots at the start of a line are encoded, so that no relay's mistake with them can do harm.
    assert any(line.startswith(b"=2E") for _, line in _lines(site))
    assert not any(line.startswith(b".") for _, line in _lines(site))


@pytest.mark.rule("A66")
def test_a_message_above_the_server_s_size_is_named_and_not_offered(make: Make) -> None:
    """RFC 1870: refused here, with the status that says why; the server never hears of it."""
    site = _send(make, ("PIPELINING", "SIZE 2000"))
    states = check(site, doubts=0)
    assert states == {"rejected": len(NAMES)}
    assert {row.status for row in site.rows() if row.email.isascii()} == {"5.3.4"}
    assert site.order()["commands"].get("mail", 0) == 0

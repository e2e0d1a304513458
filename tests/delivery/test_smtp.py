"""The SMTP courier against a scripted server: TLS, AUTH, the dialogue and its ends (A48-A53, A59-A67)."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mailer.addresses import parse_address
from mailer.delivery.courier import BodyWithheld, Go, RouteDown
from mailer.delivery.dialogue import Timeouts
from mailer.delivery.model import Envelope, Outcome, OutcomeKind
from mailer.delivery.smtp import SmtpCourier
from mailer.settings import SmtpSettings
from tests.delivery.certificates import Authority
from tests.delivery.world import SHORT, Package, courier
from tests.faults.smtp_server import Rule, Script, SmtpServer

DATA = b"From: a@shop.example\r\nSubject: x\r\n\r\n.\r\n..\r\n.x\r\nlast\r\n"


def envelope(local: str = "ada", *, smtputf8: bool = False) -> Envelope:
    """One message to one person."""
    return Envelope("bounce+1@bounce.shop.example", parse_address(f"{local}@example.net"), "e1", smtputf8)


def nothing_more() -> None:
    """No parcel follows."""


def deliver(
    script: Script, *envelopes: Envelope, data: bytes = DATA, **relay: Any
) -> tuple[list[Outcome], SmtpServer]:
    """Deliver on one connection, opened again when it is lost."""

    async def story() -> tuple[list[Outcome], SmtpServer]:
        server = SmtpServer(script)
        outcomes = []
        async with server.running() as port:
            sender = courier(port, **relay)
            for one in envelopes or (envelope(),):
                if not sender.is_open:
                    await sender.connect()
                package = Package(one, data)
                await sender.deliver(package, nothing_more)
                outcomes.append(package.outcome)
            await sender.close()
            await asyncio.sleep(0.01)
        return outcomes, server

    return asyncio.run(story())


def connect_error(script: Script, **relay: Any) -> tuple[str, SmtpServer]:
    """Why no connection came about."""

    async def story() -> tuple[str, SmtpServer]:
        server = SmtpServer(script)
        async with server.running() as port:
            with pytest.raises(RouteDown) as caught:
                await courier(port, **relay).connect()
        return str(caught.value), server

    return asyncio.run(story())


# --- the dialogue -----------------------------------------------------------------------------


@pytest.mark.parametrize("offers", [("PIPELINING", "8BITMIME"), ()])
@pytest.mark.parametrize("data", [DATA, b".\r\n", b"..\r\n", b".a\r\n", b"x\r\n.\r\n", b"\r\n\r\n.\r\n"])
def test_dots_arrive_as_they_were(offers: tuple[str, ...], data: bytes) -> None:
    """A50: dot-stuffing, one end marker, no extra line."""
    (outcome,), server = deliver(Script(offers=offers), data=data)
    assert outcome.kind is OutcomeKind.ACCEPTED
    assert server.accepted[0].data == data


@pytest.mark.parametrize(
    "data",
    [
        b"x\n.\n",
        b"x\r.\r",
        b"x\n.\r\n",
        b"a\r\n\n.\r\nMAIL FROM:<evil@example>\r\n",
        b"a\rb\r\n",
        b"a\nb\r\n",
        b"no line end",
        b"x" * 999 + b"\r\n",
    ],
)
def test_bytes_that_could_smuggle_never_reach_the_socket(data: bytes) -> None:
    """A51, A52 (CVE-2023-51764)."""
    (outcome,), server = deliver(Script(), data=data)
    assert (outcome.kind, outcome.status) == (OutcomeKind.REJECTED, "5.6.0")
    assert not any(command.startswith(("MAIL", "RCPT", "DATA")) for command in server.commands)


def test_the_longest_legal_line_is_sent() -> None:
    """A52: 998 octets and CRLF."""
    (outcome,), server = deliver(Script(), data=b"x" * 998 + b"\r\n")
    assert outcome.kind is OutcomeKind.ACCEPTED
    assert len(server.accepted[0].data) == 1000


def test_the_greeting_says_the_configured_name() -> None:
    """A48."""
    _, server = deliver(Script())
    assert server.commands[0] == "EHLO sender.shop.example"


def test_one_recipient_per_transaction_and_a_return_path_of_its_own() -> None:
    """A49."""
    _, server = deliver(Script(), envelope("ada"), envelope("bob"))
    assert [c for c in server.commands if c.startswith(("MAIL", "RCPT", "DATA"))] == [
        "MAIL FROM:<bounce+1@bounce.shop.example>",
        "RCPT TO:<ada@example.net>",
        "DATA",
        "MAIL FROM:<bounce+1@bounce.shop.example>",
        "RCPT TO:<bob@example.net>",
        "DATA",
    ]


def test_extensions_are_used_only_when_offered() -> None:
    """A66, A70: SIZE, 8BITMIME and DSN with everything offered; nothing with nothing offered."""
    all_of_them = ("PIPELINING", "8BITMIME", "SIZE 100000", "SMTPUTF8", "DSN")
    data = "Subject: ü\r\n\r\n".encode()
    _, server = deliver(Script(offers=all_of_them), data=data)
    mail, rcpt = [c for c in server.commands if c.startswith(("MAIL", "RCPT"))]
    assert mail == ("MAIL FROM:<bounce+1@bounce.shop.example> SIZE=15 BODY=8BITMIME RET=HDRS ENVID=e1")
    assert rcpt == "RCPT TO:<ada@example.net> NOTIFY=FAILURE,DELAY ORCPT=rfc822;ada@example.net"
    _, bare = deliver(Script(offers=()))
    assert "MAIL FROM:<bounce+1@bounce.shop.example>" in bare.commands


def test_a_message_over_the_servers_size_is_not_offered() -> None:
    """A66, RFC 1870."""
    (outcome,), server = deliver(Script(offers=("SIZE 20",)))
    assert (outcome.kind, outcome.status) == (OutcomeKind.REJECTED, "5.3.4")
    assert server.accepted == []


def test_an_address_outside_ascii_goes_with_smtputf8_or_not_at_all() -> None:
    """A67: both branches."""
    someone = envelope("jürgen", smtputf8=True)
    (outcome,), server = deliver(Script(offers=("SMTPUTF8", "8BITMIME")), someone)
    assert outcome.kind is OutcomeKind.ACCEPTED
    assert any(c.startswith("MAIL") and c.endswith("SMTPUTF8") for c in server.commands)
    (outcome,), server = deliver(Script(), someone)
    assert (outcome.kind, outcome.status) == (OutcomeKind.REJECTED, "5.6.7")
    assert server.accepted == []


def test_354_without_a_recipient_gets_a_lone_dot() -> None:
    """A64: then RSET, and the next message goes through on the same connection."""
    rules = [Rule("rcpt", "550 5.1.1 no", who="gone")]
    script = Script(rules)
    outcomes, server = deliver(script, envelope("gone"), envelope("ada"))
    assert [o.kind for o in outcomes] == [OutcomeKind.REJECTED, OutcomeKind.ACCEPTED]
    assert server.connections == 1
    assert "RSET" in server.commands


def test_a_multi_line_reply_is_one_reply() -> None:
    """A53."""
    (outcome,), _ = deliver(Script([Rule("rcpt", "550-5.7.1 first\r\n550-5.7.1 second\r\n550 5.7.1 third")]))
    assert outcome.reply == "5.7.1 first 5.7.1 second 5.7.1 third"
    assert outcome.status == "5.7.1"


@pytest.mark.parametrize("offers", [("PIPELINING",), ()])
@pytest.mark.parametrize(
    ("verb", "kind"),
    [
        ("mail", OutcomeKind.ROUTE_DOWN),
        ("rcpt", OutcomeKind.DEFERRED),
        ("data", OutcomeKind.DEFERRED),
        ("dot", OutcomeKind.UNKNOWN),
    ],
)
@pytest.mark.parametrize("do", ["close", "stall", "nonsense"])
def test_the_end_of_a_connection_is_judged_by_how_far_it_got(
    offers: tuple[str, ...], verb: str, kind: OutcomeKind, do: str
) -> None:
    """A53, A56, with and without pipelining."""
    (outcome, after), _ = deliver(
        Script([Rule(verb, do, times=1)], offers=offers), envelope("mad"), envelope("ada")
    )
    assert outcome.kind is kind
    assert after.kind is OutcomeKind.ACCEPTED


def test_421_closes_the_connection() -> None:
    """A59."""
    outcomes, server = deliver(Script([Rule("rcpt", "421 4.3.2 bye", times=1)]), envelope("a"), envelope("b"))
    assert [o.kind for o in outcomes] == [OutcomeKind.DEFERRED, OutcomeKind.ACCEPTED]
    assert server.connections == 2


def test_a_goodbye_between_two_messages_is_noticed() -> None:
    """RFC 5321 3.8: 421 may come at any time; the connection is then not used again."""

    async def story() -> bool:
        server = SmtpServer()
        async with server.running() as port:
            sender = courier(port)
            await sender.connect()
            assert sender.is_open
        await asyncio.sleep(0.05)
        return sender.is_open

    assert asyncio.run(story()) is False


def test_a_withheld_body_never_reaches_the_server() -> None:
    """The intent could not be written: nothing leaves, the connection is dropped."""

    refusal = BodyWithheld()
    package = Package(envelope(), DATA, before_body=lambda go: go(refusal))

    async def story() -> SmtpServer:
        server = SmtpServer()
        async with server.running() as port:
            sender = courier(port)
            await sender.connect()
            await sender.deliver(package, nothing_more)
            assert not sender.is_open
        return server

    assert asyncio.run(story()).accepted == []
    assert (package.withheld_for, package.outcomes) == ([refusal], [])


def test_the_intent_comes_after_354_and_before_the_body() -> None:
    """Law 2: what was only offered is not in doubt."""
    seen: list[str] = []

    async def story() -> None:
        def intend(go: Go) -> None:
            seen.append(f"{len(server.accepted)} accepted, last command {server.commands[-1]}")
            go(None)

        server = SmtpServer()
        async with server.running() as port:
            sender = courier(port)
            await sender.connect()
            await sender.deliver(Package(envelope(), DATA, before_body=intend), nothing_more)

    asyncio.run(story())
    assert seen == ["0 accepted, last command DATA"]


def test_the_timeouts_are_not_below_those_of_the_standard() -> None:
    """A55: greeting 5 min, MAIL 5, RCPT 5, DATA 2, final dot 10."""
    patience = Timeouts()
    assert (patience.connect, patience.mail, patience.rcpt) == (300, 300, 300)
    assert (patience.data, patience.dot) == (120, 600)


def test_a_server_just_within_the_limit_succeeds() -> None:
    """A55."""
    (outcome,), _ = deliver(Script(delay_seconds=SHORT.dot * 0.7))
    assert outcome.kind is OutcomeKind.ACCEPTED


# --- connecting -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ("554 5.7.1 go away", "answered 554"),
        ("421 4.7.0 too busy", "answered 421"),
        ("nonsense", "answered"),
        ("close", "cannot be used"),
        ("stall", "cannot be used"),
    ],
)
def test_a_bad_greeting_is_the_routes_trouble(do: str, words: str) -> None:
    reason, _ = connect_error(Script([Rule("connect", do)]))
    assert words in reason


def test_nobody_listening_is_the_routes_trouble() -> None:
    async def story() -> None:
        with pytest.raises(RouteDown, match="cannot be used"):
            await courier(1).connect()

    asyncio.run(story())


def test_plain_text_goes_to_this_machine_only() -> None:
    """F8, A61: also when settings were made without the loader's check."""
    relay = SmtpSettings.model_construct(
        host="192.0.2.1", port=25, tls="none", username=None, password=None, ca_file=None
    )

    async def story() -> None:
        with pytest.raises(RouteDown, match="clear text"):
            await SmtpCourier(relay, ehlo_name="x.example", timeouts=SHORT).connect()

    asyncio.run(story())


@pytest.mark.parametrize("implicit", [False, True])
def test_a_verified_peer_is_accepted(tmp_path: Path, implicit: bool) -> None:
    """A60: STARTTLS and implicit TLS."""
    authority = Authority(tmp_path)
    script = Script(tls=authority.server().context(), implicit_tls=implicit)
    (outcome,), server = deliver(script, tls="implicit" if implicit else "starttls", ca_file=authority.file)
    assert outcome.kind is OutcomeKind.ACCEPTED
    greetings = [command for command in server.commands if command.startswith("EHLO")]
    assert len(greetings) == (1 if implicit else 2)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize(
    ("name", "flaw"), [("127.0.0.1", "self_signed"), ("127.0.0.1", "expired"), ("other.example", "")]
)
def test_an_unverified_peer_is_refused(tmp_path: Path, name: str, flaw: str, implicit: bool) -> None:
    """A61, F8: self-signed, expired, wrong name."""
    authority = Authority(tmp_path)
    certificate = authority.server(name, self_signed=flaw == "self_signed", expired=flaw == "expired")
    reason, server = connect_error(
        Script(tls=certificate.context(), implicit_tls=implicit),
        tls="implicit" if implicit else "starttls",
        ca_file=authority.file,
    )
    assert "certificate that is not trusted" in reason
    assert not any(command.startswith(("MAIL", "AUTH")) for command in server.commands)


def test_a_private_authority_is_trusted_only_where_it_is_named(tmp_path: Path) -> None:
    """A61: without ca_file only the system's authorities count."""
    certificate = Authority(tmp_path).server()
    reason, _ = connect_error(Script(tls=certificate.context()), tls="starttls")
    assert "not trusted" in reason


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_peer_that_speaks_only_old_tls_is_refused(tmp_path: Path) -> None:
    """A61: TLS 1.2 at least."""
    authority = Authority(tmp_path)
    old = authority.server().context(newest=ssl.TLSVersion.TLSv1_1)
    reason, _ = connect_error(Script(tls=old), tls="starttls", ca_file=authority.file)
    assert "cannot be used" in reason


def test_a_stripped_starttls_offer_is_an_error(tmp_path: Path) -> None:
    """A62: no fallback to clear text."""
    authority = Authority(tmp_path)
    script = Script(tls=authority.server().context(), starttls_offered=False)
    reason, server = connect_error(script, tls="starttls", ca_file=authority.file)
    assert "STARTTLS" in reason
    assert not any(command.startswith("MAIL") for command in server.commands)


def test_plain_text_injected_before_tls_is_dropped(tmp_path: Path) -> None:
    """A62: an early reply is ignored or ends the connection; it never offers anything."""
    authority = Authority(tmp_path)
    script = Script(
        tls=authority.server().context(), inject_before_tls=b"250-evil\r\n250 SMTPUTF8\r\n", offers=()
    )
    try:
        outcomes, _ = deliver(
            script, envelope("jürgen", smtputf8=True), tls="starttls", ca_file=authority.file
        )
    except RouteDown:
        return
    assert outcomes[0].status == "5.6.7"


def test_the_password_goes_through_tls(tmp_path: Path) -> None:
    """A60: AUTH inside TLS, after the second EHLO."""
    authority = Authority(tmp_path)
    script = Script(tls=authority.server().context(), password="correct horse")
    login = {"username": "news", "password": SecretStr("correct horse")}
    (outcome,), server = deliver(script, tls="starttls", ca_file=authority.file, **login)
    assert outcome.kind is OutcomeKind.ACCEPTED
    verbs = [command.split()[0] for command in server.commands]
    assert verbs[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]


def test_a_password_is_never_sent_in_clear_not_even_to_this_machine() -> None:
    """A60."""
    login = {"username": "news", "password": SecretStr("correct horse")}
    reason, server = connect_error(Script(password="correct horse"), **login)
    assert "clear text" in reason
    assert server.commands == []


def test_a_wrong_password_is_the_routes_trouble_and_stays_secret(tmp_path: Path) -> None:
    """D25: the reason names the reply, never the password."""
    authority = Authority(tmp_path)
    script = Script(tls=authority.server().context(), password="correct horse")
    login = {"username": "news", "password": SecretStr("battery staple")}
    reason, _ = connect_error(script, tls="starttls", ca_file=authority.file, **login)
    assert "535" in reason
    assert "battery" not in reason

"""The listener takes what is ours, says yes once it is stored, and 451 while it cannot store (A71, D32)."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mailer.addresses import parse_address
from mailer.bounces.intake import listener as listening
from mailer.bounces.intake.listener import CannotListen, Listener
from mailer.bounces.intake.ours import OurAddresses
from mailer.keyring import Secrets
from mailer.return_path import encode_return_path
from mailer.settings import Settings
from mailer.settings.listener import ListenerSettings
from mailer.store import Store, StoreUnreachable
from tests.bounces.intake.returned import kept, report
from tests.delivery.certificates import Authority

BASE = "bounce@bounce.shop.example"


@pytest.fixture
def ours(settings: Settings, secrets: Secrets) -> OurAddresses:
    """The addresses of the site."""
    return OurAddresses(settings, secrets)


@pytest.fixture
def tagged(secrets: Secrets) -> str:
    """The return path of a delivery."""
    return encode_return_path(secrets, 17, parse_address(BASE))


@contextmanager
def listener(store: Store, ours: OurAddresses, **given: Any) -> Iterator[int]:
    """The port of a running listener."""
    door = Listener(ListenerSettings(**given), store=store, ours=ours)
    door.start()
    try:
        yield door.port
    finally:
        door.stop()


def hand_over(port: int, to: list[str], raw: bytes, *, kind: type[smtplib.SMTP] = smtplib.LMTP) -> Any:
    """What smtplib makes of the answers: the refused recipients, or the error it raised."""
    with kind("127.0.0.1", port, timeout=60) as client:
        try:
            return client.sendmail("", to, raw)
        except smtplib.SMTPException as error:
            return error


def test_a_bounce_to_a_tagged_address_is_kept_with_the_address(
    store: Store, ours: OurAddresses, tagged: str
) -> None:
    with listener(store, ours) as port:
        assert hand_over(port, [tagged.upper()], report(1)) == {}
    (mail,) = kept(store)
    assert (mail.source, mail.envelope_to) == ("listener", tagged.upper())


@pytest.mark.rule("A71")
@pytest.mark.parametrize(
    "address",
    [
        "bounce+00112233445566778899aabbccddeeff@bounce.shop.example",  # a tag that we did not make
        "bounce+more@bounce.shop.example",
        "somebody@shop.example",
        "postmaster@elsewhere.example",
        "no address",
    ],
)
def test_mail_for_anybody_else_is_refused(sqlite_store: Store, ours: OurAddresses, address: str) -> None:
    with listener(sqlite_store, ours) as port:
        refused = hand_over(port, [address], report(1))
    assert isinstance(refused, smtplib.SMTPRecipientsRefused)
    assert next(iter(refused.recipients.values()))[0] in (550, 553)
    assert not kept(sqlite_store)


@pytest.mark.parametrize("address", [BASE, "news@shop.example", "Postmaster@shop.example"])
def test_mail_for_the_return_path_a_list_or_the_postmaster_is_taken(
    sqlite_store: Store, ours: OurAddresses, address: str
) -> None:
    with listener(sqlite_store, ours, protocol="smtp") as port:
        assert hand_over(port, [address], report(1), kind=smtplib.SMTP) == {}
    assert len(kept(sqlite_store)) == 1


def test_by_lmtp_recipients_come_one_at_a_time_by_smtp_together(
    sqlite_store: Store, ours: OurAddresses, tagged: str
) -> None:
    with listener(sqlite_store, ours) as port:
        answer = hand_over(port, [BASE, tagged], report(1))
        assert answer[tagged][0] == 452
    with listener(sqlite_store, ours, protocol="smtp") as port:
        assert hand_over(port, [BASE, tagged], report(2), kind=smtplib.SMTP) == {}
    assert [mail.envelope_to for mail in kept(sqlite_store)] == [BASE, tagged]


@pytest.mark.parametrize("error", [StoreUnreachable(), RuntimeError("a fault of ours")])
def test_while_it_cannot_be_stored_the_mail_server_is_asked_to_keep_it(
    sqlite_store: Store, ours: OurAddresses, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_words: object, **_names: object) -> bool:
        raise error

    with listener(sqlite_store, ours) as port:
        with monkeypatch.context() as patch:
            patch.setattr("mailer.bounces.intake.door.keep", fail)
            answer = hand_over(port, [BASE], report(1))
        assert isinstance(answer, smtplib.SMTPDataError)
        assert answer.smtp_code == 451
        assert hand_over(port, [BASE], report(1)) == {}


@pytest.mark.rule("A79")
def test_a_mail_beyond_the_limit_is_refused_and_long_lines_are_taken(
    sqlite_store: Store, ours: OurAddresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "MAX_MAIL", 1_000_000)
    with listener(sqlite_store, ours) as port:
        answer = hand_over(port, [BASE], (b"y" * 998 + b"\r\n") * 1_100)
        assert isinstance(answer, smtplib.SMTPException)
        assert hand_over(port, [BASE], b"Subject: long\r\n\r\n" + b"x" * 500_000 + b"\r\n") == {}
    assert len(kept(sqlite_store)) == 1


def test_connections_beyond_the_limit_are_told_to_come_later(
    sqlite_store: Store, ours: OurAddresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "MOST_CONNECTIONS", 1)
    with listener(sqlite_store, ours) as port:
        with smtplib.LMTP("127.0.0.1", port, timeout=60):
            with pytest.raises(smtplib.SMTPConnectError, match="421"):
                smtplib.LMTP("127.0.0.1", port, timeout=60)


@pytest.mark.rule("F8")
def test_with_a_certificate_nothing_is_taken_before_tls(
    sqlite_store: Store, ours: OurAddresses, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    server = authority.server()
    with listener(
        sqlite_store, ours, protocol="smtp", certificate=server.certificate, key=server.key
    ) as port:
        assert isinstance(hand_over(port, [BASE], report(1), kind=smtplib.SMTP), smtplib.SMTPException)
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            client.starttls(context=ssl.create_default_context(cafile=str(authority.file)))
            assert client.sendmail("", [BASE], report(1)) == {}
    assert len(kept(sqlite_store)) == 1


def test_a_port_in_use_is_one_sentence(sqlite_store: Store, ours: OurAddresses) -> None:
    with listener(sqlite_store, ours) as port:
        with pytest.raises(CannotListen, match=rf"port {port}: Address already in use\. Set another port"):
            Listener(ListenerSettings(port=port), store=sqlite_store, ours=ours)

"""A mailbox server that drips, floods or lies holds up nobody, and what it held back does not stop the rest."""

from __future__ import annotations

import time
from itertools import repeat
from typing import Any, BinaryIO

import pytest
from pydantic import SecretStr

from mailer.bounces.intake import wire
from mailer.bounces.intake.model import MailboxUnreadable
from mailer.settings.mailbox import MailboxSettings
from mailer.store import Store
from tests.bounces.intake.hostile import Behaviour, give, hostile_server, imap
from tests.bounces.intake.returned import kept, reader, report


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of an exchange, so small that a test can wait for them."""
    monkeypatch.setattr(wire.Wire.allow, "__defaults__", (3.0,))
    monkeypatch.setattr(wire, "EXCHANGE_OCTETS", 3_000_000)


def local(port: int, protocol: str = "imap") -> MailboxSettings:
    """An account of a server on this machine, without TLS."""
    values: dict[str, Any] = {"protocol": protocol, "host": "127.0.0.1", "port": port, "tls": "none"}
    return MailboxSettings(**values, username="returned", password=SecretStr("secret"))


def trouble(store: Store, behaviour: Behaviour, protocol: str = "imap") -> str:
    """Why such a server's mailbox cannot be read."""
    with hostile_server(behaviour) as port, pytest.raises(MailboxUnreadable) as refused:
        reader(store, local(port, protocol)).poll()
    return str(refused.value)


def drip(stream: BinaryIO) -> None:
    """One octet at a time, so that no single wait is long."""
    for octet in repeat(b"x"):
        stream.write(octet)
        time.sleep(0.05)


def flood(stream: BinaryIO) -> None:
    """A line without an end."""
    for many in repeat(b"x" * 65_536):
        stream.write(many)


def silence(stream: BinaryIO) -> None:
    """Nothing at all."""
    stream.read(1)
    stream.read()


@pytest.mark.rule("A79")
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.parametrize("behaviour", [drip, flood, silence])
@pytest.mark.usefixtures("impatient")
def test_a_greeting_without_an_end_ends(sqlite_store: Store, protocol: str, behaviour: Behaviour) -> None:
    assert "cannot be read" in trouble(sqlite_store, behaviour, protocol)


@pytest.mark.rule("A79")
def test_a_server_that_lies_about_a_size_is_not_believed(sqlite_store: Store) -> None:
    def lie(stream: BinaryIO) -> None:
        stream.write(b"* 1 FETCH (UID 1 BODY[]<0> {99999999999}\r\n")

    assert "more than was asked for" in trouble(sqlite_store, imap(fetch=lie))


def test_a_server_that_hangs_up_in_the_middle_of_a_mail_is_no_mail(sqlite_store: Store) -> None:
    def half(stream: BinaryIO) -> None:
        stream.write(b"* 1 FETCH (UID 1 BODY[]<0> {1000}\r\nhalf of it")
        stream.close()

    trouble(sqlite_store, imap(fetch=half))
    assert not kept(sqlite_store)


def test_a_mail_that_breaks_the_connection_stops_it_once(sqlite_store: Store) -> None:
    """The next look goes on behind it."""

    def break_first(stream: BinaryIO) -> None:
        stream.write(b"* 1 FETCH (UID 1 BODY[]<0> {99999999999}\r\n")

    def give_second(stream: BinaryIO) -> None:
        give(stream, report(2), uid=2)

    polite = imap(search=b"1 2", fetch=give_second)
    with hostile_server(imap(search=b"1 2", fetch=break_first), polite) as port:
        mailbox = reader(sqlite_store, local(port))
        with pytest.raises(MailboxUnreadable):
            mailbox.poll()
        found = mailbox.poll()
    assert (found.kept, found.left) == (1, 1)
    assert kept(sqlite_store)[0].size == len(report(2))


def test_a_mail_that_the_server_cannot_give_is_left_and_stops_nothing(sqlite_store: Store) -> None:
    asked: list[BinaryIO] = []

    def refuse_first(stream: BinaryIO) -> bytes:
        asked.append(stream)
        if len(asked) == 1:
            return b"NO [SERVERBUG] broken"
        give(stream, report(2), uid=2)
        return b"OK done"

    with hostile_server(imap(search=b"1 2", fetch=refuse_first)) as port:
        found = reader(sqlite_store, local(port)).poll()
    assert (found.kept, found.left) == (1, 1)


def test_a_server_that_takes_no_password_hears_it_once_and_is_not_quoted(sqlite_store: Store) -> None:
    def refuse(stream: BinaryIO) -> None:
        stream.write(b"+OK hello\r\n")
        for _ in stream:
            stream.write(b"-ERR no, returned with secret\r\n")

    answer = trouble(sqlite_store, refuse, "pop3")
    assert "does not take the user name and password" in answer
    assert "secret" not in answer


def test_a_pop3_server_that_ends_in_the_middle_of_a_mail_keeps_it(sqlite_store: Store) -> None:
    def half(stream: BinaryIO) -> None:
        stream.write(b"+OK hello\r\n")
        for line in stream:
            stream.write(b"+OK\r\n")
            if line.startswith(b"UIDL"):
                stream.write(b"1 one\r\nnonsense\r\n2 two\r\n.\r\n")
            if line.startswith(b"RETR"):
                stream.write(b"Subject: half\r\n")
                return

    assert "hung up in the middle" in trouble(sqlite_store, half, "pop3")
    assert not kept(sqlite_store)

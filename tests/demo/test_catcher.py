"""The catcher: keeps what it is given to the byte, refuses the recipients that are there to be refused."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.demo.catcher import REFUSALS, Catcher
from mailer.demo.stage import free_ports
from mailer.demo.story import asset_hosts, has_way_out

LINK = "http://127.0.0.1:8025/u/uTOKEN.k1"
MAIL = (
    f"List-Unsubscribe: <{LINK}>\r\n"
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    "Subject: Week 47\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/alternative; boundary="=_b"\r\n\r\n'
    f"--=_b\r\nContent-Type: text/plain\r\n\r\n.Unsubscribe here: {LINK}\r\n"
    f'--=_b\r\nContent-Type: text/html\r\n\r\n<a href="{LINK}">Unsubscribe</a><img src="http://127.0.0.1:8025/a.png">\r\n'
    "--=_b--\r\n"
).encode()


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[Catcher]:
    catcher = Catcher(tmp_path / "mail", port=free_ports(1)[0])
    catcher.start()
    yield catcher
    catcher.stop()


def _send(catcher: Catcher, recipient: str, data: bytes = MAIL) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.port) as client:
        client.sendmail("bounce+tag@shop.example", [recipient], data)


def test_a_mail_is_kept_to_the_byte_as_a_file(catcher: Catcher) -> None:
    _send(catcher, "ada@example.net")
    (caught,) = catcher.caught
    assert caught.path.read_bytes() == caught.data == MAIL
    assert (caught.recipient, caught.return_path) == ("ada@example.net", "bounce+tag@shop.example")
    assert caught.path.name == "0001-ada@example.net.eml"


@pytest.mark.parametrize("local", sorted(REFUSALS))
def test_some_recipients_are_refused_by_name(catcher: Catcher, local: str) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        _send(catcher, f"{local}@example.net")
    code, words = refused.value.recipients[f"{local}@example.net"]
    assert f"{code} {words.decode()}" == REFUSALS[local]
    assert catcher.refused == [f"{local}@example.net"] and catcher.caught == []


def test_a_recipient_cannot_name_a_file_outside_the_folder(catcher: Catcher) -> None:
    _send(catcher, '"../../x"@example.net')
    (caught,) = catcher.caught
    assert caught.path.parent == caught.path.resolve().parent
    assert ".._.._x" in caught.path.name


def test_the_way_out_is_looked_for_in_both_parts_and_both_headers(catcher: Catcher) -> None:
    _send(catcher, "ada@example.net")
    _send(catcher, "ada@example.net", MAIL.replace(b".Unsubscribe here", b".Here"))
    _send(catcher, "ada@example.net", MAIL.replace(b"=One-Click", b"=Two-Clicks"))
    assert [has_way_out(mail) for mail in catcher.caught] == [True, False, False]


def test_every_host_that_a_mail_would_load_from_is_seen(catcher: Catcher) -> None:
    foreign = b"<p style=\"background:url('https://cdn.example/a.png')\"><img src='https://pixel.example/1'>"
    _send(catcher, "ada@example.net", MAIL.replace(b"<img", foreign + b"<img"))
    assert asset_hosts(catcher.caught[0]) == {"127.0.0.1:8025", "cdn.example", "pixel.example"}

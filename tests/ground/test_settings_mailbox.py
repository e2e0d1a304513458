"""Mailboxes and the listener: what must be given, what is filled in, what would travel in clear text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mailer.settings import SettingsInvalid
from mailer.settings.mailbox import MailboxSettings
from tests.ground.settings_text import HERE, read

IMAP = {"host": "imap.shop.example", "username": "bounces"}


def mailbox(**given: Any) -> MailboxSettings:
    """The one mailbox of a site."""
    return read(mailbox={"back": given}).mailbox["back"]


def test_a_site_reads_no_mailbox_and_listens_nowhere_unless_it_is_told_to() -> None:
    settings = read()
    assert settings.mailbox == {}
    assert settings.listener.port is None


@pytest.mark.rule("D32")
@pytest.mark.parametrize(
    ("given", "port"),
    [
        ({}, 993),
        ({"tls": "starttls"}, 143),
        ({"protocol": "pop3"}, 995),
        ({"protocol": "pop3", "tls": "starttls"}, 110),
        ({"port": 9930}, 9930),
    ],
)
def test_a_mailbox_is_read_inside_tls_at_the_usual_port(given: dict[str, Any], port: int) -> None:
    assert mailbox(**IMAP, **given).connects_to == ("imap.shop.example", port)


@pytest.mark.rule("F8", "D32")
def test_only_a_server_on_this_machine_may_be_read_in_clear_text() -> None:
    assert mailbox(host="127.0.0.1", username="bounces", tls="none").connects_to[1] == 143
    with pytest.raises(SettingsInvalid, match="mail would travel in clear text"):
        mailbox(**IMAP, tls="none")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"username": "bounces"}, r"\[mailbox.back\] host is missing; imap needs it\."),
        ({"host": "imap.shop.example"}, r"\[mailbox.back\] username is missing; imap needs it\."),
        ({"protocol": "maildir"}, r"\[mailbox.back\] path is missing; maildir needs it\."),
        ({**IMAP, "protocol": "pop3", "move_to": "Done"}, "move_to is for imap alone"),
        ({**IMAP, "move_to": "INBOX"}, "read for ever"),
        ({**IMAP, "password": "s3cret"}, "password must not stand in the file"),
        ({**IMAP, "password_file": "none"}, "password_file names .*, which cannot be read"),
    ],
)
def test_what_a_mailbox_lacks_is_said(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsInvalid, match=sentence):
        mailbox(**given)


def test_the_password_comes_from_the_environment() -> None:
    password = (
        read({"MAILER_MAILBOX__BACK__PASSWORD": "s3cret"}, mailbox={"back": dict(IMAP)})
        .mailbox["back"]
        .password
    )
    assert password is not None
    assert password.get_secret_value() == "s3cret"


def test_a_maildir_is_named_from_the_sites_folder() -> None:
    assert mailbox(protocol="maildir", path="returned").path == HERE.parent / "returned"
    assert mailbox(protocol="maildir", path="/var/mail/returned").path == Path("/var/mail/returned")


@pytest.mark.rule("F8")
def test_a_listener_that_others_can_reach_needs_a_certificate() -> None:
    assert read(listener={"port": 8024}).listener.host == "127.0.0.1"
    with pytest.raises(SettingsInvalid, match="mail would travel in clear text"):
        read(listener={"port": 8024, "host": "192.0.2.7"})
    with pytest.raises(SettingsInvalid, match="belong together"):
        read(listener={"port": 8024, "host": "192.0.2.7", "certificate": "/etc/shop.pem"})

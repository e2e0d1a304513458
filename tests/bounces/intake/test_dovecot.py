"""A real Dovecot: by IMAP and POP3, mail is stored, then taken away; TLS is verified (D32, F8, A79)."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from pydantic import SecretStr

from mailer.bounces.intake import raw_of
from mailer.bounces.intake.model import MailboxUnreadable
from mailer.store import Store
from tests.bounces.intake.returned import account, kept, reader, report
from tests.delivery.certificates import Authority
from tests.real.dovecot import Dovecot, running_dovecot

pytestmark = pytest.mark.real
WAYS = ("imaps", "imap", "pop3s", "pop3")


@pytest.mark.rule("D32")
@pytest.mark.parametrize("way", WAYS)
def test_what_is_there_is_stored_and_then_deleted(sqlite_store: Store, dovecot: Dovecot, way: str) -> None:
    dovecot.put(report(1), report(2), report(3))
    collected = reader(sqlite_store, account(dovecot, way)).poll()
    assert (collected.kept, collected.known, collected.left) == (3, 0, 0)
    assert [row.size for row in kept(sqlite_store)] == [len(report(1))] * 3
    assert kept(sqlite_store)[0].source == f"{'pop3' if 'pop3' in way else 'imap'}:back"
    assert dovecot.count() == 0


@pytest.mark.parametrize("way", ["imaps", "pop3s"])
def test_a_mail_arrives_byte_by_byte(sqlite_store: Store, dovecot: Dovecot, way: str) -> None:
    """Dots at the start of lines, raw octets, a line of 100 000 octets."""
    raw = b"Subject: \xfcber\r\n\r\n.dot\r\n..two\r\n.\r\n" + b"x" * 100_000 + b"\r\n\r\n"
    dovecot.put(raw)
    reader(sqlite_store, account(dovecot, way)).poll()
    with sqlite_store.read() as connection:
        assert raw_of(connection, kept(sqlite_store)[0].id) == raw


@pytest.mark.parametrize("way", ["imaps", "pop3s"])
def test_the_same_message_twice_counts_once_and_leaves_the_mailbox(
    sqlite_store: Store, dovecot: Dovecot, way: str
) -> None:
    dovecot.put(report(1), report(1))
    assert reader(sqlite_store, account(dovecot, way)).poll().kept == 1
    dovecot.put(report(1))
    assert reader(sqlite_store, account(dovecot, way)).poll().known == 1
    assert len(kept(sqlite_store)) == 1
    assert dovecot.count() == 0


@pytest.mark.parametrize("way", ["imaps", "pop3s"])
def test_an_empty_mailbox_is_nothing_special(sqlite_store: Store, dovecot: Dovecot, way: str) -> None:
    assert reader(sqlite_store, account(dovecot, way)).poll().kept == 0


def test_mail_is_moved_to_a_folder_that_is_made_for_it(sqlite_store: Store, dovecot: Dovecot) -> None:
    dovecot.put(report(1), report(2))
    reader(sqlite_store, account(dovecot, move_to="Taken in")).poll()
    assert dovecot.count() == 0
    assert dovecot.count('"Taken in"') == 2


def test_more_than_one_batch_is_read_in_one_look(sqlite_store: Store, dovecot: Dovecot) -> None:
    dovecot.put(*(report(number) for number in range(120)))
    assert reader(sqlite_store, account(dovecot)).poll().kept == 120
    assert dovecot.count() == 0


def test_what_a_person_deleted_or_flagged_is_left_to_them(sqlite_store: Store, dovecot: Dovecot) -> None:
    dovecot.put(report(1), report(2), report(3))
    with dovecot.visit() as client:
        client.store("1", "+FLAGS", r"(\Deleted)")
        client.store("2", "+FLAGS", r"(\Flagged)")
    assert reader(sqlite_store, account(dovecot)).poll().kept == 1
    assert dovecot.count() == 2


@pytest.mark.rule("A79")
def test_the_beginning_of_a_huge_mail_is_kept_and_the_rest_goes_on(
    sqlite_store: Store, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("model", "imap", "pop3"):
        monkeypatch.setattr(f"mailer.bounces.intake.{name}.MAX_MAIL", 100_000)
    huge = report(0) + b"x" * 70 + b"\r\n" + (b"y" * 998 + b"\r\n") * 300
    for way in ("imaps", "pop3s"):
        dovecot.put(report(1), huge, report(2))
        mailbox = reader(sqlite_store, account(dovecot, way))
        mailbox.poll()
        mailbox.poll()
        assert [row.size for row in kept(sqlite_store)] == [len(report(1)), 100_000, len(report(2))]
        assert "still at its source" in kept(sqlite_store)[1].note
        assert dovecot.count() == 1  # the huge one, whole
        dovecot.empty()


def refusal(store: Store, dovecot: Dovecot, way: str, **given: Any) -> str:
    """Why a mailbox cannot be read."""
    with pytest.raises(MailboxUnreadable) as refused:
        reader(store, account(dovecot, way, **given)).poll()
    return str(refused.value)


@pytest.mark.rule("D32")
@pytest.mark.parametrize("way", WAYS)
def test_a_server_whose_certificate_nobody_vouches_for_hears_no_password(
    sqlite_store: Store, dovecot: Dovecot, way: str
) -> None:
    dovecot.put(report(1))
    assert "certificate is not trusted" in refusal(sqlite_store, dovecot, way, ca_file=None)
    assert dovecot.count() == 1


@pytest.mark.rule("D32", "F8")
@pytest.mark.parametrize(("name", "expired"), [("imap.other.example", False), ("127.0.0.1", True)])
def test_a_certificate_of_another_name_or_an_old_one_is_refused(
    sqlite_store: Store, name: str, expired: bool
) -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        authority = Authority(Path(folder))
        with running_dovecot(certificate=authority.server(name, expired=expired)) as dovecot:
            for way in WAYS:
                answer = refusal(sqlite_store, dovecot, way, ca_file=authority.file)
                assert "certificate is not trusted" in answer
            assert "user=<" not in dovecot.log.replace("user=<>", "")


@pytest.mark.parametrize("way", ["imaps", "pop3s"])
@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"password": SecretStr("wrong")}, "does not take the user name and password"),
        ({"password": None}, "has no password"),
        ({"port": 1}, "Connection refused"),
        ({"ca_file": "/nonexistent.pem"}, "No such file"),
    ],
)
def test_why_it_cannot_be_read_is_one_sentence(
    sqlite_store: Store, dovecot: Dovecot, way: str, given: dict[str, Any], why: str
) -> None:
    answer = refusal(sqlite_store, dovecot, way, **given)
    assert answer.startswith("The mailbox back cannot be read: ")
    assert why in answer
    assert "wrong" not in answer


def test_a_folder_that_is_not_there_is_named(sqlite_store: Store, dovecot: Dovecot) -> None:
    assert 'no folder "Post"' in refusal(sqlite_store, dovecot, "imaps", folder="Post")

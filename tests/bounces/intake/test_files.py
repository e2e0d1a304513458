"""Files, folders, mboxes, Maildirs and pipes: every message once, whatever else lies there."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from mailer.bounces.intake import files
from mailer.bounces.intake.files import mails_in, piped
from mailer.bounces.intake.model import MAX_MAIL, MailboxUnreadable
from mailer.settings.mailbox import MailboxSettings
from mailer.store import Store
from tests.bounces.intake.returned import kept, reader, report


def contents(*paths: Path) -> list[bytes | None]:
    """What is found below these paths."""
    return [mail.raw for mail in mails_in(paths)]


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    """A Maildir with one mail in `new` and one in `cur`."""
    for name in ("new", "cur", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    (tmp_path / "box" / "new" / "1.a").write_bytes(report(1))
    (tmp_path / "box" / "cur" / "2.b:2,S").write_bytes(report(2))
    (tmp_path / "box" / "tmp" / "3.c").write_bytes(b"half wri")
    return tmp_path / "box"


def test_files_and_folders_hold_one_message_each(tmp_path: Path) -> None:
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "deep" / "a.eml").write_bytes(report(1))
    (tmp_path / "deep" / "deeper" / "b.eml").write_bytes(report(2))
    assert contents(tmp_path / "deep", tmp_path / "deep" / "a.eml") == [report(1), report(2), report(1)]


def test_an_mbox_is_read_message_by_message(tmp_path: Path) -> None:
    envelope = b"From MAILER-DAEMON Mon Nov 23 03:00:00 2026\n"
    unix = [report(number).replace(b"\r\n", b"\n") for number in (1, 2)]
    (tmp_path / "mbox").write_bytes(envelope + unix[0] + b"\n" + envelope + unix[1] + b"\n")
    assert [raw.strip() for raw in contents(tmp_path / "mbox") if raw] == [raw.strip() for raw in unix]


def test_of_a_maildir_what_is_still_written_is_left_out(maildir: Path) -> None:
    assert contents(maildir) == [report(1), report(2)]


def test_what_cannot_be_read_stops_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a pipe")
    (tmp_path / "b link").symlink_to("/etc/passwd")
    (tmp_path / "c.eml").write_bytes(report(1))
    assert contents(tmp_path) == [None, None, report(1)]


def test_a_maildir_is_emptied_as_its_mail_is_stored(sqlite_store: Store, maildir: Path) -> None:
    (maildir / "new" / "link").symlink_to("/etc/passwd")
    found = reader(sqlite_store, MailboxSettings(protocol="maildir", path=maildir)).poll()
    assert (found.kept, found.left) == (2, 1)
    assert [row.size for row in kept(sqlite_store)] == [len(report(1)), len(report(2))]
    assert sorted(path.name for path in maildir.rglob("*") if not path.is_dir()) == ["3.c", "link"]


def test_a_maildir_that_is_none_is_said_so(sqlite_store: Store, tmp_path: Path) -> None:
    with pytest.raises(MailboxUnreadable, match="no Maildir"):
        reader(sqlite_store, MailboxSettings(protocol="maildir", path=tmp_path)).poll()


@pytest.mark.rule("A79")
def test_a_huge_file_in_a_maildir_stays_and_its_beginning_is_kept(
    sqlite_store: Store, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("model", "maildir"):
        monkeypatch.setattr(f"mailer.bounces.intake.{name}.MAX_MAIL", 10_000)
    (maildir / "new" / "0.huge").write_bytes(b"x" * 20_000)
    mailbox = reader(sqlite_store, MailboxSettings(protocol="maildir", path=maildir))
    found = mailbox.poll()
    assert (found.kept, found.left) == (3, 1)
    assert (mailbox.poll().kept, mailbox.poll().left) == (0, 1)
    assert (maildir / "new" / "0.huge").exists()


def test_a_pipe_may_begin_with_a_from_line() -> None:
    assert piped(io.BytesIO(b"From x@y.example Mon Nov 23\n" + report(1))) == (report(1), None)
    assert piped(io.BytesIO(report(1))) == (report(1), None)


def test_a_pipe_is_read_to_its_end_whatever_is_kept_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO(b"x" * (MAX_MAIL + 100_000))
    monkeypatch.setattr(files, "kept_part", lambda raw: (raw[:3], "cut"))
    assert piped(stream) == (b"xxx", "cut")
    assert stream.read() == b""

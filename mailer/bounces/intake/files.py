"""Mails in files: one message each, an mbox, a Maildir, or folders of them; nothing is taken away."""

from __future__ import annotations

import mailbox
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mailer.bounces.batch import files_of
from mailer.bounces.intake.maildir import is_maildir, mails_of, read_mail
from mailer.bounces.intake.model import MAX_MAIL, kept_part

_FROM_LINE = b"From "


@dataclass(frozen=True, slots=True)
class FoundMail:
    """One message of a file; None in place of one that could not be read."""

    path: Path
    raw: bytes | None
    note: str | None = None


def mails_in(paths: Iterable[Path]) -> Iterator[FoundMail]:
    """Every message below these paths, one after the other; what cannot be read stops nothing."""
    for path in paths:
        found: Iterable[Path] = mails_of(path) if is_maildir(path) else files_of([path])
        for file in found:
            yield from _mails_of_file(file)


def piped(stream: BinaryIO) -> tuple[bytes, str | None]:
    """The message that a mail server hands over, without the From line that it may begin with."""
    raw = stream.read(MAX_MAIL + 1)
    while stream.read(65_536):
        pass  # to its end: a mail server whose pipe breaks would take that for a failure
    if raw.startswith(_FROM_LINE):
        raw = raw.partition(b"\n")[2]
    return kept_part(raw)


def _mails_of_file(path: Path) -> Iterator[FoundMail]:
    raw = read_mail(path)
    if raw is None:
        yield FoundMail(path, None)
    elif raw.startswith(_FROM_LINE):
        yield from _mails_of_mbox(path)
    else:
        yield FoundMail(path, *kept_part(raw))


def _mails_of_mbox(path: Path) -> Iterator[FoundMail]:
    box = mailbox.mbox(path, create=False)
    try:
        for key in box.iterkeys():
            with box.get_file(key) as file:
                yield FoundMail(path, *kept_part(file.read(MAX_MAIL + 1)))
    finally:
        box.close()

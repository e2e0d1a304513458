"""A Maildir of this machine: each file stored first, then removed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from mailer.bounces.intake.model import MAX_MAIL, Collected, Keep, MailboxUnreadable, kept_part
from mailer.settings.mailbox import MailboxSettings

#: `tmp` holds what is still being written.
_FOLDERS = ("new", "cur")


class MaildirMailbox:
    """One Maildir."""

    def __init__(self, settings: MailboxSettings) -> None:
        """Look whether it is there. Raises MailboxUnreadable."""
        assert settings.path is not None
        self._path = settings.path
        if not is_maildir(self._path):
            raise MailboxUnreadable(f"{self._path} is no Maildir: it has no folders cur and new.")

    def collect(self, keep: Keep, left: set[bytes]) -> Collected:
        """Store what is there and remove it; `left` remembers the names of what stays."""
        collected = Collected()
        for path in mails_of(self._path):
            name = path.name.encode("utf-8", "surrogateescape")
            raw = None if name in left else read_mail(path)
            if raw is None:
                left.add(name)
                collected.left += 1
                continue
            content, note = kept_part(raw)
            collected.count(new=keep(content, note))
            if note is None:
                path.unlink(missing_ok=True)
            else:
                left.add(name)
                collected.left += 1
        return collected

    def wait(self, seconds: float, is_stopping: Callable[[], bool]) -> bool:
        """A folder tells nothing: False."""
        return False

    def close(self) -> None:
        """There is nothing to close."""


def is_maildir(path: Path) -> bool:
    """Whether this is a folder in the shape of a Maildir."""
    return all((path / name).is_dir() for name in _FOLDERS)


def mails_of(path: Path) -> Iterator[Path]:
    """The mails of a Maildir, the oldest name first. Raises OSError."""
    for folder in _FOLDERS:
        yield from sorted(entry for entry in (path / folder).iterdir() if not entry.name.startswith("."))


def read_mail(path: Path) -> bytes | None:
    """The content, up to one octet more than is kept; None for what is no readable file."""
    try:
        # Not blocking and never through a link: whoever writes here may lay out other things than mail.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(MAX_MAIL + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError:
        return None

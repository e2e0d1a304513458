"""What the ways in have in common: their limits, how they tell of trouble, what one look at a mailbox gave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailer.errors import MailerError

#: Octets of one message that are kept; a report says it long before (A79).
MAX_MAIL = 16 * 1024 * 1024
CUT_NOTE = (
    f"Larger than {MAX_MAIL // 1024 // 1024} MiB: the beginning is kept, the whole is still at its source."
)

#: Stores one message, given its content and a note; when it returns, the message may go at its source.
Keep = Callable[[bytes, str | None], bool]


class MailboxUnreadable(MailerError):
    """A mailbox cannot be read."""


@dataclass(slots=True)
class Collected:
    """What one look at a mailbox gave."""

    kept: int = 0  #: new here
    known: int = 0  #: the very same was here already
    left: int = 0  #: still at the source: too large, or it cannot be fetched

    def count(self, *, new: bool) -> None:
        """One more message that was stored."""
        self.kept += new
        self.known += not new


def kept_part(raw: bytes) -> tuple[bytes, str | None]:
    """What is kept of a message that was read up to one octet more than may be, and the note about it."""
    return (raw, None) if len(raw) <= MAX_MAIL else (raw[:MAX_MAIL], CUT_NOTE)

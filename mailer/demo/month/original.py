"""What is kept of a message that something will come back of: its header, for reports quote it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from mailer.demo.month.people import Person
from mailer.demo.month.world import Return

_TOKEN = re.compile(rb"/u/([A-Za-z0-9_.-]+)")


@dataclass(frozen=True, slots=True)
class Original:
    """One message as the other side has it."""

    person: Person
    return_path: str
    header: bytes  #: with CRLF, without the empty line
    sent_at: datetime

    @property
    def unsubscribe_token(self) -> str:
        """Of the one-click address in List-Unsubscribe."""
        unfolded = self.header.replace(b"\r\n ", b"").replace(b"\r\n\t", b"")
        found = _TOKEN.search(unfolded[unfolded.index(b"List-Unsubscribe: ") :])
        assert found is not None, "a campaign mail has an unsubscribe link"
        return found[1].decode()

    def field(self, name: str) -> str:
        """A field's value as it stands, unfolded; empty if there is none."""
        found = re.search(rb"(?im)^" + name.encode() + rb": ([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", self.header)
        return "" if found is None else re.sub(r"\r\n\s+", " ", found[1].decode("utf-8", "replace")).strip()


@dataclass(frozen=True, slots=True)
class Coming:
    """One thing that is on its way back."""

    original: Original
    what: Return

"""Law 4: nothing leaves without a way out, checked on the final bytes of every message.

The full check parses the message as a strict reader would. It runs once per distinct shape;
after that each message is known by its values (shape.py), and one whose values leave the
smallest doubt is read in full again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cached_property

from mailer.errors import MailerError
from mailer.rendering.message import Expected, FilledMessage
from mailer.rendering.shape import LINE_LIMIT, Shape, learned
from mailer.rendering.wire.artefact import MessageClass
from mailer.rendering.wire.mime import PROOF_PREFIX
from mailer.rendering.wire.visible import Seen, seen, squeezed
from mailer.rendering.wire.wire_bytes import AsciiWireBytes, WireBytes

_SHAPES_KEPT = 20_000
_ONE_EACH = ("Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type")
_AT_MOST_ONE = (
    "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "List-Help", "List-Owner", "List-Post",
    "List-Subscribe", "List-Archive", "Feedback-ID", "Sender", "Reply-To", "Auto-Submitted",
)  # fmt: skip
_ONE_CLICK = re.compile(rb"^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", re.MULTILINE)
_COVERED = re.compile(r"(?:^|;)h=([^;]*)")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n|\x00")


class NoWayOut(MailerError):
    """The message lacks something without which it must not leave."""


@dataclass(frozen=True)
class _Read:
    """Final bytes, as a strict reader takes them."""

    data: bytes
    expected: Expected
    smtputf8: bool

    @cached_property
    def message(self) -> EmailMessage:
        return BytesParser(EmailMessage, policy=policy.SMTP).parsebytes(self.data)

    @cached_property
    def parts(self) -> list[EmailMessage]:
        return [part for part in self.message.iter_parts() if isinstance(part, EmailMessage)]

    @cached_property
    def text(self) -> str:
        return str(self.parts[0].get_content())

    @cached_property
    def seen(self) -> Seen:
        return seen(str(self.parts[1].get_content()))

    @property
    def header(self) -> bytes:
        return self.data[: self.data.find(b"\r\n\r\n") + 2]


_Check = Callable[[_Read], str | None]


def _well_formed(read: _Read) -> str | None:
    if _BARE.search(read.data):
        return "a bare CR or LF, or a NUL, stands in the message"
    lines = read.data.split(b"\r\n")
    if max(map(len, lines)) > LINE_LIMIT:
        return "a line is longer than 998 octets"
    if b"\r\n." in read.data or read.data.startswith(b".") or lines[-1]:
        return "a line begins with a dot, or the last one does not end"
    if max(map(len, lines[read.header.count(b"\r\n") :])) > 76:
        return "a body line is longer than 76 columns"
    return None


def _no_defects(read: _Read) -> str | None:
    message = read.message
    defects = [*message.defects, *(defect for part in read.parts for defect in part.defects)]
    for name, value in message.items():
        if not (read.smtputf8 and name == "To"):
            defects += getattr(value, "defects", ())
    return f"a strict parser finds a defect ({type(defects[0]).__name__})" if defects else None


def _single_fields(read: _Read) -> str | None:
    for name in _ONE_EACH:
        if len(read.message.get_all(name, ())) != 1:
            return f"there is not exactly one {name} field"
    for name in _AT_MOST_ONE:
        if len(read.message.get_all(name, ())) > 1:
            return f"there is more than one {name} field"
    for name in ("Bcc", "Cc"):
        if name in read.message:
            return f"there is a {name} field"
    return None if read.smtputf8 or _one_mailbox(read.message) else "From or To is not exactly one mailbox"


def _one_mailbox(message: EmailMessage) -> bool:
    return all(len(message[name].addresses) == 1 for name in ("From", "To"))


def _two_parts(read: _Read) -> str | None:
    kinds = [part.get_content_type() for part in read.parts]
    if read.message.get_content_type() != "multipart/alternative" or kinds != ["text/plain", "text/html"]:
        return "it is not a text part followed by an HTML part"
    if any(part.get_content_charset() != "utf-8" for part in read.parts):
        return "a part is not in UTF-8"
    if not read.text.strip():
        return "the text part is empty"
    return None if read.seen.text else "the HTML part shows nothing"


def _must_show(read: _Read) -> str | None:
    text = squeezed(read.text)
    for word in read.expected.must_show:
        wanted = squeezed(word)
        if wanted not in read.seen.text:
            return f"the HTML part does not visibly say `{wanted}`"
        if wanted not in text:
            return f"the text part does not say `{wanted}`"
    return None


def _one_click(read: _Read) -> str | None:
    header = read.header
    if not _ONE_CLICK.search(header):
        return "the List-Unsubscribe-Post field is missing or not exact"
    if header.count(b"\r\nList-Unsubscribe: <" + read.expected.unsubscribe_url.encode() + b">") != 1:
        return "the List-Unsubscribe field does not hold this recipient's link"
    if b"=?" in b"".join(re.findall(rb"^List-[^\r]*(?:\r\n [^\r]*)*", header, re.MULTILINE)):
        return "a List field is encoded"
    return None


def _signed_with_both(read: _Read) -> str | None:
    """Where we sign, every signature covers the one-click pair (RFC 8058 4) and From."""
    for signature in read.message.get_all("DKIM-Signature", ()):
        covered = _COVERED.search("".join(str(signature).split()))
        names = covered[1].lower().split(":") if covered else []
        if not {"from", "list-unsubscribe", "list-unsubscribe-post"}.issubset(names):
            return "a DKIM signature does not cover From and both one-click fields"
    return None


def _no_one_click(read: _Read) -> str | None:
    for name in ("List-Unsubscribe", "List-Unsubscribe-Post"):
        if name in read.message:
            return f"system mail must not carry {name}"
    if read.message["Auto-Submitted"] != "auto-generated":
        return "the Auto-Submitted field is missing"
    return None


def _unsubscribe_link(read: _Read) -> str | None:
    return _link(read, read.expected.unsubscribe_url, "unsubscribe")


def _not_me_link(read: _Read) -> str | None:
    return _link(read, read.expected.not_me_url, "not-me")


def _link(read: _Read, url: str, what: str) -> str | None:
    if not any(href == url and len(words) > 1 for href, words in read.seen.links):
        return f"the HTML part has no visible {what} link"
    if url not in read.text.split():
        return f"the text part has no {what} link on its own"
    return None


def _marked(read: _Read) -> str | None:
    marked = str(read.message["Subject"]).startswith(PROOF_PREFIX)
    return None if marked else "the subject does not say that this is a proof"


_COMMON: tuple[_Check, ...] = (_well_formed, _no_defects, _single_fields, _two_parts, _must_show)
_LIST_MAIL: tuple[_Check, ...] = (*_COMMON, _one_click, _signed_with_both, _unsubscribe_link)
#: What each class of message must prove; a class without a row cannot leave.
CHECKS: Mapping[str, tuple[_Check, ...]] = {
    MessageClass.CAMPAIGN: _LIST_MAIL,
    MessageClass.PROOF: (*_LIST_MAIL, _marked),
    MessageClass.CONFIRMATION: (*_COMMON, _no_one_click, _not_me_link),
}


class Gate:
    """The last look at every message. One instance serves a whole worker, any number of campaigns."""

    def __init__(self) -> None:
        self._shapes: dict[tuple[str, Hashable], Shape | None] = {}

    def check(self, filled: FilledMessage, message_class: str, *, expected: Expected) -> WireBytes:
        """The final bytes, proven; raises NoWayOut naming what is missing."""
        key = (message_class, filled.shape)
        shape = self._shapes.get(key)
        link = expected.not_me_url if message_class == MessageClass.CONFIRMATION else expected.unsubscribe_url
        if shape is None or not shape.fits(filled.pieces, link):
            self._read_in_full(filled, message_class, expected)
            if len(self._shapes) >= _SHAPES_KEPT:
                self._shapes.clear()
            self._shapes[key] = learned(filled.pieces, link)
        text = filled.text
        return AsciiWireBytes(text.encode()) if text.isascii() else WireBytes(text.encode())

    def _read_in_full(self, filled: FilledMessage, message_class: str, expected: Expected) -> None:
        read = _Read(filled.data, expected, filled.needs_smtputf8)
        for check in CHECKS[message_class]:
            try:
                missing = check(read)
            except (RecursionError, LookupError, UnicodeError) as error:
                missing = f"it cannot be read ({type(error).__name__})"
            if missing:
                raise NoWayOut(f"The message must not leave: {missing}.", message_class=str(message_class))

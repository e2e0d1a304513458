"""A message compiled once, and filled for one recipient in microseconds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from mailer.errors import MailerError
from mailer.rendering.identity import FieldSpec, Problem
from mailer.rendering.program import Program, Static
from mailer.rendering.wire import headers
from mailer.rendering.wire.artefact import Artefact, MessageClass
from mailer.rendering.wire.encode import decode
from mailer.rendering.wire.evaluate import Evaluation, Section
from mailer.rendering.wire.expressions import OWN_LINKS, as_boolean, as_number

if TYPE_CHECKING:
    from mailer.addresses import EmailAddress

_PART_FIELDS = (
    "Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
)
_SUBJECT = "Subject: "
#: What the caller puts into the header: one address, one identifier, one link of ours (A5, A26).
_IDENTIFIERS = re.compile(
    r"[^\x00-\x20\x7f-\x9f\u2028\u2029]{3,330}\n"
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+\n"
    r"(?:https://|http://(?:127\.0\.0\.1|localhost|\[::1\])[:/])[A-Za-z0-9:/?&=._~%\[\]-]*[A-Za-z0-9]"
)
_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {"number": as_number, "boolean": as_boolean}
_SPACES = re.compile(" +")


class Unrenderable(MailerError):
    """This message cannot be made for this recipient; correct the merge fields or the template."""


class RecipientValues(NamedTuple):
    """What differs per recipient."""

    address: EmailAddress
    fields: Mapping[str, Any]
    language: str
    message_id: str
    """Without the angle brackets."""
    date: datetime
    unsubscribe_url: str = ""
    view_url: str = ""
    confirm_url: str = ""
    not_me_url: str = ""
    expires_at: str = ""
    """As a reader should see it; only confirmation mail says it."""


class FilledMessage(NamedTuple):
    """The final text for one recipient: CRLF lines, not dot-stuffed."""

    pieces: Sequence[str]
    """Static text, with an escaped value at each odd place."""
    shape: Hashable
    """Equal for messages made of the same static chunks; only the values differ between them."""

    @property
    def text(self) -> str:
        """The whole text, joined at each call."""
        return "".join(self.pieces)

    @property
    def data(self) -> bytes:
        """The final bytes, made at each call."""
        return self.text.encode("utf-8")

    @property
    def needs_smtputf8(self) -> bool:
        """Whether a header field holds an address outside ASCII (RFC 6532)."""
        return not self.text.isascii()


class Expected(NamedTuple):
    """What the Gate looks for in the final bytes of one message."""

    unsubscribe_url: str
    not_me_url: str = ""
    must_show: tuple[str, ...] = ()


class CompiledMessage:
    """A message for everybody: static wire text with holes. Immutable; safe to share between threads."""

    def __init__(self, artefact: Artefact, *, warnings: tuple[Problem, ...] = ()) -> None:
        self.artefact = artefact
        self.warnings = warnings
        self._data = artefact.to_bytes()
        self.hash = hashlib.sha256(self._data).hexdigest()
        specs = dict(artefact.fields)
        self._evaluation = Evaluation(_head(artefact), _sections(artefact), specs)
        names = self._evaluation.names
        self._merge = tuple(
            _merge_plan(name, spec) for name, spec in artefact.fields if f"subscriber_{name}" in names
        )
        self._wants = names - {f"subscriber_{name}" for name in specs}
        self._confirms = artefact.message_class is MessageClass.CONFIRMATION
        header_links = () if self._confirms else ("unsubscribe_url",)
        #: Those of our links that the message uses: no other need be signed.
        self.links = names.intersection(OWN_LINKS).union(header_links)
        self._mailto = artefact.unsubscribe_address is not None
        header = (*artefact.fields_before, *artefact.fields_after, artefact.unsubscribe_address or "")
        #: Whether the header is outside ASCII (RFC 6532) whatever the recipient's address is.
        self.needs_smtputf8 = not all(map(str.isascii, header))

    @property
    def message_class(self) -> MessageClass:
        """Campaign, confirmation or proof."""
        return self.artefact.message_class

    @property
    def html_size_bound(self) -> int:
        """Octets that the HTML part can reach for any recipient (B17)."""
        return self.artefact.html_size_bound

    @property
    def size_bound(self) -> int:
        """Octets that the whole message can reach for any recipient (A36)."""
        return self.artefact.size_bound

    def to_bytes(self) -> bytes:
        """The frozen artefact; `hash` is the SHA-256 of it."""
        return self._data

    @classmethod
    def from_bytes(cls, data: bytes) -> CompiledMessage:
        """The message as it was frozen. Raises ArtefactUnreadable."""
        return cls(Artefact.from_bytes(data))

    def fill(self, recipient: RecipientValues) -> FilledMessage:
        """The final bytes for one recipient.

        Raises Unrenderable when an expression of the template fails on these values (text can
        hold anything: it is data), or when an identifier given for the header is malformed.
        """
        to = str(recipient.address)
        link = recipient.not_me_url if self._confirms else recipient.unsubscribe_url
        if not _IDENTIFIERS.fullmatch(f"{to}\n{recipient.message_id}\n{link}"):
            raise Unrenderable("The address, Message-ID or link of this message is malformed.")
        try:
            pieces, marks = self._evaluation.fill(self._names(recipient), self._head_values(recipient, to))
        except (MailerError, RecursionError, MemoryError):
            raise
        except Exception as error:  # whatever an author's expression does with unfit values
            raise Unrenderable(
                f"An expression of the message failed for this recipient ({type(error).__name__})."
            ) from error
        return FilledMessage(pieces, (self.hash, marks))

    def html(self, recipient: RecipientValues) -> str:
        """The HTML part as this recipient gets it."""
        return self._part(recipient, 2)

    def text(self, recipient: RecipientValues) -> str:
        """The text part as this recipient gets it, with LF line ends."""
        return self._part(recipient, 1)

    def expected(self, recipient: RecipientValues) -> Expected:
        """What the Gate must find in this recipient's bytes."""
        return Expected(recipient.unsubscribe_url, recipient.not_me_url, self.artefact.must_show)

    def _part(self, recipient: RecipientValues, number: int) -> str:
        data = self.fill(recipient).data.decode("utf-8")
        part = data.split(f"\r\n--{self.artefact.boundary}")[number]
        return decode(part.split("\r\n\r\n", 1)[1])

    def _head_values(self, recipient: RecipientValues, to: str) -> tuple[str, ...]:
        date = headers.date(recipient.date)
        if self._confirms:
            return to, date, recipient.message_id
        url = recipient.unsubscribe_url
        if self._mailto:
            return to, date, recipient.message_id, url, url.rsplit("/", 1)[-1]
        return to, date, recipient.message_id, url

    def _names(self, recipient: RecipientValues) -> dict[str, Any]:
        names: dict[str, Any] = {"unsubscribe_url": recipient.unsubscribe_url, "view_url": recipient.view_url}
        given = recipient.fields
        for flat, field, default, convert in self._merge:
            value = given.get(field)
            if value is None or value == "":
                value = default
            elif convert is not None:
                value = convert(value)
            names[flat] = value
        if self._wants:
            self._add_wanted(names, recipient)
        return names

    def _add_wanted(self, names: dict[str, Any], recipient: RecipientValues) -> None:
        names["subscriber_language"] = recipient.language
        if "subscriber_email" in self._wants:
            names["subscriber_email"] = str(recipient.address)
        if self._confirms:
            names["confirm_url"] = recipient.confirm_url
            names["not_me_url"] = recipient.not_me_url
            names["expires_at"] = recipient.expires_at


def _merge_plan(name: str, spec: FieldSpec) -> tuple[str, str, Any, Callable[[Any], Any] | None]:
    default = "" if spec.default is None and spec.type == "text" else spec.default
    return f"subscriber_{name}", name, default, _CONVERSIONS.get(spec.type)


def _head(artefact: Artefact) -> tuple[str, ...]:
    """The header down to the name of the subject field, cut at the places of the recipient's own fields."""
    before = "".join(f"{field}\r\n" for field in artefact.fields_before)
    start = (f"{before}To: ", "\r\nDate: ", "\r\nMessage-ID: <")
    if artefact.message_class is MessageClass.CONFIRMATION:
        return (*start, f">\r\n{_SUBJECT}")
    if artefact.unsubscribe_address is None:
        return (*start, ">\r\nList-Unsubscribe: <", f">\r\n{_SUBJECT}")
    mailto = f">,\r\n <mailto:{artefact.unsubscribe_address}?subject=unsubscribe%20"
    return (*start, ">\r\nList-Unsubscribe: <", mailto, f">\r\n{_SUBJECT}")


def _sections(artefact: Artefact) -> tuple[Section, ...]:
    """The subject, then everything to the closing boundary."""
    after = "".join(f"{field}\r\n" for field in artefact.fields_after)
    boundary = f"--{artefact.boundary}"
    opening = f"\r\n{after}\r\n{boundary}\r\n" + _PART_FIELDS.format(kind="plain")
    between = f"\r\n{boundary}\r\n" + _PART_FIELDS.format(kind="html")
    body: Program = (
        Static(opening),
        *artefact.text,
        Static(between),
        *artefact.html,
        Static(f"\r\n{boundary}--\r\n"),
    )
    return Section(artefact.subject, _subject), Section(body)


@lru_cache(maxsize=1024)
def _subject(text: str) -> str:
    """The value of the Subject field, folded and encoded as a field of that name."""
    field = headers.unstructured("Subject", _SPACES.sub(" ", text).strip())
    return field.removeprefix(_SUBJECT)

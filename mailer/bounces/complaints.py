"""Complaints of readers: abuse reports (RFC 5965), and the forms of providers that never adopted them (A82)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailer.bounces.addresses import found_in, is_official, of_field
from mailer.bounces.mime import Part, fields
from mailer.bounces.model import Bounce, Severity
from mailer.bounces.text import header_text

#: Feedback types by which a reader says no (RFC 5965 7.3); `auth-failure` (RFC 6591) and `not-spam` are none.
NO_COMPLAINT = frozenset({"auth-failure", "not-spam", "dmarc", "dkim", "spf"})
#: Fields of the returned message in which providers name the reader.
_HIDDEN = (
    "x-hmxmroriginalrecipient",
    "x-original-rcpt-to",
    "x-rcpt-to",
    "x-original-to",
    "delivered-to",
    "to",
)
_TYPE = re.compile(r"^Feedback-Type:[ \t]*[\w-]", re.MULTILINE | re.IGNORECASE)
_COMPANION = re.compile(
    r"^(?:User-Agent|Version|Source-IP|Original-Mail-From|Original-Rcpt-To|Reported-Domain|Arrival-Date):",
    re.MULTILINE | re.IGNORECASE,
)
#: What stands where a provider has taken the reader's name out (RFC 6590).
_REDACTED = re.compile(r"\W*(?:redacted|removed|undisclosed|hidden|anonymi[sz]ed|xxx+|\*+)\b", re.IGNORECASE)
_SUBJECTS = (
    "complaint about message from",
    "email feedback report",
    "abuse report",
    "spam report",
    "feedback loop",
    "fbl report",
    "complaint from",
)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What an abuse report says: its type, and whom it names as reader."""

    type: str
    readers: tuple[str, ...]


def feedback(text: str) -> Feedback:
    """The fields of a message/feedback-report."""
    named = list(fields(text.replace("\r", "").lstrip("\n").encode("utf-8", "replace")))
    kind = next((value for name, value in named if name == "feedback-type"), b"abuse")
    readers = [
        address
        for wanted in ("original-rcpt-to", "removal-recipient", "original-recipient")
        for name, value in named
        if name == wanted
        and (address := of_field(value.decode("utf-8", "replace")))
        and not _REDACTED.match(address)
    ]
    return Feedback(kind.decode("latin-1").strip().lower(), tuple(dict.fromkeys(readers)))


def is_feedback(text: str) -> bool:
    """Whether a text has the fields of a feedback report, under whatever media type it came."""
    return bool(_TYPE.search(text[:8000]) and _COMPANION.search(text[:8000]))


def opens_with_feedback(text: str) -> bool:
    """Whether the fields of a feedback report are the first that a text says."""
    return bool(_TYPE.match(text.lstrip()[:400]))


def holds_the_reader(text: str) -> bool:
    """Whether a text is a returned message itself, with the field in which Hotmail names the reader."""
    return text.lstrip()[:2000].lower().startswith("x-hmxmroriginalrecipient:")


def is_look_alike(subject: str, sender: str, returned: Part | None) -> bool:
    """Whether a message is a complaint in a provider's own form, such as the one of Hotmail."""
    if returned is not None and returned.first("x-hmxmroriginalrecipient"):
        return True
    low = subject.lower()
    return (
        returned is not None
        and low.startswith(_SUBJECTS)
        and not re.match(r"(?:re|fwd?|aw|wg):", low)
        and bool(sender)
    )


def complaints(readers: tuple[str, ...], returned: Part | None, rule: str) -> tuple[Bounce, ...]:
    """One verdict per reader; who is named nowhere is one reader without a name (RFC 6590)."""
    readers = readers or _reader_of(returned)
    return tuple(
        Bounce(reader, "", Severity.COMPLAINT, "feedback", delayed=False, rule=rule)
        for reader in readers or (None,)
    )


def _reader_of(returned: Part | None) -> tuple[str, ...]:
    for name in _HIDDEN if returned else ():
        for value in returned.every(name) if returned else ():
            found = [of_field(match[0]) for match in found_in(header_text(value))]
            if found and not is_official(found[0]) and not _REDACTED.match(found[0]):
                return (found[0],)
    return ()

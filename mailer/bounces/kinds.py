"""What speaks for a bounce and what against: senders, subjects and opening words, as data (A80, RFC 3834, RFC 8098)."""

from __future__ import annotations

import re

from mailer.bounces.addresses import found_in, is_official
from mailer.bounces.mime import Part
from mailer.bounces.text import header_text
from mailer.bounces.words import ARRIVALS, AWAY, DAEMONS, DELAY, FINAL, OPENINGS, SUBJECTS, SUMMARIES, SURE

_CODE = re.compile(r"(?<![\w.])(?:[45]\d\d[ -]|[45]\.\d{1,3}\.\d{1,3}\b)")
_PASSED_ON = re.compile(
    r"\s*(?:re|fwd?|aw|wg|tr|rv|sv|vs|antw|odp|enc|res|r|i|doorst|vl|ynt|ilt|回复|转发|답장|전달)\s?(?:\[\d+\])?\s?[:：]",
    re.IGNORECASE,
)
_REFUSAL = re.compile(r"was (?:automatically )?(?:rejected|refused)\b|automatisch (?:abgelehnt|abgewiesen)")
_SUBJECT_LINE = re.compile(
    r"^[ \t>]{0,20}(?:subject|betreff|objet|asunto|oggetto|assunto|onderwerp|temat|ämne|emne|aihe|předmět|konu|тема"
    r"|件名|主题|主旨|標題|제목)[ \t]?[:：][^\n]{0,1000}",
    re.IGNORECASE | re.MULTILINE,
)
_AWAY_FIELDS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply",
    "x-vacation",
    "x-mail-autoreply",
    "x-autoreply-from",
    "x-auto-response-from",
)


def subject_of(whole: Part) -> str:
    """The subject as a person reads it."""
    return header_text(whole.first("subject"))


def sender_of(whole: Part) -> str:
    """The address in From, lower case; empty if there is none."""
    found = found_in(header_text(whole.first("from")))
    return found[0][0].lower() if found else ""


def from_a_daemon(whole: Part) -> int:
    """How surely mail software wrote it, as far as it says itself: 0 to 2."""
    if signs_as_a_daemon(whole):
        return 2
    nobody = whole.first("return-path").replace(b" ", b"") == b"<>"
    return nobody + has_a_daemon_s_name(whole)


def signs_as_a_daemon(whole: Part) -> bool:
    """Whether it has a sender or a field that only mail software has."""
    return bool(SURE.search(header_text(whole.first("from")))) or whole.has("x-ms-exchange-message-is-ndr")


def has_a_daemon_s_name(whole: Part) -> bool:
    """Whether the sender has a name that mail software has."""
    return bool(DAEMONS.search(header_text(whole.first("from")))) or is_official(sender_of(whole))


def is_refusal(text: str) -> bool:
    """Whether a receipt says that the mailbox refused the message (RFC 5429 2.2)."""
    return bool(_REFUSAL.search(text[:2000]))


def after_refusal(text: str) -> str:
    """The reason that a refusal gives."""
    match = _REFUSAL.search(text[:2000])
    return text[match.end() :][:2000].strip(" .:\n") if match else ""


def is_masked(whole: Part) -> bool:
    """Whether somebody else's address, in From and in the envelope, stands under a daemon's name."""
    sender, path = sender_of(whole), whole.first("return-path").strip(b"<> ").lower()
    return bool(sender) and sender.encode("utf-8", "replace") == path and not DAEMONS.search(sender)


def names_a_bounce(subject: str) -> bool:
    """Whether a subject is one that bounces have."""
    return bool(SUBJECTS.search(subject[:300]))


def without_our_subject(text: str) -> str:
    """The words of a report without the line in which it names our subject, which may say anything."""
    return _SUBJECT_LINE.sub("", text)


def own_subject(subject: str) -> str:
    """A subject without the one it repeats: our newsletters are about vacations too, and weekly."""
    own, colon, _ = subject[:300].partition(":")
    return own if colon and names_a_bounce(own) else subject[:300]


def is_passed_on(subject: str) -> bool:
    """Whether a person answers or forwards (A80)."""
    return bool(_PASSED_ON.match(subject))


def opens_like_a_bounce(text: str) -> bool:
    """Whether the first lines of a text are those of a report."""
    return bool(OPENINGS.search(text[:3000]))


def is_automatic(whole: Part, subject: str) -> bool:
    """Whether it is a note of absence, a receipt or a challenge (RFC 3834 5, RFC 8098)."""
    if whole.params.get("report-type", "").lower() == "disposition-notification":
        return True
    if any(whole.first(name) for name in _AWAY_FIELDS):
        return True
    if whole.first("precedence").strip().lower() in (b"auto_reply", b"auto-reply"):
        return True
    return bool(AWAY.search(own_subject(subject)))


def says_automatic(whole: Part) -> bool:
    """Whether its Auto-Submitted field says it was written by a program (RFC 3834 5)."""
    return (
        whole.first("auto-submitted")
        .strip()
        .lower()
        .startswith((b"auto-replied", b"auto-generated", b"auto-notified"))
    )


def is_bulk(whole: Part) -> bool:
    """Whether it is mail of a list or newsletter."""
    return bool(whole.first("list-unsubscribe") or whole.first("list-id") or whole.first("list-post"))


def says_arrived(subject: str, text: str) -> bool:
    """Whether a report in words is one of success (RFC 3461 4.1)."""
    return bool(ARRIVALS.search(subject[:300]) or ARRIVALS.search(text[:1500]))


def names_a_delay(subject: str, text: str) -> bool:
    """Whether a report in words is a warning: the server still tries (A73)."""
    said = f"{own_subject(subject)} {text[:1500]}"
    return bool(DELAY.search(said)) and not FINAL.search(said)


def has_a_code(text: str) -> bool:
    """Whether a text has a reply code or an enhanced status in it."""
    return bool(_CODE.search(text[:5000]))


def is_summary(subject: str) -> bool:
    """Whether a subject is that of a digest or statistic, which names many addresses and means none."""
    return bool(SUMMARIES.search(own_subject(subject)))

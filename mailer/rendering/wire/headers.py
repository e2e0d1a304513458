"""Header fields, built from typed parts and folded by hand (RFC 5322 2.2.3, RFC 2047).

Every field leaves this module as finished lines. Words are encoded here exactly once; list
fields and identifiers never are (A3, A34).
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import UTC, datetime
from functools import lru_cache

from mailer.addresses import Mailbox
from mailer.errors import MailerError
from mailer.rendering.wire.characters import CONTROL

#: Columns a header line keeps to where it can be folded (RFC 5322 2.1.1), and may never pass.
FOLD_WIDTH = 76
LINE_LIMIT = 998
_WORD_LIMIT = 75  # RFC 2047 2

_FIELD = re.compile(r"[!-9;-~]+: ?[^\r\n]*(\r\n[ \t]+[^\r\n]*)*")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_Q_LITERAL = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class HeaderUnsafe(MailerError):
    """A header value holds a line break or another control character; remove it."""


def field(name: str, value: str) -> str:
    """One finished field without its last CRLF, from a value that is already folded and encoded.

    Raises HeaderUnsafe if it would be anything but this one field (A29).
    """
    line = f"{name}: {value}"
    _refuse_controls(name, line.replace("\r\n ", ""))
    if not _FIELD.fullmatch(line):
        raise HeaderUnsafe(f"The name or the folding of {name} is malformed.", header=name)
    if max(map(len, line.split("\r\n"))) > LINE_LIMIT:
        raise HeaderUnsafe(f"The value of {name} makes a line of more than {LINE_LIMIT} octets.", header=name)
    return line


def unstructured(name: str, text: str) -> str:
    """A field of free text such as Subject: as it is when plain, else in encoded-words throughout."""
    _refuse_controls(name, text)
    words = text.split(" ")
    if not text:
        return field(name, "")  # an encoded-word of nothing is none (RFC 2047 2)
    if text.isascii() and "=?" not in text and all(words) and max(map(len, words)) < FOLD_WIDTH - len(name):
        return field(name, _fold(words, len(name) + 2))
    return field(name, "\r\n ".join(encoded_words(text, first=FOLD_WIDTH - len(name) - 2)))


def mailbox(name: str, box: Mailbox) -> str:
    """A field of one mailbox with its display name (A30): From, Reply-To."""
    _refuse_controls(name, box.name)
    if not box.name:
        return field(name, f"<{box.address}>")
    phrase = _phrase(box.name, first=FOLD_WIDTH - len(name) - 2)
    address = f"<{box.address}>"
    last = phrase.rsplit("\r\n", 1)[-1]
    together = len(name) + 2 + len(last) + 1 + len(address) <= FOLD_WIDTH
    return field(name, f"{phrase}{' ' if together else chr(13) + chr(10) + ' '}{address}")


def quoted(text: str) -> str:
    """A quoted string of printable ASCII (RFC 5322 3.2.4)."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def encoded_words(text: str, *, first: int = _WORD_LIMIT) -> list[str]:
    """`text` as RFC 2047 encoded-words of whole characters; the first is at most `first` long.

    Q, which people can half read, unless B is much shorter.
    """
    octets = text.encode("utf-8")
    literal = sum(octet in _Q_LITERAL or octet == 0x20 for octet in octets)
    in_q = literal + 3 * (len(octets) - literal) <= 2 * len(octets)
    return _q_words(text, first) if in_q else _b_words(text, first)


@lru_cache(maxsize=64)
def date(moment: datetime) -> str:
    """The value of Date in UTC, in English whatever the locale (RFC 5322 3.3, A27)."""
    utc = moment.astimezone(UTC)
    return (
        f"{_DAYS[utc.weekday()]}, {utc.day:02d} {_MONTHS[utc.month - 1]} {utc.year:04d} "
        f"{utc.hour:02d}:{utc.minute:02d}:{utc.second:02d} +0000"
    )


def _refuse_controls(name: str, text: str) -> None:
    if CONTROL.search(text):
        raise HeaderUnsafe(
            f"The value of {name} holds a line break or another control character; remove it.", header=name
        )


def _fold(words: list[str], column: int) -> str:
    lines, line = [], words[0]
    for word in words[1:]:
        if column + len(line) + 1 + len(word) > FOLD_WIDTH:
            lines.append(line)
            line, column = word, 1
        else:
            line += " " + word
    return "\r\n ".join([*lines, line])


def _phrase(text: str, *, first: int) -> str:
    """A display name: as it is, quoted, or in encoded-words (RFC 5322 3.2.5, RFC 2047 5 (3))."""
    plain = _PHRASE.fullmatch(text) and "  " not in text and text == text.strip()
    phrase = text if plain else quoted(text)
    if not text.isascii() or "=?" in text or len(phrase) > first:
        return "\r\n ".join(encoded_words(text, first=first))
    return phrase


def _q_words(text: str, first: int) -> list[str]:
    prefix, words, word, room = "=?utf-8?q?", [], "", min(first, _WORD_LIMIT) - 12
    for character in text:
        written = "".join(_q_octet(octet) for octet in character.encode("utf-8"))
        if len(word) + len(written) > room:
            words.append(f"{prefix}{word}?=")
            word, room = "", _WORD_LIMIT - 12
        word += written
    return [*words, f"{prefix}{word}?="]


def _q_octet(octet: int) -> str:
    if octet == 0x20:
        return "_"
    return chr(octet) if octet in _Q_LITERAL else f"={octet:02X}"


def _b_words(text: str, first: int) -> list[str]:
    words, word, room = [], b"", (min(first, _WORD_LIMIT) - 12) // 4 * 3
    for character in text:
        octets = character.encode("utf-8")
        if len(word) + len(octets) > room:
            words.append(word)
            word, room = b"", (_WORD_LIMIT - 12) // 4 * 3
        word += octets
    return [f"=?utf-8?b?{b64encode(word).decode()}?=" for word in [*words, word]]

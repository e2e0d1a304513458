"""What each header field may hold, folded as it stands on the wire; a check gives back what the field says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from tests.rendering.wire.strict_words import decoded_word, strict_decode

#: A25.
ONE_EACH = ("Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type")

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_DOT_ATOM = rf"{_ATEXT}+(?:\.{_ATEXT}+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_ADDRESS = re.compile(rf"{_DOT_ATOM}@{_HOST}")
_QUOTED = r'"(?:[^"\\\r\n]|\\[!-~ ])*"'
_WORDS = re.compile(rf"({_ATEXT}+|{_QUOTED})(?: |\r\n )")
_URI = r"<[a-z]+:[!-;=?-~]+>"
_URIS = re.compile(rf"{_URI}(?:,\r\n {_URI})*")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _mailbox(value: str) -> str:
    """One mailbox, no group, no list; its display name (RFC 5322 3.4, RFC 2047 5 (3))."""
    if _ADDRESS.fullmatch(value):
        return ""
    at, name, last_was_encoded = 0, "", False
    while match := _WORDS.match(value, at):
        word, at = match[1], match.end()
        encoded = word.startswith("=?")
        assert encoded or "=?" not in word, "an encoded-word in a quoted string or an atom (A34)"
        if encoded:
            assert re.fullmatch(r"=\?utf-8\?(?:q\?[A-Za-z0-9!*+/=_-]+|b\?[A-Za-z0-9+/=]+)\?=", word), (
                "RFC 2047 5 (3)"
            )
            plain = decoded_word(word)
        else:
            plain = re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
        name += plain if (encoded and last_was_encoded) or not name else f" {plain}"
        last_was_encoded = encoded
    rest = value[at:]
    assert rest.startswith("<") and rest.endswith(">"), f"not one mailbox: {value!r} (A25, A30)"
    assert _ADDRESS.fullmatch(rest[1:-1]), f"not an address: {rest!r} (A30)"
    return name


def _date(value: str) -> str:
    match = re.fullmatch(
        r"([A-Z][a-z]{2}), (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) \+0000", value
    )
    assert match, f"not a date in UTC: {value!r} (A27)"
    day, month = _DAYS.index(match[1]), _MONTHS.index(match[3]) + 1
    hour, minute, second = map(int, match.groups()[4:])
    moment = datetime(int(match[4]), month, int(match[2]), hour, minute, second)
    assert moment.weekday() == day, "the wrong day of the week (A27)"
    return value


def _matches(pattern: str, rule: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        assert compiled.fullmatch(value), f"{value!r} ({rule})"
        return value

    return check


def _uris(value: str) -> str:
    assert "=?" not in value, "an encoded-word in a list field (A3)"
    assert _URIS.fullmatch(value), f"not <URI>, folded after commas alone: {value!r} (A3, A4)"
    return value


def _unsubscribe(value: str) -> str:
    _uris(value)
    schemes = re.findall(r"<([a-z]+):", value)
    assert schemes.count("https") == 1 and set(schemes) <= {"https", "mailto"}, "one https, no http (A1)"
    (url,) = re.findall(r"<(https:[^>]+)>", value)
    assert re.fullmatch(rf"https://{_HOST}(?::\d+)?/u/[A-Za-z0-9_.-]*[A-Za-z0-9]", url), f"{url} (A5)"
    return value


def _list_id(value: str) -> str:
    match = re.fullmatch(rf"(?:({_QUOTED})(?: |\r\n ))?<({_DOT_ATOM})>", value)
    assert match, f"not a list id: {value!r} (A22)"
    assert value.isascii() and "=?" not in value, "a list id is never encoded (A3, A22)"
    assert len(match[2]) <= 255 and "." in match[2], "RFC 2919 3 (A22)"
    return value


def _feedback(value: str) -> str:
    parts = value.split(":")
    assert len(parts) <= 4 and len(set(parts)) == len(parts) and all(parts), f"{value!r} (B10)"
    assert re.fullmatch(r"[A-Za-z0-9._-]{5,15}", parts[-1]), f"sender of 5 to 15 characters: {value!r} (B10)"
    return value


#: Every field that a message of ours may have.
CHECKS: Mapping[str, Callable[[str], str]] = {
    "From": _mailbox,
    "To": _mailbox,
    "Reply-To": _mailbox,
    "Subject": strict_decode,
    "Date": _date,
    "Message-ID": _matches(rf"<{_DOT_ATOM}@{_HOST}>", "A26"),
    "MIME-Version": _matches(r"1\.0", "RFC 2045 4"),
    "Content-Type": _matches(r"multipart/alternative;\r\n boundary=\"=_[0-9a-f]+\"", "A31, A32"),
    "Content-Transfer-Encoding": _matches("quoted-printable", "A32"),
    "Content-Language": _matches(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*", "RFC 3282 2"),
    "List-Unsubscribe": _unsubscribe,
    "List-Unsubscribe-Post": _matches("List-Unsubscribe=One-Click", "A2"),
    "List-Id": _list_id,
    "List-Help": _uris,
    "List-Owner": _uris,
    "List-Post": _matches("NO", "A23"),
    "Feedback-ID": _feedback,
    "Precedence": _matches("bulk", "A87"),
    "X-Auto-Response-Suppress": _matches(r"OOF, AutoReply", "A87"),
    "X-Mailer-Proof": _matches("yes", "A90"),
    "Auto-Submitted": _matches("auto-generated", "A85"),
}

"""Merged values are data: what they may not contain, and what is written instead (A29, D13, D15, E17)."""

from __future__ import annotations

import re
from datetime import date, datetime
from urllib.parse import quote

#: A merged value is cut here, with an ellipsis, so that the size of a message has a bound (B17).
VALUE_LIMIT = 256
#: A merged address of a page longer than this becomes `#`: half a link is worse than none.
URL_LIMIT = 990

#: Controls, the line and paragraph separators, lone surrogates, and the marks that turn the
#: direction of the text around them: str.splitlines and header parsers break at most of these.
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069]+")
#: Those of them that a header may not hold even inside an encoded-word (A29).
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_RIGHT_TO_LEFT = re.compile(
    r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"

_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"}
_HTML_TABLE = str.maketrans(_HTML)
_HTML_SYNTAX = re.compile(f"[{''.join(_HTML)}]")
_URL_SAFE = "!#$%&()*+,/:;=?@[]~-._"
_LOOPBACK = r"http://(?:127\.0\.0\.1|localhost|\[::1\])(?=[:/])"
#: What most links are, our own among them: nothing to escape, nothing to refuse.
_PLAIN_LINK = re.compile(rf"(?:https://|{_LOOPBACK})[A-Za-z0-9!$()*+,/:;=?@._~-]{{1,980}}")
_LINK = re.compile(rf"(?:https://|mailto:|tel:|{_LOOPBACK}).", re.IGNORECASE)

#: What one character of a value can grow to: `&#34;` in HTML, four octets as %XX in a link.
HTML_GROWTH = 5
URL_GROWTH = 12


def plain(value: object) -> str:
    """Any merge value as one line of harmless text."""
    if type(value) is str:
        text = value
    elif value is None:
        return ""
    else:
        text = _written(value)
    if not text.isascii() or not text.isprintable():
        text = UNSAFE.sub(" ", text)
    if len(text) > VALUE_LIMIT:
        text = text[: VALUE_LIMIT - 1] + "…"
    return text


def isolated(value: object) -> str:
    """`plain`, and a right-to-left value kept from reordering what stands around it (E17)."""
    text = plain(value)
    if text.isascii() or not _RIGHT_TO_LEFT.search(text):
        return text
    return f"{_ISOLATE}{text}{_END_OF_ISOLATE}"


def html(value: object) -> str:
    """For element text or a quoted attribute."""
    text = isolated(value)
    return text.translate(_HTML_TABLE) if _HTML_SYNTAX.search(text) else text


def url_component(value: object) -> str:
    """For a place inside a link, after its literal beginning: nothing in it is syntax."""
    return quote(plain(value), safe="")


def link(value: object) -> str:
    """For a whole `href`: an https, mailto or tel link (http on loopback), else `#` (D15)."""
    text = str(value)
    if _PLAIN_LINK.fullmatch(text):
        return text
    text = text.strip()
    if len(text) > URL_LIMIT or not _LINK.match(text):
        return "#"
    return quote(UNSAFE.sub("", text), safe=_URL_SAFE).replace("&", "&amp;")


def _written(value: object) -> str:
    """Numbers without a needless fraction, dates as ISO; templates have filters for other looks."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
